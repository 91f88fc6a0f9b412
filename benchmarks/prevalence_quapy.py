"""QuaPy's quantifiers on shards of benchmarks/prevalence.py: EMQ, KDEy-ML, DyS, PACC.

python benchmarks/prevalence_quapy.py --scores tier0.parquet --export shards.npz
python benchmarks/prevalence_quapy.py --shards shards.npz       (where QuaPy is installed: pip install quapy)

The first writes one shard of 5,000 documents for each fraction and every fourth cell of benchmarks/prevalence.py,
with 1,000 human anchors of the cell's own domain and 1,000 machine documents of other families and generators; the
second fits each quantifier on these two classes (logistic regression of the score) and estimates the shards.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

KEPT = Path(__file__).parent / "results" / "prevalence_quapy.json"
EACH, EVERY = 1_000, 4


def export(scores_path: Path, target: Path) -> None:
    import polars as pl
    from prevalence import DETECTABLE, FRACTIONS, STUDIES, cells_of, drawn

    study, arrays = STUDIES["5,000 documents"], {}
    scores = pl.read_parquet(scores_path).filter(pl.col("label") != "mixed")
    for place, cell in enumerate(cells_of(scores)):
        if cell.area < DETECTABLE or place % EVERY:
            continue
        rng = np.random.default_rng([20221101, place, 0])
        machine = scores.filter(role="calibration", held=cell.held, held_group=cell.group, label="ai")["score"]
        parts = []
        for a in FRACTIONS:
            k = round(a * study.documents)
            mixed = [drawn(cell.human, study.documents - k, rng)] + ([drawn(cell.machine, k, rng)] if k else [])
            parts.append(np.concatenate(mixed))
        arrays[f"{place}-shards"] = np.array(parts, np.float32)
        arrays[f"{place}-human"] = drawn(cell.human, EACH, rng).astype(np.float32)
        arrays[f"{place}-machine"] = rng.choice(machine.to_numpy(), EACH).astype(np.float32)
    np.savez_compressed(target, fractions=np.array(FRACTIONS), **arrays)


def quantifiers() -> dict[str, Any]:
    from quapy.method.aggregative import EMQ, PACC, DyS, KDEyML
    from sklearn.linear_model import LogisticRegression

    def classifier() -> Any:
        return LogisticRegression(C=1.0)

    return {
        "EMQ": lambda: EMQ(classifier()),
        "KDEyML": lambda: KDEyML(classifier(), bandwidth=0.1),
        "DyS": lambda: DyS(classifier()),
        "PACC": lambda: PACC(classifier()),
    }


def compare(path: Path) -> list[dict[str, Any]]:
    stored = np.load(path)
    fractions, rows = stored["fractions"], []
    for key in sorted(name.split("-")[0] for name in stored.files if name.endswith("-shards")):
        x = np.concatenate([stored[f"{key}-human"], stored[f"{key}-machine"]])[:, None]
        y = np.repeat([0, 1], EACH)
        for name, make in quantifiers().items():
            started = time.process_time()
            fitted = make().fit(x, y)
            found = [float(fitted.predict(shard[:, None])[1]) for shard in stored[f"{key}-shards"]]
            seconds = time.process_time() - started
            rows += [(name, a, 100 * abs(v - a), seconds) for a, v in zip(fractions, found, strict=True)]
    out = []
    for name in quantifiers():
        mine = [row for row in rows if row[0] == name]
        errors = {f"{100 * a:g}%": round(float(np.mean([r[2] for r in mine if r[1] == a])), 2) for a in fractions}
        cells = len(mine) // len(fractions)
        out.append(
            {
                "method": name,
                "cells": cells,
                "mean absolute error": errors,
                "cpu seconds a cell": round(float(np.mean([r[3] for r in mine])), 2),
            }
        )
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--export", type=Path)
    parser.add_argument("--shards", type=Path)
    options = parser.parse_args()
    if options.export:
        export(options.scores, options.export)
    if options.shards:
        KEPT.write_text(json.dumps(compare(options.shards), indent=1) + "\n")
        print(KEPT.read_text())


if __name__ == "__main__":
    main()
