"""The recommendation checked end to end on real human text: enough as recommended, not enough at half of it.

A recursion of word and word-pair frequencies: each generation's training text is what the last model wrote, plus the
reservoir replayed. The reservoir is drawn as whole documents, so that words clump in it as they do. A seed passes
when the types at p_min have kept at least 1 - tolerance; the recommendation must pass in 95% of seeds, half must not.

Run: python benchmarks/collapse_recommendation.py FOLDER [OUT.md]; FOLDER holds Parquet files with text, label,
language. Only figures are written.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from auditor.collapse.options import BANDS, Regime, ReservoirOptions, Sizing
from auditor.collapse.reservoir import recommend
from auditor.collapse.sizing import find_covered
from auditor.collapse.spectrum import Spectrum
from auditor.collapse.stratum import Stratum
from auditor.records import Estimate

SOURCES = ("fast_detect_gpt", "l2r", "outfox", "human_dated_gov", "glimpse", "raidar", "seqxgpt_doc")
SEEDS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Human documents as type numbers: types (tokens,), document (tokens,) of each; size (documents,)."""

    types: np.ndarray
    document: np.ndarray
    documents: int

    def counts(self, drawn: np.ndarray, width: int) -> np.ndarray:
        """Occurrences per type when document i is drawn drawn[i] times."""
        return np.bincount(self.types, weights=drawn[self.document], minlength=width).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Lumped:
    """The world as frequencies (watched + 2,), which of them decoding cuts, and the group (types,) of each type."""

    frequency: np.ndarray
    tail: np.ndarray
    group: np.ndarray
    watched: int


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked for: a rule binds, and what 'kept' means follows from it."""

    name: str
    pairs: bool
    coverage: float
    options: ReservoirOptions
    ratio: float
    budget: float
    kept: str


def read_human(folder: Path) -> pl.DataFrame:
    frames = [pl.scan_parquet(folder / f"{name}.parquet").select("text", "label", "language") for name in SOURCES]
    human = pl.concat(frames).filter((pl.col("label") == "human") & (pl.col("language") == "en"))
    return human.select("text").unique(maintain_order=True).collect().with_row_index("document")


def tokenised(texts: pl.DataFrame, *, pairs: bool) -> Corpus:
    words = texts.select("document", pl.col("text").str.to_lowercase().str.extract_all(r"[\p{L}\p{N}']+").alias("word"))
    words = words.explode("word").drop_nulls()
    if pairs:
        following = pl.col("word").shift(-1).over("document")
        words = words.with_columns(pl.concat_str("word", following, separator=" ").alias("word")).drop_nulls()
    types = words["word"].rank("dense").to_numpy().astype(np.int64) - 1
    return Corpus(types, words["document"].to_numpy().astype(np.int64), texts.height)


def spectrum_of(corpus: Corpus, chosen: np.ndarray) -> Spectrum:
    """Counts and document incidence of a sample of documents, by count."""
    inside = chosen[corpus.document]
    types, documents = corpus.types[inside], corpus.document[inside]
    counts = np.bincount(types)
    incidence = np.bincount(np.unique(types * corpus.documents + documents) // corpus.documents, minlength=counts.size)
    seen = counts > 0
    frequency, member, multiplicity = np.unique(counts[seen], return_inverse=True, return_counts=True)
    mean = np.bincount(member, weights=incidence[seen]) / multiplicity
    return Spectrum(frequency.astype(float), multiplicity.astype(float), mean, int(chosen.sum()))


def recursion(case: Case, world: Lumped, reservoir: np.ndarray, slots: int, rng: np.random.Generator) -> np.ndarray:
    """Occurrences in generation G's training text; the reservoir takes `slots` places in each generation."""
    made = max(int(case.budget) - slots, 0)
    replayed = reservoir * (slots / reservoir.sum())
    counts = replayed + rng.multinomial(made, world.frequency)
    for _ in range(case.options.generations):
        frequency = counts / counts.sum()
        mass = frequency[world.tail].sum()
        frequency = frequency * np.where(world.tail, case.ratio, (1 - case.ratio * mass) / (1 - mass))
        counts = replayed + rng.multinomial(made, frequency / frequency.sum())
    return counts


def lump(case: Case, counts: np.ndarray, frequency: float) -> Lumped:
    """The types at p_min singly, all others as two: draws and decoding treat each of these alike, so this is exact."""
    share = counts / counts.sum()
    ordered = np.sort(share)[::-1]
    rarest = float(ordered[int(np.searchsorted(np.cumsum(ordered), case.coverage))])
    at = (share >= frequency) & (share <= 1.5 * frequency)
    watched = int(at.sum())
    group = np.where(share <= max(2 * rarest, 1.5 * frequency), watched, watched + 1)
    group[at] = np.arange(watched)
    return Lumped(np.bincount(group, share, watched + 2), np.arange(watched + 2) <= watched, group, watched)


def check(case: Case, corpus: Corpus, rng: np.random.Generator) -> dict:
    """Size from one half of the documents, then run seeds with the recommendation and with half of it."""
    width = int(corpus.types.max()) + 1
    whole = corpus.counts(np.ones(corpus.documents), width)
    audited = rng.random(corpus.documents) < 0.5
    spectrum = spectrum_of(corpus, audited)
    options = replace(case.options, coverage_share=case.coverage, ratio_prior=(case.ratio,) * 3)
    stratum = Stratum(
        "human side",
        case.budget,
        case.budget / corpus.types.size * corpus.documents,
        case.budget * 6,
        Estimate(0.3, 0.0, 0.6, method="given"),
        spectrum,
        Estimate.not_measured("not needed"),
    )
    row = recommend([stratum], [], options).band(BANDS[2], Sizing.FIXED_COMPUTE)
    rarest = find_covered(spectrum, case.coverage, options)
    assert rarest is not None
    world = lump(case, whole, rarest.frequency)
    lumped = replace(corpus, types=world.group[corpus.types])
    slots = int(row["tokens"] * row["upsampling"])
    kept = {}
    for share in (1.0, 0.5):
        wanted = int(row["tokens"] * share / corpus.types.size * corpus.documents)
        kept[share] = [_kept(case, lumped, world, wanted, int(slots * share), rng) for _ in range(SEEDS)]
    enough = 1 - options.tolerance
    return {
        "case": case.name,
        "tokens": row["tokens"],
        "share of budget": round(slots / case.budget, 3),
        "binds": row["binding_constraint"],
        "p_min": f"{rarest.frequency:.2e}",
        "clumping": round(rarest.clumping, 2),
        "types": world.watched,
        "kept, mean": round(float(np.mean(kept[1.0])), 3),
        "seeds that pass": round(float(np.mean(np.array(kept[1.0]) >= enough)), 3),
        "half: kept, mean": round(float(np.mean(kept[0.5])), 3),
        "half: seeds that pass": round(float(np.mean(np.array(kept[0.5]) >= enough)), 3),
    }


def _kept(case: Case, corpus: Corpus, world: Lumped, documents: int, slots: int, rng: np.random.Generator) -> float:
    drawn = rng.multinomial(max(documents, 1), np.full(corpus.documents, 1 / corpus.documents))
    reservoir = corpus.counts(drawn, world.frequency.size)
    at = slice(0, world.watched)
    if case.kept == "occurrences":
        return float((reservoir[at] >= case.options.min_occurrences).mean())
    ends = recursion(case, world, reservoir, slots, rng)
    if case.kept == "present":
        return float((ends[at] > 0).mean())
    return float(ends[at].sum() / ends.sum() / world.frequency[at].sum())


def main(folder: Path, out: Path) -> None:
    texts = read_human(folder)
    replay = ReservoirOptions(20, 0.1, min_occurrences=1, regime=Regime.REPLACE_REPLAY, epochs=1)
    ten = replace(replay, min_occurrences=10, tolerance=0.1)
    mass = replace(replay, generations=10, min_occurrences=1, epochs=4)
    cases = [
        Case("words, present", False, 0.97, replay, 1.0, 4e6, "present"),
        Case("word pairs, present", True, 0.45, replay, 1.0, 1e6, "present"),
        Case("words, ten occurrences", False, 0.90, ten, 1.0, 8e6, "occurrences"),
        Case("words, mass under decoding r = .9", False, 0.90, mass, 0.9, 8e6, "mass"),
        Case("words, mass under decoding r = .8", False, 0.90, mass, 0.8, 8e6, "mass"),
    ]
    rows = []
    for case in cases:
        rows.append(check(case, tokenised(texts, pairs=case.pairs), np.random.default_rng(7)))
        print(rows[-1], flush=True)
    heads = list(rows[0])
    table = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    table += ["| " + " | ".join(str(row[h]) for h in heads) + " |" for row in rows]
    out.write_text(f"{SEEDS} seeds a row, {texts.height} human documents\n\n" + "\n".join(table) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_suffix(".md"))
