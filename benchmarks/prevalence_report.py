"""docs/prevalence.md from the kept rows of benchmarks/prevalence.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from prevalence_peers import PEERS

DETECTORS = {
    "tier0": "the shipped first tier",
    "linear": "a quick linear detector",
}
PREAMBLE = """# How far the synthetic fraction can be trusted

Written by `python benchmarks/prevalence.py` from the rows kept in `benchmarks/results/prevalence.parquet`. Two
detectors: the shipped first tier (benchmarks/prevalence_tier0.py), and a quick linear one that is worse
(benchmarks/prevalence_scores.py); both trained anew for every cell with its source family and its generators left out;
the estimator's priors see neither. A cell is a source family x generator group x domain. Scores are drawn from
densities fitted to real documents (semi-synthetic) but where it says real. Every corpus holds two shards of each
fraction; the study "single shard" has one shard alone.

MAE, bias and width are percentage points. `x floor`: root mean square error / Cramer-Rao floor with both true densities
and the same number of anchors. Coverage is that of 95% intervals, marginal over held-out (family, generator group),
with a bootstrap interval over these clusters; truth 0 is judged one-sidedly (the interval must hold 0). `measured`:
share of shards with an interval of at most 20 points. The peers get the same shards and human anchors, and the machine
text of the other families as their machine side.
"""


def clustered(rows: pl.DataFrame, rng: np.random.Generator) -> tuple[float, float, float]:
    """Coverage and its 95% interval by a bootstrap over (family, generator group)."""
    by = rows.group_by("held", "group").agg(hits=pl.col("covered").sum(), n=pl.len())
    hits, n = by["hits"].to_numpy(), by["n"].to_numpy()
    draws = rng.integers(0, len(n), (4000, len(n)))
    shares = hits[draws].sum(1) / n[draws].sum(1)
    return float(hits.sum() / n.sum()), *(float(x) for x in np.quantile(shares, [0.025, 0.975]))


def scored(rows: pl.DataFrame) -> pl.DataFrame:
    truth = pl.col("fraction")
    return rows.filter(pl.col("value").is_not_null()).with_columns(
        covered=(pl.col("lower") <= truth + 1e-9) & (truth <= pl.col("upper") + 1e-9),
        error=100 * (pl.col("value") - truth),
        width=100 * (pl.col("upper") - pl.col("lower")),
        **{f"error {peer}": 100 * (pl.col(peer) - truth).abs() for peer in PEERS},
    )


def study_table(rows: pl.DataFrame, rng: np.random.Generator) -> list[str]:
    head = ["fraction", "shards", "MAE", "bias", "x floor", "coverage", "its 95% interval", "median width", "measured"]
    head += [f"MAE {peer}" for peer in PEERS]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (fraction,), part in sorted(rows.group_by(["fraction"])):
        coverage, low, high = clustered(part, rng)
        error, floor = part["error"].to_numpy(), 100 * part["floor"].to_numpy()
        cells = [f"{100 * fraction:g}%", str(part.height), f"{np.abs(error).mean():.2f}", f"{error.mean():+.2f}"]
        cells += [f"{np.sqrt((error**2).mean() / (floor**2).mean()):.2f}", f"{coverage:.3f}", f"{low:.2f}-{high:.2f}"]
        cells += [f"{part['width'].median():.2f}", f"{(part['width'] <= 20).mean():.2f}"]
        cells += [f"{part[f'error {peer}'].mean():.2f}" for peer in PEERS]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def write_report(rows: pl.DataFrame, studies: list[str], path: Path) -> None:
    """All studies of each detector in their order, each with its worst cell."""
    rng = np.random.default_rng(0)
    rows = scored(rows)
    lines = [PREAMBLE]
    for detector, words in DETECTORS.items():
        for name in studies:
            part = rows.filter(study=name, detector=detector)
            if part.height:
                lines += [f"## {name}: {words}", "", *study_table(part, rng), "", *_summary(part, rng), ""]
    tail = path.read_text().split("<!-- by hand -->", 1)[1:] if path.exists() else []
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n<!-- by hand -->" + (tail[0] if tail else "\n"))


def _summary(part: pl.DataFrame, rng: np.random.Generator) -> list[str]:
    """Coverage over all fractions, and the worst cell."""
    coverage, low, high = clustered(part, rng)
    by_cell = part.group_by("held", "group", "domain").agg(pl.col("covered").mean(), pl.len(), pl.col("area").first())
    worst = by_cell.sort("covered", "held", "group", "domain").row(0, named=True)
    where = f"{worst['held']}, {worst['group']}, {worst['domain']} (AUROC {worst['area']:.2f})"
    missed = by_cell.filter(pl.col("covered") < 0.8).height
    return [
        f"All fractions: coverage {coverage:.3f} ({low:.2f}-{high:.2f}) over {part.height} shards in {by_cell.height} "
        f"cells, detector AUROC {part['area'].min():.2f}-{part['area'].max():.2f}.",
        f"Cells covered less than 80%: {missed}. Worst cell: {where}: {worst['covered']:.2f} of {worst['len']}.",
    ]
