"""Mirrors: what a current model writes when asked for what a given human document is; shipped as mirrors.parquet.

They are published with the package, so that anyone can rebuild the weights. `auditor detectors train` reads them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from auditor.detectors.training.data.families import MIRRORS, is_held_out
from auditor.text.spans import spans

FILE = Path(__file__).parents[1] / "mirrors.parquet"
GENERATOR, LICENCE = "frontier-2026", "own"
COLUMNS = (
    "id",
    "text",
    "label",
    "generator",
    "domain",
    "language",
    "source",
    "licence",
    "pair_id",
    "mode",
    "prompt",
    "held_out",
)
GRAM, MOST_SHARED = 8, 0.2  # words; share of a mirror's n-grams that its human text may have


def read(path: Path = FILE) -> pl.DataFrame:
    """Mirrors of a file; without one, the shipped mirrors."""
    return pl.read_parquet(path)


def collect(first: Path, written: Path, sources: Path) -> tuple[pl.DataFrame, int]:
    """The mirrors of a Parquet file and of the JSON lines in a folder, and how many of them were dropped.

    A mirror that repeats its human text (looked up in the folder of sources) or an earlier mirror is dropped.
    """
    columns = ["id", "text", "domain", "language", "pair_id", "mode", "prompt"]
    frame = pl.concat([pl.read_parquet(first).select(columns), pl.DataFrame(list(_lines(written))).select(columns)])
    frame = frame.unique("text", keep="first", maintain_order=True)
    human = _human_texts(sources, frame["pair_id"])
    repeated = [
        shared_grams(text, human.get(pair, "")) > MOST_SHARED
        for text, pair in zip(frame["text"], frame["pair_id"], strict=True)
    ]
    kept = frame.filter(~pl.Series(repeated, dtype=pl.Boolean))
    held_out = pl.Series([is_held_out(pair) for pair in kept["pair_id"]], dtype=pl.Boolean)
    kept = kept.with_columns(
        label=pl.lit("ai"),
        generator=pl.lit(GENERATOR),
        source=pl.lit(MIRRORS),
        licence=pl.lit(LICENCE),
        held_out=held_out,
    )
    return kept.select(COLUMNS), sum(repeated)


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write the mirrors as Parquet, compressed as far as zstd goes: the file ships with the package."""
    frame.write_parquet(path, compression="zstd", compression_level=19)


def shared_grams(text: str, other: str) -> float:
    """The share of a text's n-grams of GRAM words that another holds too."""
    own, others = _grams(text), _grams(other)
    return len(own & others) / len(own) if own else 0.0


def _grams(text: str) -> set[tuple[str, ...]]:
    words = [span.word for span in spans(text)]
    return {tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)}


def _lines(folder: Path) -> Iterator[dict[str, str]]:
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            row = json.loads(line)
            yield {
                "id": f"w26-{row['id']}-{file.stem}",
                "pair_id": row["id"],
                **{name: row[name] for name in ("text", "domain", "language", "mode", "prompt")},
            }


def _human_texts(folder: Path, ids: pl.Series) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(folder.glob("*.parquet")):
        if file.stem == MIRRORS:
            continue
        rows = pl.scan_parquet(file).filter(pl.col("id").is_in(ids.implode()) & (pl.col("label") == "human"))
        found |= dict(rows.select("id", "text").collect().iter_rows())
    return found
