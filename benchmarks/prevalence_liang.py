"""The word-occurrence mixture of Liang et al. 2024 on their own design, beside what they published.

python benchmarks/prevalence_liang.py --sources LABELLED --published PUBLISHED.csv

Human arXiv abstracts of three sources are halved: one half gives the human word frequencies, the other the human part
of the targets; machine abstracts likewise. Twenty targets are drawn for each of their eleven fractions. The estimator
and its bootstrap of the target alone are theirs; "less its own zero" subtracts b, the estimate of a clean set:
(a-b)/(1-b).
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[1]
FRACTIONS = np.arange(11) * 0.025
FEWEST_OCCURRENCES, TARGETS, BOOTSTRAPS = 5, 20, 50


def published(path: Path) -> dict[str, float]:
    """The 55 published cells, recomputed: errors and coverage of the 95% intervals."""
    rows = pl.read_csv(path)
    error = (rows["alpha_est"] - rows["alpha_true"]).to_numpy()
    # to three decimals a third cell stands exactly on the edge of its interval: the published flag decides
    covered = int(rows["ci_covers_truth"].sum())
    out: dict[str, float] = {"cells": rows.height, "covered": covered, "largest error": float(np.abs(error).max())}
    for fraction in (0.0, 0.025, 0.05, 0.1, 0.25):
        at = np.isclose(rows["alpha_true"].to_numpy(), fraction)
        out[f"MAE at {fraction:g}"] = float(np.abs(error[at]).mean())
        out[f"bias at {fraction:g}"] = float(error[at].mean())
    return out


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", text.lower()))


def abstracts(folder: Path) -> tuple[list[frozenset[str]], list[frozenset[str]]]:
    """(human, machine) arXiv abstracts as sets of words, every text once."""
    rows = []
    for source, domain in (("biscope", "arxiv_abstract"), ("raidar", "arxiv_abstract"), ("l2r", "AcademicResearch")):
        part = pl.read_parquet(folder / f"{source}.parquet").filter(pl.col("domain") == domain)
        rows.append(part.select("text", "label"))
    table = pl.concat(rows, how="vertical_relaxed").unique("text", maintain_order=True)
    sides = (table.filter(label=label)["text"].to_list() for label in ("human", "ai"))
    human, machine = ([words(text) for text in side] for side in sides)
    return human, machine


def log_ratios(target: list[frozenset[str]], human: list[frozenset[str]], machine: list[frozenset[str]]) -> np.ndarray:
    """log Q(x)/P(x) of every document under independent occurrence of words (Liang et al. 2024, section 3.3)."""
    occurs = [Counter(word for document in side for word in document) for side in (human, machine)]
    kept = [w for w, n in occurs[0].items() if n >= FEWEST_OCCURRENCES and occurs[1][w] >= FEWEST_OCCURRENCES]
    p = np.array([occurs[0][w] / len(human) for w in kept]).clip(1e-6, 1 - 1e-6)
    q = np.array([occurs[1][w] / len(machine) for w in kept]).clip(1e-6, 1 - 1e-6)
    present, absent = np.log(q / p), np.log((1 - q) / (1 - p))
    gain = dict(zip(kept, present - absent, strict=True))
    return np.array([absent.sum() + sum(gain.get(w, 0.0) for w in document) for document in target])


def likeliest(ratios: np.ndarray) -> np.ndarray:
    """argmax_a mean log((1-a) + a Q/P) for each row (targets, documents), by bisection on the slope."""
    ratio = np.exp(np.clip(ratios, -50, 50))
    low, high = np.zeros(len(ratio)), np.ones(len(ratio))
    for _ in range(30):
        middle = (low + high) / 2
        rising = ((ratio - 1) / (1 + middle[:, None] * (ratio - 1))).mean(1) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    return low


def repeated(folder: Path) -> list[dict[str, float]]:
    """Bias, error and coverage at every fraction, plain and less the estimate of a clean set."""
    rng = np.random.default_rng(2024)
    human, machine = abstracts(folder)
    human, machine = ([side[i] for i in rng.permutation(len(side))] for side in (human, machine))
    h, m = len(human) // 2, len(machine) // 2
    of_human = log_ratios(human[h:], human[:h], machine[:m])
    of_machine = log_ratios(machine[m:], human[:h], machine[:m])
    clean, rest = of_human[::2], of_human[1::2]
    zero = float(likeliest(clean[None])[0])
    size, out = len(rest), []
    for fraction in FRACTIONS:
        k = round(fraction * size)
        targets = np.stack([np.r_[rng.choice(rest, size - k), rng.choice(of_machine, k)] for _ in range(TARGETS)])
        found = likeliest(targets)
        draws = np.stack([likeliest(rng.choice(row, (BOOTSTRAPS, size))) for row in targets])
        low, high = np.quantile(draws, [0.025, 0.975], axis=1)
        less = np.clip((found - zero) / (1 - zero), 0, 1)
        out.append(
            {
                "fraction": float(fraction),
                "bias": float((found - fraction).mean()),
                "mean absolute error": float(np.abs(found - fraction).mean()),
                "coverage": float(((low <= fraction + 1e-9) & (fraction <= high + 1e-9)).mean()),
                "error less its own zero": float(np.abs(less - fraction).mean()),
                "documents": size,
            }
        )
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--published", type=Path, required=True)
    options = parser.parse_args()
    kept = {"published": published(options.published), "repeated": repeated(options.sources)}
    target = ROOT / "benchmarks" / "results" / "prevalence_liang.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(kept, indent=1) + "\n")
    print(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
