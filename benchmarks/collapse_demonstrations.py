"""The founding demonstrations as a report with a plot: Gaussian, mixture, n-gram model on real text, 90/10 classes.

Run: python benchmarks/collapse_demonstrations.py FOLDER [OUT.md]; FOLDER holds human_dated_gov.parquet (text, label).
Only figures are written, with the plot as SVG beside the report.
"""

from __future__ import annotations

import sys
from pathlib import Path

import altair as alt
import demonstrations
import numpy as np
import polars as pl


def real_text(folder: Path) -> list[str]:
    texts = pl.read_parquet(folder / "human_dated_gov.parquet")["text"].str.to_lowercase()
    return [" ".join(text.split()[:300]) for text in texts.head(400)]


def curves(folder: Path) -> dict[str, tuple[pl.DataFrame, str, str, str]]:
    """Each demonstration with the column that goes early, the one that goes late, and what to see."""
    rng = np.random.default_rng
    texts = real_text(folder)
    return {
        "gaussian, 30 samples": (
            demonstrations.gaussian(30, 150, 2000, rng(1)),
            "tail",
            "median_variance",
            "the mass beyond two deviations goes first; in the end the typical model is a point",
        ),
        "mixture, 400 samples": (
            demonstrations.gaussian_mixture(400, 60, rng(4)),
            "rare",
            "spread",
            "the rare component is lost while the spread of the whole has moved little",
        ),
        "pairs of real words": (
            demonstrations.ngram_model(texts, 15, rng(5)),
            "rare",
            "entropy",
            "words seen once or twice go at once, while the entropy hardly moves",
        ),
        "pairs of real words, half human": (
            demonstrations.ngram_model(texts, 15, rng(5), human_share=0.5),
            "rare",
            "entropy",
            "half of the documents human and replayed: what they hold stays",
        ),
        "90/10 classes, 100 draws": (
            demonstrations.minority_class(100, 400, 2000, rng(6)),
            "alive",
            "heterozygosity",
            "the mean share stays at a tenth, yet nine chains in ten lose the class",
        ),
    }


def main(folder: Path, out: Path) -> None:
    lines = [
        "| demonstration | quantity | start | a tenth of the way | half | end | what to see |",
        "|---|---|---|---|---|---|---|",
    ]
    parts = []
    for name, (frame, early, late, seen) in curves(folder).items():
        last = frame.height - 1
        for kind, column in (("early", early), ("late", late)):
            at = [float(frame[column][i]) for i in (0, last // 10, last // 2, last)]
            cells = " | ".join(f"{value:.3g}" for value in at)
            lines.append(f"| {name} ({last} generations) | {kind}: {column} | {cells} | {seen} |")
            kept = pl.col(column) / frame[column][0]
            parts.append(frame.select("generation", kept.alias("kept"), name=pl.lit(name), column=pl.lit(kind)))
    out.write_text("\n".join(lines) + "\n")
    base = alt.Chart(pl.concat(parts)).mark_line().properties(width=260, height=160)
    drawn = base.encode(
        x="generation:Q", y=alt.Y("kept:Q", title="of the start"), color=alt.Color("column:N", title=None)
    )
    chart = drawn.facet(alt.Facet("name:N", title=None), columns=3).resolve_scale(x="independent", y="independent")
    chart.save(str(out.with_suffix(".svg")))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_suffix(".md"))
