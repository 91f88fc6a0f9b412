"""Recommended against needed human text: the rule checked by recursion and bisection, on Zipf corpora and on real text.

Each case is a corpus of T tokens with a share f of machine text whose tail ratio is r. `acquired` human text takes the
place of machine-written text; each generation trains on the human text, replayed, and on what the last model wrote.
Retained is the mass of the tail at the horizon against the human source. A seed passes at 1 - tolerance. Needed is the
least acquired text at which 95% of seeds pass, by bisection. On real text the machine part of generation 0 is real too.

Run: python benchmarks/collapse_bisection.py [FOLDER [OUT.md]]; FOLDER holds Parquet files with text, label, language.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from auditor.collapse.options import BANDS, Regime, ReservoirOptions, Sizing
from auditor.collapse.reservoir import recommend
from auditor.collapse.spectrum import Spectrum
from auditor.collapse.stratum import Stratum
from auditor.records import Estimate

SEEDS = 20
RATIO = 0.8
OPTIONS = ReservoirOptions(epochs=1, ratio_prior=(RATIO,) * 3)
REGIMES = (Regime.REPLACE_FRESH, Regime.REPLACE_REPLAY, Regime.ACCUMULATE_SUBSAMPLE)
SOURCES = ("fast_detect_gpt", "glimpse", "biscope", "seqxgpt_doc")


def zipf_source(types: int = 8_000) -> np.ndarray:
    weights = np.arange(1, types + 1) ** -1.05
    return weights / weights.sum()


def retained(
    human: np.ndarray, machine: np.ndarray, tail: np.ndarray, share: float, tokens: int, regime: Regime, rng
) -> float:
    """Mass of the tail at the horizon; human and machine are distributions over types."""
    mine = round(share * tokens)
    kept = rng.multinomial(mine, human)
    counts = kept + rng.multinomial(tokens - mine, machine)
    pool, read = counts.astype(float), tokens
    for _ in range(1, OPTIONS.generations + 1):
        learned = counts / counts.sum()
        mass = learned[tail].sum()
        written = learned * np.where(tail, RATIO, (1 - RATIO * mass) / (1 - mass))
        fresh = kept if regime == Regime.REPLACE_REPLAY else rng.multinomial(mine, human)
        new = fresh + rng.multinomial(tokens - mine, written / written.sum())
        if regime == Regime.ACCUMULATE_SUBSAMPLE:
            pool = pool + new
            counts = rng.multinomial(read, pool / pool.sum())
        else:
            counts = new
    return float(counts[tail].sum() / counts.sum() / human[tail].sum())


def case(human: np.ndarray, machine: np.ndarray, tokens: int, fraction: float, regime: Regime, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    held = (1 - fraction) * tokens
    spectrum = Spectrum.of_counts(rng.multinomial(round(held), human))
    exact = Estimate(fraction, fraction, fraction, method="given")
    unknown = Estimate.not_measured("the tail ratio is given")
    stratum = Stratum("all", tokens, tokens / 200, tokens * 6, exact, spectrum, unknown)
    row = recommend([stratum], [], replace(OPTIONS, regime=regime)).band(BANDS[1], Sizing.FIXED_COMPUTE)
    # the tail: types about as rare as the rarest that the human text holds k times
    rarest = OPTIONS.min_occurrences / held
    tail = human <= 2 * rarest

    def passes(acquired: float) -> float:
        share = min((held + acquired) / tokens, 1.0)
        runs = [retained(human, machine(tail), tail, share, tokens, regime, rng) for _ in range(SEEDS)]
        return float(np.mean(np.array(runs) >= 1 - OPTIONS.tolerance))

    low, high = 0.0, fraction * tokens
    if passes(0.0) >= 0.95:
        high = 0.0
    while high - low > 0.01 * tokens and high > 0:
        middle = (low + high) / 2
        low, high = (low, middle) if passes(middle) >= 0.95 else (middle, high)
    wanted = row.tokens
    return {
        "tokens": f"{tokens:,}",
        "fraction": fraction,
        "regime": str(regime),
        "recommended": wanted,
        "needed": round(high),
        "recommended / needed": round(wanted / high, 2) if high else ("both 0" if not wanted else "needed 0"),
        "total / needed total": round((held + wanted) / (held + high), 2),
        "seeds that pass": passes(wanted),
        "with half": passes(wanted / 2),
    }


def thinned(human: np.ndarray):
    """Machine text that keeps a share RATIO of the tail's mass."""

    def machine(tail: np.ndarray) -> np.ndarray:
        mass = human[tail].sum()
        return human * np.where(tail, RATIO, (1 - RATIO * mass) / (1 - mass))

    return machine


def real_text(folder: Path):
    """Word frequencies of human and of machine documents of the labelled sources, over the words of both."""
    frames = [pl.scan_parquet(folder / f"{name}.parquet").select("text", "label", "language") for name in SOURCES]
    english = pl.concat(frames).filter(pl.col("language") == "en").unique("text", maintain_order=True)
    words = english.select("label", pl.col("text").str.to_lowercase().str.extract_all(r"[\p{L}']+").alias("word"))
    counted = words.filter(pl.col("label").is_in(["human", "ai"])).explode("word").group_by("word", "label").len()
    table = counted.collect().pivot(on="label", index="word", values="len").fill_null(0).sort("word")
    human, made = (table[name].to_numpy().astype(float) for name in ("human", "ai"))
    return human / human.sum(), made / made.sum()


def table(rows: list[dict]) -> str:
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(str(row[head]) for head in heads) + " |" for row in rows])


def zipf_cells() -> list[dict]:
    human, rows = zipf_source(), []
    for tokens in (50_000, 200_000, 800_000):
        for fraction in (0.6, 0.8, 0.95):
            for regime in REGIMES:
                rows.append(case(human, thinned(human), tokens, fraction, regime, 7))
                print(rows[-1], flush=True)
    return rows


def summary(rows: list[dict]) -> str:
    inside = [row["recommended / needed"] for row in rows if isinstance(row["recommended / needed"], float)]
    good = float(np.mean([1.0 <= ratio <= 1.5 for ratio in inside]))
    return f"Recommended / needed from 1.0 to 1.5 in {good:.0%} of the {len(inside)} cells that need text."


def main(folder: Path | None, out: Path) -> None:
    head = f"{SEEDS} seeds a cell, r = {RATIO}, 10 generations, tolerance 10%, acquired text read once"
    rows = zipf_cells()
    parts = [head, table(rows), summary(rows)]
    out.write_text("\n\n".join(parts) + "\n")
    if folder is None or not all((folder / f"{name}.parquet").exists() for name in SOURCES):
        return
    people, made = real_text(folder)
    real = [case(people, lambda tail: made, 200_000, 0.8, regime, 7) for regime in REGIMES]
    note = "Real text: word frequencies of labelled human and machine documents, both in generation 0"
    out.write_text("\n\n".join([*parts, note, table(real)]) + "\n")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else None,
        Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_suffix(".md"),
    )
