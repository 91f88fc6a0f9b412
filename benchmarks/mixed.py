"""Human, assisted and machine-written text in mixtures of labelled documents whose source family was left out.

python -m benchmarks.mixed --models M --out benchmarks/results [--mixtures 400]

M is what `auditor detectors train --data LABELLED --out M` wrote: M/folds holds every document's out-of-family score.
The library that a mixture is split with knows nothing of the sources that the mixture is drawn from.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import polars as pl

from auditor.detectors.calibration_file import read_first_tier
from auditor.detectors.edited import edited_cells
from auditor.estimate.fraction.counts import HIGHEST, LOWEST, ScoreCounts
from auditor.estimate.fraction.mixed.figures import MOST_TOUCHED, WIDEST, WIDEST_SPLIT
from auditor.estimate.fraction.mixed.library import library_of
from auditor.estimate.fraction.mixed.three_way import three_way
from auditor.estimate.fraction.mixed.worlds import Worlds, draw_worlds
from auditor.statistics.intervals import shortest_interval

FAMILIES = {
    "completions": ("imbd", "fast_detect_gpt", "glimpse", "lastde"),
    "rewrites": ("l2r", "raidar", "biscope"),
    "mixset": ("mixset", "apt_eval"),
}
TOUCHED = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
LIGHT = (0.0, 0.0, 0.1, 0.3)  # of the human text
SIZES = (400, 1200, 5000)
ANCHORS = 100
TIE = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Pools:
    """Scores of a family's documents by class, with domain and editor: frames of domain, editor, units."""

    human: pl.DataFrame
    light: pl.DataFrame
    assisted: pl.DataFrame
    machine: pl.DataFrame


def pools(models: Path, sources: tuple[str, ...]) -> Pools:
    """The documents of some sources, out of family."""
    scores = pl.read_parquet(models / "folds" / "scores.parquet").filter(
        (pl.col("language") == "en") & pl.col("source").is_in(sources) & pl.col("units").is_finite() & ~pl.col("base")
    )
    edited = pl.read_parquet(models / "folds" / "edited_scores.parquet").filter(pl.col("source").is_in(sources))
    editor = pl.concat_str(pl.col("generator").fill_null(""), pl.lit("|"), "operation").alias("editor")
    by_class = {
        name: edited.filter(pl.col("class") == name).select("domain", editor, "units")
        for name in ("light", "assisted", "machine")
    }
    drafts = edited["source"].unique()
    made = scores.filter((pl.col("label") == "ai") & ~pl.col("source").is_in(drafts.implode()))
    whole = made.select("domain", pl.col("generator").fill_null("").alias("editor"), "units")
    human = scores.filter(label="human").select("domain", pl.lit("").alias("editor"), "units")
    return Pools(human, by_class["light"], by_class["assisted"], pl.concat([by_class["machine"], whole]))


def scope(own: Pools, rng: np.random.Generator, n: int, shares: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Scores of a scope of n documents, of a few domains and editors, and of other human documents of these domains."""
    domains = own.human["domain"].unique().sort().to_list()
    chosen = list(rng.choice(domains, min(len(domains), int(rng.integers(1, 5))), replace=False))
    human = _of(own.human, chosen, 60)["units"].to_numpy()
    human = rng.permutation(human)
    anchors, human = human[: len(human) // 3], human[len(human) // 3 :]
    parts = [rng.choice(human, round(n * (1 - sum(shares.values()))))]
    for name, share in shares.items():
        if share > 0:
            rows = _of(getattr(own, name), chosen, 30)
            editors = rows["editor"].unique().sort().to_list()
            some = rng.choice(editors, min(len(editors), int(rng.integers(1, 6))), replace=False)
            rows = rows.filter(pl.col("editor").is_in(list(some)))
            parts.append(rng.choice(rows["units"].to_numpy(), round(n * share)))
    return np.concatenate(parts), anchors


def _of(rows: pl.DataFrame, domains: list[str], fewest: int) -> pl.DataFrame:
    own = rows.filter(pl.col("domain").is_in(domains))
    return own if len(own) >= fewest else rows


def split(worlds: Worlds, scores: np.ndarray, anchors: np.ndarray | None, rng: np.random.Generator):
    """The three-way posterior of a scope, placed by anchors of its kinds or by the bundled calibration alone."""
    place = 0.0 if anchors is None else float(np.median(rng.choice(anchors, min(len(anchors), ANCHORS), replace=False)))
    counts = ScoreCounts.of(np.clip(scores - place, LOWEST, HIGHEST - 1e-6)).histogram.astype(float)
    uncovered = np.array([1.0 if anchors is None else 0.0])
    return three_way(worlds, counts, np.ones(1), uncovered, rng)[0]


def mixtures(models: Path, amount: int) -> pl.DataFrame:
    """One row a mixture: what it was made of, and what was found."""
    known = read_first_tier(models).known
    cells, rows = edited_cells(models), []
    for family, sources in FAMILIES.items():
        own = pools(models, sources)
        library = library_of(known, cells, without=sources)
        assert library is not None
        worlds, rng = draw_worlds(library), np.random.default_rng(11)
        for _ in range(amount):
            touched, share = float(rng.choice(TOUCHED)), float(rng.choice(SHARES))
            light, n, covered = float(rng.choice(LIGHT)), int(rng.choice(SIZES)), bool(rng.random() < 0.5)
            shares = {
                "light": light * (1 - touched),
                "assisted": touched * share,
                "machine": touched * (1 - share),
            }
            scores, anchors = scope(own, rng, n, shares)
            found = split(worlds, scores, anchors if covered else None, rng)
            row = {"family": family, "documents": n, "reference": covered, "touched": touched, "light": light}
            row |= {"assisted": shares["assisted"], "machine": shares["machine"]}
            for name in ("touched", "assisted", "machine"):
                draws = getattr(found, name)
                lower, upper = shortest_interval(draws)
                row |= {f"{name}_value": float(np.clip(np.median(draws), lower, upper))}
                row |= {f"{name}_lower": lower, f"{name}_upper": upper}
            rows.append(row)
    frame = pl.DataFrame(rows)
    width = {name: pl.col(f"{name}_upper") - pl.col(f"{name}_lower") for name in ("touched", "assisted")}
    measured = (width["touched"] <= WIDEST) & (pl.col("touched_upper") <= MOST_TOUCHED)
    covered = [
        ((pl.col(name) >= pl.col(f"{name}_lower") - TIE) & (pl.col(name) <= pl.col(f"{name}_upper") + TIE)).alias(
            f"{name}_covered"
        )
        for name in ("touched", "assisted", "machine")
    ]
    return frame.with_columns(
        *covered, touched_measured=measured, assisted_measured=measured & (width["assisted"] <= WIDEST_SPLIT)
    )


def summary(rows: pl.DataFrame) -> dict[str, object]:
    """Coverage, errors and widths of all, of the measured, and where there is assisted text."""
    out: dict[str, object] = {"mixtures": len(rows)}
    for name in ("touched", "assisted"):
        measured = rows.filter(pl.col(f"{name}_measured"))
        error = (pl.col(f"{name}_value") - pl.col(name)).abs()
        parts = {"all": rows, "measured": measured, "measured_above_0": measured.filter(pl.col(name) > 0)}
        out[name] = {
            key: {
                "share": round(len(own) / max(len(rows), 1), 3),
                "coverage": own[f"{name}_covered"].mean(),
                "error": own.select(error.mean()).item(),
                "width": own.select((pl.col(f"{name}_upper") - pl.col(f"{name}_lower")).median()).item(),
            }
            for key, own in parts.items()
        }
    out["machine_coverage"] = rows["machine_covered"].mean()
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--mixtures", type=int, default=400, help="of each family")
    given = parser.parse_args()
    rows = mixtures(given.models, given.mixtures)
    rows.write_csv(given.out / "mixed.csv", float_precision=4)
    figures = {"all": summary(rows)}
    for key in ("family", "touched", "reference", "documents"):
        figures |= {f"{key} {name}": summary(own) for (name,), own in sorted(rows.group_by(key))}
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
