"""Tier 1 on families never seen, beside tier 0 on the same documents.

    python benchmarks/tier1.py SOURCES MODELS --out benchmarks/results/tier1.json

SOURCES is the folder of labelled sources, MODELS what `auditor detectors train --deep` wrote. The same as
`auditor detectors evaluate --deep MODELS`, printed as lines.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from auditor.detectors.tier1_evaluation import evaluate
from auditor.manifest import write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    found = evaluate(chosen.sources, chosen.models, print)
    write_json(chosen.out, found)
    for row in found["reach"]:
        print(row["scope"], row["scorer"], row["documents"], row["auroc"], row["tpr_5"], row["tpr_1"])
    print(found["essays"])


if __name__ == "__main__":
    main()
