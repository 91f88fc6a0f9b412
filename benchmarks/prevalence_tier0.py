"""Scores of the shipped first tier, trained anew without the source family and the generators that it is judged on.

python benchmarks/prevalence_tier0.py --sources LABELLED --scores tier0.parquet

The same rows as benchmarks/prevalence_scores.py writes. For every (family, generator group) the n-gram and style models
are fitted as they ship (detectors/training.py) without both; role "target" is the family's own humans and that group.
Role "calibration": every other family, scored without itself and without the group, as the shipped calibration is.
Sources without a stated licence are never trained on, here as in the product. Only scores are written, never text.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import polars as pl
from prevalence_scores import FAMILIES, FEWEST_MACHINE, FEWEST_WORDS, GROUPS, TESTED, generator_group

from auditor.detectors.first import ngrams, phrases, style_measures
from auditor.detectors.training import first_tier, labelled
from auditor.detectors.training.labelled import Labelled
from auditor.detectors.training.stacking import fit_stack

MEMBERS = ("ngrams", "stylometry", "phrases")


def read(folder: Path) -> Labelled:
    """All labelled documents, with this benchmark's families (`held`) and generator groups."""
    corpus = labelled.read(folder)
    family = {source: family for family, sources in FAMILIES.items() for source in sources}
    group = pl.col("generator").map_elements(generator_group, return_dtype=pl.String, skip_nulls=False)
    frame = corpus.frame.with_columns(held=pl.col("source").replace(family), group=group)
    return Labelled(frame, corpus.batch)


def judged(corpus: Labelled) -> Labelled:
    """English prose of at least FEWEST_WORDS words; a text that stands in two sources counts once."""
    frame = corpus.frame.filter(
        (pl.col("language") == "en")
        & (pl.col("label") != "mixed")
        & ~pl.col("domain").str.contains("(?i)code")
        & (pl.col("words") >= FEWEST_WORDS)
    )
    tokens = corpus.batch.tokens
    total = np.concatenate([[0], np.cumsum(tokens.hashes.astype(np.uint64), dtype=np.uint64)])
    rows = frame["row"].to_numpy()
    digest = total[tokens.offsets[rows + 1]] - total[tokens.offsets[rows]]
    frame = frame.with_columns(digest=pl.Series(digest)).unique(["digest", "label"], keep="first", maintain_order=True)
    return Labelled(frame.drop("digest"), corpus.batch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    options = parser.parse_args()
    corpus = read(options.sources)
    learn = first_tier.sample(corpus, np.random.default_rng(first_tier.SEED))
    target = judged(corpus)
    measured, blocks = (
        style_measures.measures(corpus.batch),
        first_tier.gram_features(learn, np.random.default_rng(first_tier.SEED)),
    )
    found = phrases.load().score(corpus.batch)
    trained = set(learn.frame["held"])
    out = []
    for group in GROUPS:
        hidden = ((learn.frame["group"] == group) & (learn.frame["label"] == "ai")).to_numpy()
        scores, models = {}, {}
        for held in FAMILIES:
            key = held if held in trained else ""  # nothing of this family to leave out: one model for all such
            if key not in models:
                seen = ~hidden & (learn.frame["held"] != key).to_numpy()
                rest = learn.take(seen)
                tables = {"en": first_tier.fit_ngrams([x[seen] for x in blocks], rest.frame)}
                ours = first_tier.fit_style(measured[rest.frame["row"].to_numpy()], rest.frame)
                models[key] = ngrams.Ngrams.of(tables).score(corpus.batch), ours.score(corpus.batch)
            scores[held] = dict(zip(MEMBERS, (*models[key], found), strict=True))
        out += [rows(scores, held, group, hidden, learn, target) for held in TESTED]
        print(group, flush=True)
    options.scores.parent.mkdir(parents=True, exist_ok=True)
    pl.concat([part for part in out if part is not None]).write_parquet(options.scores)


def rows(
    scores: dict[str, dict[str, np.ndarray]],
    held: str,
    group: str,
    hidden: np.ndarray,
    learn: Labelled,
    target: Labelled,
) -> pl.DataFrame | None:
    """Targets and calibration of one (family, generator group); None where the group wrote too little there."""
    machine, mine = pl.col("label") == "ai", pl.col("held") == held
    theirs = pl.col("group") == group
    frame = target.frame
    if frame.filter(machine & mine & theirs).height < FEWEST_MACHINE:
        return None
    kept = frame.filter(pl.when(mine).then(~machine | theirs).otherwise(~machine | ~theirs))
    known = learn.frame.filter(pl.Series(~hidden)).filter(~mine)
    stack = fit_stack(MEMBERS, own(scores, known), (known["label"] == "ai").to_numpy(), first_tier.weights_of(known))
    logit = stack.logit(own(scores, kept)).astype(np.float32)
    columns = {"family": kept["held"], "score": pl.Series(logit), "held": pl.lit(held), "held_group": pl.lit(group)}
    role = pl.when(mine).then(pl.lit("target")).otherwise(pl.lit("calibration"))
    out = kept.with_columns(role=role).with_columns(**columns).filter(pl.col("score").is_finite())
    return out.select("family", "domain", "generator", "group", "label", "held", "held_group", "role", "score")


def own(scores: dict[str, dict[str, np.ndarray]], frame: pl.DataFrame) -> dict[str, np.ndarray]:
    """Members' scores (n,) of these rows, each by the models that left its family out."""
    row, family = frame["row"].to_numpy(), frame["held"].to_numpy()
    return {
        member: np.select([family == name for name in scores], [scores[name][member][row] for name in scores], np.nan)
        for member in MEMBERS
    }


if __name__ == "__main__":
    main()
