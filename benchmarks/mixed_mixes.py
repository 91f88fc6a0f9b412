"""What an audit reports on the mixes behind published figures, and on bad input: both estimates, on labelled documents.

python -m benchmarks.mixed_mixes --models M --out benchmarks/results

Four shards of 1,250 documents of one family that the calibration, the prior and the library know nothing of, with 100
human documents of the domains of each as a reference. See benchmarks/mixed.py for M.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import polars as pl
from sklearn.metrics import f1_score, roc_auc_score

from auditor.detectors.calibration_file import read_first_tier
from auditor.detectors.edited import edited_cells
from auditor.estimate.fraction.anchors import Anchors, AnchorSet, Trust
from auditor.estimate.fraction.atoms import Atoms
from auditor.estimate.fraction.bundled import bundled_calibration
from auditor.estimate.fraction.counts import BINS, HIGHEST, LOWEST, ScoreCounts
from auditor.estimate.fraction.mixed.figures import Splitter
from auditor.estimate.fraction.mixed.library import Library, library_of
from auditor.estimate.fraction.prevalence import estimate_prevalence
from auditor.records import Estimate
from benchmarks.mixed import ANCHORS, FAMILIES, Pools, pools, scope

# light, assisted, machine: what the figure's own definition makes of it.
MIXES = {
    "human text alone": (0.0, 0.0, 0.0),
    "30% edited lightly": (0.3, 0.0, 0.0),
    "Ahrefs 2025: 2.5% pure, 74% any": (0.0, 0.715, 0.025),
    "Russell et al. 2025: 5.2% machine, 3.9% mixed": (0.0, 0.039, 0.052),
    "Dolezal et al. 2026: 35% machine or assisted, taken as 15 + 20": (0.0, 0.2, 0.15),
    "Graphite 2026: 50% machine": (0.0, 0.0, 0.5),
    "assisted text alone": (0.0, 1.0, 0.0),
    "a reference that holds 20% assisted text, corpus with 10% + 10%": (0.0, 0.1, 0.1),
}
IMPURE = "a reference that holds"
SHARDS, DOCUMENTS = 4, 1250
KIND = "en/all"
LIGHT_RUNS = 3


def documents(own: Pools, library: Library) -> dict[str, float]:
    """Classes of single documents by the library's mean densities: macro-F1, recalls, areas under the ROC curve."""
    parts = [pl.concat([own.human, own.light]), own.assisted, own.machine]
    scores = [part["units"].to_numpy() for part in parts]
    truth, units = np.repeat([0, 1, 2], [len(s) for s in scores]), np.concatenate(scores)
    bins = np.clip((units - LOWEST) / (HIGHEST - LOWEST) * BINS, 0, BINS - 1).astype(int)
    means = [np.stack([d.rows[g].mean(0) for g in d.by_source()]).mean(0) for d in _classes(library)]
    said = np.argmax(np.stack(means)[:, bins], axis=0)
    weight = 1 / np.bincount(truth)[truth]
    out = {"macro_f1": f1_score(truth, said, average="macro", sample_weight=weight)}
    for name, pair in {"assisted_human": (0, 1), "assisted_machine": (1, 2), "human_machine": (0, 2)}.items():
        rows = np.isin(truth, pair)
        out[f"auroc_{name}"] = roc_auc_score(truth[rows] == pair[1], units[rows])
    return {name: round(float(value), 3) for name, value in out.items()}


def _classes(library: Library):
    return library.human, library.assisted, library.machine


def audited(own: Pools, mix: tuple[float, float, float], calibration, library: Library, *, impure: bool, seed: int):
    """synthetic_fraction, mixed_fraction and touched_fraction of a corpus of four shards."""
    rng = np.random.default_rng(seed)
    shares = dict(zip(("light", "assisted", "machine"), mix, strict=True))
    histograms, known = [], []
    for _ in range(SHARDS):
        scores, anchors = scope(own, rng, DOCUMENTS, shares)
        taken = rng.choice(anchors, ANCHORS)
        if impure:
            edited = own.assisted["units"].to_numpy()
            taken[: len(taken) // 5] = rng.choice(edited, len(taken) // 5)
        place = float(np.median(taken))
        counts = ScoreCounts.of(np.clip(scores - place, LOWEST, HIGHEST - 1e-6))
        histograms.append(counts.documents[0])
        known.append(taken - place)
    names = tuple(f"{i}\t{KIND}" for i in range(SHARDS))
    documents = np.stack(histograms)
    none = np.zeros((SHARDS, BINS))
    counts = ScoreCounts(names, documents, documents * 200, np.zeros(SHARDS, np.int64))
    places, zeros = np.arange(SHARDS), np.zeros(SHARDS)
    atoms = Atoms(counts, places, zeros.astype(np.int64), (KIND,), np.array([0.1]), zeros, none, none, none)
    reference = AnchorSet("reference", Trust.REFERENCE, ScoreCounts.of(np.concatenate(known), scopes=(KIND,)))
    shards = [str(i) for i in range(SHARDS)]
    by_language = {"en": atoms}
    found = estimate_prevalence(by_language, shards, Anchors((reference,), (), calibration), rng)
    split = Splitter(library).split(found.corpus, by_language, found.posteriors, rng)
    return found.corpus.documents[0], split.mixed[0], split.touched[0]


def polished_lightly(own: Pools, calibration, library: Library) -> list[dict[str, object]]:
    """The machine-written share without and with 30% of lightly edited text, of the same domains and anchors."""
    return [
        {
            "seed": seed,
            "without": _shown(audited(own, (0.0, 0.0, 0.0), calibration, library, impure=False, seed=seed)[0]),
            "with": _shown(audited(own, (0.3, 0.0, 0.0), calibration, library, impure=False, seed=seed)[0]),
        }
        for seed in range(LIGHT_RUNS)
    ]


def _shown(e: Estimate) -> dict[str, object]:
    numbers = {name: round(float(getattr(e, name) or 0), 3) for name in ("value", "lower", "upper")}
    return numbers | {"status": str(e.status)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    known = read_first_tier(given.models).known
    cells = edited_cells(given.models)
    out: dict[str, Any] = {"documents": {}, "light": {}, "mixes": []}
    for family, sources in FAMILIES.items():
        own, library = pools(given.models, sources), library_of(known, cells, without=sources)
        assert library is not None
        out["documents"][family] = documents(own, library)
        rest = replace(known, cells=tuple(cell for cell in known.cells if cell.source not in sources))
        calibration = bundled_calibration(rest)
        out["light"][family] = polished_lightly(own, calibration, library)
        for seed, (name, mix) in enumerate(MIXES.items()):
            found = audited(own, mix, calibration, library, impure=name.startswith(IMPURE), seed=seed)
            row = {"family": family, "mix": name, "light": mix[0], "assisted": mix[1], "machine": mix[2]}
            row |= dict(zip(("synthetic", "mixed", "touched"), map(_shown, found), strict=True))
            out["mixes"].append(row)
            print(json.dumps(row), flush=True)
    (given.out / "mixed_mixes.json").write_text(json.dumps(out, indent=1) + "\n", "utf-8")
    print(json.dumps(out["documents"], indent=1))


if __name__ == "__main__":
    main()
