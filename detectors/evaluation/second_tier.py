"""How accurate the second tier is: members and sums, on documents of families that no model involved has seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from auditor.detectors.evaluation.first_tier import rates
from auditor.detectors.second_tier import FALSE_POSITIVES, FIRST
from auditor.detectors.training import second_tier
from auditor.detectors.training.data import labelled
from auditor.detectors.training.data.labelled import Labelled

REPLICATES = 300
ESSAYS = 150  # native essays of a source
NATIVE = {"essay_us8th_grade", "essay_college", "essay"}
NON_NATIVE = {"essay_toefl_nonnative", "essay_toefl"}
METRICS = ((0, "auroc"), (2, "tpr_5"), (3, "tpr_1"))


def evaluate(folder: Path, models: Path, say: second_tier.Say) -> dict[str, list[dict]]:
    """AUROC and true positive rates by scope and scorer, and false alarms on non-native essays.

    models: the folder that first_tier.train wrote
    """
    frame = labelled.frame(folder)
    target = second_tier.sample(frame, np.random.default_rng(second_tier.SEED))
    scores = second_tier.family_scores(models, target, second_tier.read(target, say))
    for members in second_tier.STACKS:
        scores["+".join(members)] = second_tier.joint_out_of_family(members, scores, target.frame)
    found = essays(frame)
    alarms = false_alarms(found, second_tier.first_tier_units(models, found), threshold(target, scores[FIRST]))
    return {"reach": table(target, scores), "essays": [alarms]}


def threshold(target: Labelled, logit: np.ndarray) -> float:
    """The score that a share FALSE_POSITIVES of the human documents (n,) exceed, every source weighing the same."""
    human = np.isfinite(logit) & ~target.machine
    weights, order = second_tier.equal_weights(target.frame)[human], np.argsort(-logit[human])
    share = np.cumsum(weights[order]) / weights.sum()
    return float(logit[human][order][np.searchsorted(share, FALSE_POSITIVES)])


def table(target: Labelled, scores: Mapping[str, np.ndarray]) -> list[dict]:
    """AUROC and true positive rates, sources and classes weighing the same, with 95% bootstrap intervals.

    A scorer is judged on the documents that it has a score for.
    """
    rng, rows = np.random.default_rng(1), []
    (base, named), human = (target.frame[name].to_numpy() for name in ("base", "named")), ~target.machine
    whole = {"all": human | ~human, "instruction-tuned": ~base & named, "base models": base | human}
    sources = {name: (target.frame["source"] == name).to_numpy() for name in sorted(set(target.frame["source"]))}
    for scope, mask in (whole | sources).items():
        for name, values in scores.items():
            chosen = np.flatnonzero(mask & np.isfinite(values))
            if len(set(target.machine[chosen].tolist())) < 2:
                continue
            weights = second_tier.equal_weights(target.frame[chosen])
            draws = rng.multinomial(len(chosen), np.full(len(chosen), 1 / len(chosen)), REPLICATES) * weights
            found = rates(values[chosen], target.machine[chosen], np.vstack([weights, draws]))
            low, high = np.quantile(found[1:], [0.025, 0.975], axis=0)
            row = {"scope": scope, "scorer": name, "documents": len(chosen)}
            for place, metric in METRICS:
                row[metric] = [round(float(x), 3) for x in (found[0, place], low[place], high[place])]
            rows.append(row)
    return rows


def essays(frame: pl.DataFrame) -> Labelled:
    """Human essays of a frame (see labelled.frame), at most ESSAYS of a source and domain, cut to 100 words."""
    chosen = frame.filter(
        (pl.col("label") == "human") & pl.col("domain").is_in(NATIVE | NON_NATIVE) & labelled.long_enough(105)
    )
    chosen = chosen.filter(pl.int_range(pl.len()).over("source", "domain") < ESSAYS)
    return labelled.batched(chosen).cut(100)


def false_alarms(found: Labelled, logit: np.ndarray, threshold: float) -> dict[str, float]:
    """Share of essays (n,) above the shipped threshold, and above one set on half of the essays themselves (anchored).

    The anchors are native and non-native in equal parts, as a reference of the same kind of text would have them.
    """
    foreign = found.frame["domain"].is_in(NON_NATIVE).to_numpy()
    half = np.arange(len(logit)) % 2 == 0
    anchors = [np.sort(logit[half & kind])[::-1] for kind in (foreign, ~foreign)]
    grid = np.unique(np.concatenate(anchors))
    mean = np.mean([(a[None, :] > grid[:, None]).mean(1) for a in anchors], axis=0)
    anchored = float(grid[np.argmax(mean <= FALSE_POSITIVES)])
    out = {"threshold": threshold, "anchored_threshold": anchored}
    for name, kind in (("non_native", foreign), ("native", ~foreign)):
        out[name] = float((logit[kind] > threshold).mean())
        out[f"{name}_anchored"] = float((logit[~half & kind] > anchored).mean())
        out[f"{name}_documents"] = int(kind.sum())
    return out
