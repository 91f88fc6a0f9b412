"""Tier 1 on families never seen, beside tier 0 on the same documents; writes the shipped heads and stacks.

    python benchmarks/tier1.py SOURCES --out benchmarks/results/tier1.json [--write detectors/models]

SOURCES is the folder of labelled sources. Slow parts (language model, embeddings) are cached by content.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from auditor.detectors import encoder, labelled, language_model, surprisal, training
from auditor.detectors import tier1_training as tier1
from auditor.detectors.evaluation import rates
from auditor.detectors.install import installed
from auditor.detectors.labelled import Labelled
from auditor.detectors.stacking import fit_stack
from auditor.detectors.tier1 import FIRST

CELL = 150  # documents a cell of the first tier's out-of-family models here (shipped: 600): eight models in minutes
EMBEDDED = 110  # documents a class and source that MiniLM's head learns from
PENALTIES = {"lm": 0.1, "encoder": 0.02}
STACKS = ((FIRST, "encoder", "lm"), (FIRST, "lm"), (FIRST, "encoder"))
SHIPPED = ((FIRST, "lm"),)  # MiniLM untuned adds nothing beside it


def first_tier(corpus: Labelled, target: Labelled) -> np.ndarray:
    """Logits (n,) of the first tier by models and a stack that saw nothing of a row's fold."""
    training.CELL = CELL
    learn = training.sample(corpus, np.random.default_rng(training.SEED))
    inside, scores = training.out_of_family(learn, learn, target)
    out, known, here = np.full(len(target.frame), np.nan), training.folds(learn.frame), training.folds(target.frame)
    for fold in np.unique(here):
        rest = known != fold
        kept = learn.take(rest)
        stack = fit_stack(training.STACKS[0], {n: v[rest] for n, v in inside.items()}, kept.machine,
                          training.weights_of(kept.frame))  # fmt: skip
        out[here == fold] = stack.logit({n: v[here == fold] for n, v in scores.items()})
    return out


def table(target: Labelled, scores: dict[str, np.ndarray]) -> list[dict]:
    """AUROC and true positive rates, sources and classes weighing the same, with 95% bootstrap intervals."""
    rng, rows = np.random.default_rng(1), []
    base, human = target.frame["base"].to_numpy(), ~target.machine
    whole = {"all": human | ~human, "instruction-tuned": ~base, "base models": base | human}
    sources = {name: (target.frame["source"] == name).to_numpy() for name in sorted(set(target.frame["source"]))}
    known = np.all([np.isfinite(values) for values in scores.values()], 0)
    for scope, mask in (whole | sources).items():
        chosen = np.flatnonzero(mask & known)
        weights = tier1.equal_weights(target.frame)[chosen]
        draws = rng.multinomial(len(chosen), np.full(len(chosen), 1 / len(chosen)), 300) * weights
        for name, values in scores.items():
            found = rates(values[chosen], target.machine[chosen], np.vstack([weights, draws]))
            low, high = np.quantile(found[1:], [0.025, 0.975], axis=0)
            row = {"scope": scope, "scorer": name, "documents": len(chosen)}
            for place, metric in ((0, "auroc"), (2, "tpr_5"), (3, "tpr_1")):
                row[metric] = [round(float(x), 3) for x in (found[0, place], low[place], high[place])]
            rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--write", type=Path)
    chosen = parser.parse_args()
    corpus = labelled.read(chosen.sources)
    target = tier1.sample(corpus, np.random.default_rng(tier1.SEED))
    here = training.folds(target.frame)
    began = time.perf_counter()
    figures = language_model.load().figures(target.batch).astype(float)
    print(f"language model: {time.perf_counter() - began:.0f} s", flush=True)
    more = tier1.sample(corpus, np.random.default_rng(tier1.SEED + 1), per_class=EMBEDDED)
    weights = installed("encoder")
    assert weights is not None, "auditor detectors install encoder"
    minilm = encoder.embedder(weights)
    learned, seen = minilm.rows(more.batch).astype(float), minilm.rows(target.batch).astype(float)
    print(f"embeddings: {time.perf_counter() - began:.0f} s", flush=True)
    scores = {
        FIRST: first_tier(corpus, target),
        "curvature": figures[:, surprisal.NAMES.index("curvature")],
        "lm": tier1.out_of_family(figures, target.frame, figures, here, penalty=PENALTIES["lm"]),
        "encoder": tier1.out_of_family(learned, more.frame, seen, here, penalty=PENALTIES["encoder"]),
    }
    print(f"first tier: {time.perf_counter() - began:.0f} s", flush=True)
    for members in STACKS:
        scores["+".join(members)] = tier1.joint_out_of_family(members, scores, target.frame)
    found = table(target, scores)
    chosen.out.write_text(json.dumps({"first_tier_cell": CELL, "rows": found}, indent=1) + "\n", "utf-8")
    for row in found:
        print(row["scope"], row["scorer"], row["documents"], row["auroc"], row["tpr_5"], row["tpr_1"])
    if chosen.write:
        head = tier1.fit_head(figures, target.frame, penalty=PENALTIES["lm"])
        stacks = [(tier1.fit_joint(members, scores, target.frame), scores["+".join(members)]) for members in SHIPPED]
        tier1.write(chosen.write, head, stacks, target.frame)


if __name__ == "__main__":
    main()
