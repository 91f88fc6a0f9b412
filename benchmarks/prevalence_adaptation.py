"""Does adapting the score to the corpus help? Positive-unlabelled learning on real documents, beside the first tier.

python benchmarks/prevalence_adaptation.py --sources LABELLED --scores tier0.parquet

Human anchors are the one class, the corpus (whose documents nobody labelled) the other; a logistic model over hashed
word n-grams and the first tier's score, cross-fitted in two folds so that no document is scored by a model that saw it.
Generators and families of the cells were never seen by the first tier, as in benchmarks/prevalence.py. Corpora hold six
shards of 0 to 50% machine text, drawn without replacement. Rows: benchmarks/results/prevalence_adaptation.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import polars as pl
from prevalence import ROOT, prior_of
from prevalence_tier0 import judged, read
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from auditor.detectors.training import first_tier
from auditor.detectors.training.labelled import Labelled
from auditor.estimate.fraction.anchors import Anchors, AnchorSet
from auditor.estimate.fraction.counts import ScoreCounts
from auditor.estimate.fraction.domain_shift import DETECTABLE, Trust, separability
from auditor.estimate.fraction.prevalence import PrevalenceOptions, estimate_prevalence

FRACTIONS = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5)
REPEATS, FEWEST_HUMAN, FEWEST_MACHINE = 3, 600, 250
PENALTIES = (0.3, 3.0)


def adapted(
    features: sparse.csr_matrix, score: np.ndarray, unlabelled: np.ndarray, penalty: float, rng: np.random.Generator
) -> np.ndarray:
    """Cross-fitted log-odds (n,) of being of the corpus rather than an anchor, classes weighing alike.

    References: Elkan & Noto 2008 (non-traditional classifier); cross-fitting: Chernozhukov et al. 2018
    """
    fold = rng.permutation(len(score)) % 2
    standard = (score - score[~unlabelled].mean()) / score[~unlabelled].std()
    x = sparse.hstack([features, sparse.csr_matrix(standard[:, None])]).tocsr()
    out = np.zeros(len(score))
    for side in (0, 1):
        model = LogisticRegression(C=penalty, class_weight="balanced", max_iter=60, tol=1e-3)
        model.fit(x[fold != side], unlabelled[fold != side])
        out[fold == side] = model.decision_function(x[fold == side])
    return out


def corpora(cell: pl.DataFrame, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows, shard or -1 for anchors, realised machine fraction by shard) of one corpus of real documents."""
    human = rng.permutation(cell.filter(label="human")["at"].to_numpy())
    machine = rng.permutation(cell.filter(label="ai")["at"].to_numpy())
    anchors, human = human[: len(human) // 2], human[len(human) // 2 :]
    size = int(min(len(human) / sum(1 - a for a in FRACTIONS), len(machine) / sum(FRACTIONS)))
    rows, shards, truth = [anchors], [np.full(len(anchors), -1)], []
    for i, a in enumerate(FRACTIONS):
        k = round(a * size)
        take, human = human[: size - k], human[size - k :]
        more, machine = machine[:k], machine[k:]
        rows += [take, more]
        shards.append(np.full(size, i))
        truth.append(k / size)
    return np.concatenate(rows), np.concatenate(shards), np.array(truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    options = parser.parse_args()
    scores = pl.read_parquet(options.scores)
    documents = judged(read(options.sources))
    out = []
    for (held, group), part in sorted(scores.filter(role="target").group_by(["held", "held_group"])):
        own = (pl.col("label") == "human") | (pl.col("group") == group)
        frame = documents.frame.filter(pl.col("held") == held).filter(own)
        if frame.height != part.height:
            continue
        frame = frame.with_columns(score=part["score"], at=pl.int_range(pl.len()))
        prior = None
        for (domain,), cell in sorted(frame.group_by(["domain"])):
            sides = [cell.filter(label=label)["score"].to_numpy() for label in ("human", "ai")]
            if len(sides[0]) < FEWEST_HUMAN or len(sides[1]) < FEWEST_MACHINE or separability(*sides) < DETECTABLE:
                continue
            prior = prior or prior_of(scores.filter(role="calibration", held=held, held_group=group))
            for repeat in range(REPEATS):
                rng = np.random.default_rng([20221101, len(out), repeat])
                rows, shard, truth = corpora(cell, rng)
                chosen = Labelled(frame[rows], documents.batch)
                first, last = chosen.spans(400)
                features = first_tier.matrix(chosen, first, last)
                tried = {"first tier": frame["score"].to_numpy()[rows].astype(float)}
                for penalty in PENALTIES:
                    tried[f"adapted, C={penalty:g}"] = adapted(features, tried["first tier"], shard >= 0, penalty, rng)
                machine = (chosen.frame["label"] == "ai").to_numpy()
                for name, score in tried.items():
                    row = {
                        "held": held,
                        "group": group,
                        "domain": domain,
                        "score": name,
                        "anchors": int((shard < 0).sum()),
                    }
                    row |= {"area": separability(score[~machine & (shard >= 0)], score[machine])}
                    human = AnchorSet("anchors", Trust.REFERENCE, ScoreCounts.of(score[shard < 0]))
                    names = [str(i) for i in range(len(FRACTIONS))]
                    target = ScoreCounts.of(score[shard >= 0], scope_of=shard[shard >= 0], scopes=names)
                    found = estimate_prevalence(
                        target,
                        Anchors((human,), (), prior),
                        np.random.default_rng(repeat),
                        options=PrevalenceOptions(draws=150),
                    )
                    for a, t, e in zip(FRACTIONS, truth, found.shards.documents, strict=True):
                        out.append(
                            row | {"fraction": a, "truth": t, "value": e.value, "lower": e.lower, "upper": e.upper}
                        )
            print(held, group, domain, flush=True)
    target = ROOT / "benchmarks" / "results" / "prevalence_adaptation.json"
    target.write_text(json.dumps(summary(pl.DataFrame(out)), indent=1) + "\n")
    print(target.read_text())


def summary(rows: pl.DataFrame) -> list[dict]:
    rows = rows.with_columns(
        covered=(pl.col("lower") <= pl.col("truth") + 1e-9) & (pl.col("truth") <= pl.col("upper") + 1e-9),
        error=100 * (pl.col("value") - pl.col("truth")),
        width=100 * (pl.col("upper") - pl.col("lower")),
    )
    table = rows.group_by("score", "fraction").agg(
        shards=pl.len(),
        mean_absolute_error=pl.col("error").abs().mean().round(2),
        bias=pl.col("error").mean().round(2),
        coverage=pl.col("covered").mean().round(3),
        median_width=pl.col("width").median().round(2),
        area=pl.col("area").mean().round(3),
    )
    return table.sort("fraction", "score").to_dicts()


if __name__ == "__main__":
    main()
