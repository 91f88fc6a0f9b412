"""How far the detectors can be trusted: ranking on sources whose whole family they have not seen.

Texts are normalised and cut to common lengths, so that neither formatting nor length can help.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from auditor.detectors.first import style_measures
from auditor.detectors.training import first_tier, labelled
from auditor.detectors.training.labelled import Labelled
from auditor.detectors.training.stacking import SHARES

LENGTHS = (100, 250, 500)
CAP = 500  # documents of a source, class and generator
FEWEST = 50  # of each class, below which a scope is not measured
ENOUGH = 200  # documents of each class in a family that a language can be learned from, or judged on
FALSE_POSITIVE_RATES = (0.05, 0.01, 0.001)
REPLICATES = 200
MEMBERS = ("ngrams", "stylometry", "phrases")
SCOPES = ("domain", "generator", "attack")


def evaluate(folder: Path, *, rng: np.random.Generator) -> pl.DataFrame:
    """Accuracy by length, scope and scorer, every score by models that saw nothing of the source's family.

    Returns: length, kind (pooled|source|domain|generator|attack), scope, scorer, human, machine, and for auroc, auprc,
    tpr_5, tpr_1, tpr_0.1 the value with lower and upper (95%, bootstrap over documents); scorer "leak" is a logistic
    model of surface features within the scope by 5-fold cross-validation, "tfidf" plain TF-IDF with logistic regression
    """
    corpus = labelled.read(folder)
    learn = first_tier.sample(corpus, np.random.default_rng(first_tier.SEED))
    target = judged(corpus, rng)
    lengths = [words for words in LENGTHS if (target.frame["words"] >= words).any()]
    cuts = [target.cut(words) for words in lengths]
    scored = first_tier.out_of_family(learn, *cuts)
    tables = []
    for words, cut, scores, baseline in zip(lengths, cuts, scored, tfidf(learn, cuts), strict=True):
        scores = scores | {"ensemble": _together(scores), "tfidf": baseline}
        tables.append(_table(cut, scores, rng).with_columns(length=pl.lit(words)))
    return pl.concat(tables, how="diagonal")


def languages(folder: Path) -> pl.DataFrame:
    """What there is to learn a language from: language, human, machine (documents of LENGTHS[0] words or more, with a
    licence), families (those with ENOUGH documents of both classes), measured (whether one can be left out)."""
    frame = labelled.read(folder, licensed_only=True).frame.filter(
        (pl.col("label") != "mixed") & (pl.col("words") >= LENGTHS[0])
    )
    classes = [(pl.col("label") == label).sum().alias(name) for label, name in (("human", "human"), ("ai", "machine"))]
    by_family = frame.group_by("language", "family").agg(classes)
    rich = pl.min_horizontal("human", "machine") >= ENOUGH
    found = by_family.group_by("language").agg(pl.col("human", "machine").sum(), families=rich.sum())
    return found.with_columns(measured=pl.col("families") >= 2).sort("families", "machine", "language", descending=True)


def judged(corpus: Labelled, rng: np.random.Generator) -> Labelled:
    """English prose of all sources with both classes, licensed or not, long enough; at most CAP of a generator."""
    frame = corpus.frame.with_columns(lot=pl.Series(rng.random(len(corpus.frame))))
    frame = frame.filter(
        (pl.col("language") == "en")
        & (pl.col("label") != "mixed")
        & (pl.col("domain").str.to_lowercase() != "code")
        & (pl.col("words") >= LENGTHS[0])
    )
    frame = frame.filter(pl.col("label").n_unique().over("source") == 2)
    frame = frame.filter(pl.col("lot").rank("ordinal").over("source", "label", "generator") <= CAP).drop("lot")
    return Labelled(frame, corpus.batch)


def tfidf(learn: Labelled, cuts: list[Labelled]) -> Iterator[np.ndarray]:
    """Scores of the plain baseline: hashed 1-2-grams, tf-idf, all documents alike, logistic regression with C = 1."""
    x = _words(learn, 400)
    idf = np.log((1 + x.shape[0]) / (1 + np.bincount(x.indices, minlength=x.shape[1]))).astype(np.float32) + 1
    folds, models = first_tier.folds(learn.frame), {}
    x = _weighted(x, idf)
    for left_out in sorted(set(np.concatenate([first_tier.folds(cut.frame) for cut in cuts]).tolist())):
        rest = folds != left_out
        models[left_out] = LogisticRegression(max_iter=100).fit(x[rest], learn.machine[rest])
    for cut in cuts:
        out, here = np.zeros(len(cut.frame)), first_tier.folds(cut.frame)
        found = _weighted(_words(cut), idf)
        for fold in np.unique(here):
            out[here == fold] = models[fold].decision_function(found[here == fold])
        yield out


def rates(scores: np.ndarray, machine: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUROC, AUPRC and the true positive rates at FALSE_POSITIVE_RATES for each row of weights (r, n): (r, 5).

    AUROC as the share of pairs in order (ties a half): Hanley & McNeil 1982, eq. 1; AUPRC as average precision.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # tied scores are one threshold
    hits = np.cumsum(weights[:, order] * machine[order], 1)[:, ends]
    false = np.cumsum(weights[:, order] * ~machine[order], 1)[:, ends]
    hit, wrong = hits / hits[:, -1:], false / false[:, -1:]
    step = np.diff(wrong, axis=1, prepend=0)
    auroc = ((hit - np.diff(hit, axis=1, prepend=0) / 2) * step).sum(1)
    auprc = (hits / np.maximum(hits + false, 1e-12) * np.diff(hit, axis=1, prepend=0)).sum(1)
    found = [
        [h[np.searchsorted(w, rate, "right") - 1] if w[0] <= rate else 0.0 for rate in FALSE_POSITIVE_RATES]
        for h, w in zip(hit, wrong, strict=True)
    ]
    return np.column_stack([auroc, auprc, np.array(found)])


def _words(corpus: Labelled, most: int | None = None) -> csr_matrix:
    return first_tier.matrix(corpus.batch.tokens.hashes, 2, *corpus.spans(most))


def _weighted(x: csr_matrix, idf: np.ndarray) -> csr_matrix:
    x = x.multiply(idf).tocsr()
    return x.multiply(1 / np.maximum(np.sqrt(x.multiply(x).sum(1)), 1e-9)).tocsr()


def _together(scores: dict[str, np.ndarray]) -> np.ndarray:
    """What the ensemble ranks by: the members' scores in the shares that are given, not fitted (see stacking)."""
    return sum((SHARES[name] * scores[name].astype(float) for name in MEMBERS), np.zeros(1))


def _scopes(frame: pl.DataFrame) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """(kind, scope, rows (k,), weights (k,)); a generator or attack is judged against all humans of its source."""
    human, base, named = ((frame["label"] == "human").to_numpy(), *(frame[c].to_numpy() for c in ("base", "named")))
    equal = 1 / frame.select(pl.len().over("source", "label")).to_series().to_numpy()
    large = (
        frame.select(
            pl.min_horizontal((pl.col("label") == name).sum().over("source") for name in ("human", "ai")) >= FEWEST
        )
        .to_series()
        .to_numpy()
    )
    yield "pooled", "all", np.flatnonzero(large), equal
    yield "pooled", "instruction-tuned", np.flatnonzero(large & ~base & named), equal
    yield "pooled", "base models", np.flatnonzero(large & (base | human)), equal
    for source in sorted(set(frame["source"])):
        mine = (frame["source"] == source).to_numpy()
        yield "source", source, np.flatnonzero(mine), np.ones(len(frame))
        for kind in SCOPES:
            for value in sorted(set(frame[kind].filter(pl.Series(mine)).drop_nulls()) - {""}):
                matched = (frame[kind] == value).fill_null(False).to_numpy()
                rows = mine & (matched if kind == "domain" else (matched & ~human) | human)
                yield kind, f"{source} / {value}", np.flatnonzero(rows), np.ones(len(frame))


def _table(cut: Labelled, scores: dict[str, np.ndarray], rng: np.random.Generator) -> pl.DataFrame:
    rows, measured = [], style_measures.measures(cut.batch)[:, : len(style_measures.BYTES)]
    for kind, scope, chosen, weights in _scopes(cut.frame):
        machine = cut.machine[chosen]
        if min(machine.sum(), (~machine).sum()) < FEWEST:
            continue
        found = {name: values[chosen] for name, values in scores.items()}
        if kind == "source":
            found["leak"] = _leak(measured[chosen], machine)
        replicates = REPLICATES if kind in ("pooled", "source") else REPLICATES // 4
        drawn = rng.multinomial(len(chosen), np.full(len(chosen), 1 / len(chosen)), replicates) * weights[chosen]
        for name, values in found.items():
            draws = rates(np.nan_to_num(values, nan=-99.0), machine, np.vstack([weights[chosen], drawn]))
            row = {"kind": kind, "scope": scope, "scorer": name, "human": int((~machine).sum())}
            row |= {"machine": int(machine.sum()), "unscored": int(np.isnan(values).sum())}
            bounds = np.quantile(draws[1:], [0.025, 0.975], axis=0)
            for k, metric in enumerate(("auroc", "auprc", "tpr_5", "tpr_1", "tpr_0.1")):
                row |= {metric: draws[0, k], f"{metric}_lower": bounds[0, k], f"{metric}_upper": bounds[1, k]}
            rows.append(row)
    return pl.DataFrame(rows)


def _leak(measured: np.ndarray, machine: np.ndarray) -> np.ndarray:
    """Scores (n,) of a logistic model of punctuation, sentences and word lengths within a source, cross-validated."""
    x = (measured - measured.mean(0)) / (measured.std(0) + 1e-6)
    return cross_val_predict(LogisticRegression(max_iter=300), x, machine, cv=5, method="decision_function")
