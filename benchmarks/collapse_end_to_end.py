"""The recommendation checked end to end: real audits of labelled text, then an n-gram recursion with what they advise.

Corpora of human and machine documents of labelled sources, whose shares are known, are audited as a user would, with
other human documents of the sources as reference. What the audit says is to be acquired is drawn as whole human
documents from a pool, read as often as it says, and takes the place of machine-written text. Each generation then
trains a bigram model on its mix and writes the machine part of the next. The tail is the report's: the rarest words
that hold 5% of the reference. A word of it that the model draws is kept with the chance r, the share of the tail that
the real machine text keeps of held-out human text, so that later models thin the tail as the first did. Retained is the
tail's mass at the horizon against held-out human text; a seed passes at 1 - tolerance. Needed is the least acquired
text at which 95% of seeds pass, by bisection.

Run: python benchmarks/collapse_end_to_end.py FOLDER [OUT.md]; FOLDER holds Parquet files with text, label, language.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.collapse.options import BANDS, Regime, ReservoirOptions
from auditor.config import load
from auditor.pipeline.audit import audit
from auditor.pipeline.reservoir.recommend import resize
from auditor.pipeline.run.reopen import read_report

DOMAINS = ("fiction", "news", "wikipedia")
# Completions by base models, which thin the tail, and rewritings by chat models, which do not.
FAMILIES = {"base models": ("fast_detect_gpt", "lastde", "imbd", "glimpse"), "chat models": ("l2r",)}
CASES = (("base models", 0.7), ("base models", 0.8), ("base models", 0.9), ("chat models", 0.8))
SPREAD = (-0.08, 0.0, 0.08)  # of the shards' shares around the corpus'
TOKENS = 120_000
REFERENCE_TOKENS = 100_000
TAIL = 0.05
LEAST_WORDS = 100
PROMPT = 30  # words at the beginning of a completion that may be its human prompt
SEEDS = 20
STREAMS = 500
BLOCK = 200  # words that stay together where a pool of text is sampled
OPTIONS = ReservoirOptions()
REGIMES = (Regime.ACCUMULATE_SUBSAMPLE, Regime.REPLACE_FRESH, Regime.REPLACE_REPLAY)


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Documents as words: (t,) word numbers, (n + 1,) offsets, and which words there are in all."""

    words: np.ndarray
    offsets: np.ndarray
    width: int

    def of(self, documents: np.ndarray) -> np.ndarray:
        """The words of some documents, one after the other."""
        if not len(documents):
            return np.zeros(0, self.words.dtype)
        return np.concatenate([self.words[self.offsets[d] : self.offsets[d + 1]] for d in documents])

    def shares(self, documents: np.ndarray) -> np.ndarray:
        counts = np.bincount(self.of(documents), minlength=self.width)
        return counts / counts.sum()


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """One corpus and what surrounds it: documents held and machine-written, the pool, the tail and its ratio r."""

    texts: Texts
    held: np.ndarray
    made: np.ndarray
    pool: np.ndarray
    tail: np.ndarray
    mass: float
    ratio: float
    tokens: int


def read_documents(folder: Path, family: str) -> pl.DataFrame:
    """document, text, label, shard, words; in random order, each text once, completions without their prompts."""
    frames = []
    for name in FAMILIES[family]:
        frame = pl.read_parquet(folder / f"{name}.parquet").with_columns(
            pl.col("label", "domain", "attack").cast(pl.String)
        )
        plain = pl.col("attack").fill_null("none").is_in(["none", ""]) & (pl.col("language") == "en")
        frame = frame.filter(plain & pl.col("label").is_in(["human", "ai"]))
        if family == "base models":
            frame = frame.filter(pl.col("domain").is_in(DOMAINS))
            cut = pl.col("text").str.replace(rf"^(?:\S+\s+){{{PROMPT}}}", "")
            frame = frame.with_columns(text=pl.when(pl.col("label") == "ai").then(cut).otherwise("text"))
        frames.append(frame.select("text", "label", "domain"))
    letters = pl.col("text").str.to_lowercase().str.replace_all(r"[^a-z]", "").str.slice(20, 80)
    whole = pl.concat(frames).unique("text", maintain_order=True)
    whole = whole.filter(letters.is_first_distinct() | (pl.col("label") == "ai"))
    words = whole.with_columns(words=pl.col("text").str.to_lowercase().str.extract_all(r"[\p{L}\p{N}']+"))
    mixed = words.filter(pl.col("words").list.len() >= LEAST_WORDS).sample(fraction=1.0, shuffle=True, seed=7)
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    place = pl.col("domain").replace_strict(DOMAINS, range(len(DOMAINS)), default=None, return_dtype=pl.Int64)
    return mixed.with_columns(document=number, shard=place.fill_null(number % len(DOMAINS))).drop("domain")


def as_texts(documents: pl.DataFrame) -> Texts:
    flat = documents.select(pl.col("words").explode())["words"].rank("dense").to_numpy().astype(np.int64) - 1
    lengths = documents["words"].list.len().to_numpy().astype(np.int64)
    return Texts(flat.astype(np.int32), np.append(0, np.cumsum(lengths)), int(flat.max()) + 1)


def take(rows: pl.DataFrame, tokens: float) -> pl.DataFrame:
    """The first documents that hold so many words."""
    return rows.filter(pl.col("words").list.len().cum_sum() <= tokens)


def draw(documents: pl.DataFrame, fraction: float) -> tuple[list[pl.DataFrame], pl.DataFrame, pl.DataFrame]:
    """Shards of the corpus, the reference, and the pool of human text that is left."""
    shards, known, used = [], [], []
    for place, shift in enumerate(SPREAD):
        own, size = documents.filter(pl.col("shard") == place), TOKENS / len(SPREAD)
        human = own.filter(pl.col("label") == "human")
        known.append(take(human, REFERENCE_TOKENS / len(SPREAD)))
        people = take(human.join(known[-1], on="document", how="anti"), (1 - fraction - shift) * size)
        machine = take(own.filter(pl.col("label") == "ai"), (fraction + shift) * size)
        shards.append(pl.concat([people, machine]))
        used += [people, known[-1]]
    human = documents.filter(pl.col("label") == "human")
    return shards, pl.concat(known), human.join(pl.concat(used), on="document", how="anti")


def audited(shards: list[pl.DataFrame], reference: pl.DataFrame, folder: Path) -> Path:
    """An audit of the shards, as Parquet without labels."""
    (folder / "corpus").mkdir(parents=True)
    for place, shard in enumerate(shards):
        mixed = shard.select("text").sample(fraction=1.0, shuffle=True, seed=1)
        mixed.write_parquet(folder / f"corpus/{place}.parquet")
    reference.select("text").write_parquet(folder / "reference.parquet")
    settings = {"human_reference": [str(folder / "reference.parquet")], "workers": 1, "formats": ("json",)}
    audit(load(corpus=[str(folder / "corpus")], minimum_words=50, **settings), folder / "run")
    return folder / "run"


def write(world: World, text: np.ndarray, words: int, rng: np.random.Generator) -> np.ndarray:
    """What a bigram model of a text writes: a word follows another as often as in the text, the tail's r times that."""
    if words <= 0:
        return text[:0]
    order = np.argsort(text[:-1], kind="stable")
    begin = np.searchsorted(text[:-1][order], np.arange(world.texts.width + 1))
    middle = text[~world.tail[text]]
    out = np.empty((words // STREAMS + 1, STREAMS), text.dtype)
    last = rng.choice(text[:-1], STREAMS)
    for step in range(len(out)):
        drawn = _follow(text, order, begin, last, rng)
        again = np.flatnonzero(world.tail[drawn] & (rng.random(STREAMS) >= world.ratio))
        for _ in range(8):
            if not len(again):
                break
            drawn[again] = _follow(text, order, begin, last[again], rng)
            again = again[world.tail[drawn[again]]]
        drawn[again] = rng.choice(middle, len(again))
        out[step] = last = drawn
    return out.T.ravel()[:words]


def _follow(text, order, begin, last, rng) -> np.ndarray:
    many = begin[last + 1] - begin[last]
    place = begin[last] + (rng.random(len(last)) * np.maximum(many, 1)).astype(np.int64)
    found = text[order[np.minimum(place, len(order) - 1)] + 1]
    # the text's last word may be followed by nothing: any word then
    return np.where(many > 0, found, rng.choice(text, len(last)))


def retained(world: World, acquired: float, epochs: float, regime: Regime, seed: int) -> float:
    """Mass of the tail at the horizon, against human text, with so much unique human text acquired."""
    rng = np.random.default_rng(seed)
    held = world.texts.of(world.held)
    new = world.texts.of(rng.permutation(world.pool))[: round(acquired)]
    slots = min(round(acquired * epochs), world.tokens - len(held))
    human = np.concatenate([held, np.resize(new, slots)]) if slots and len(new) else held
    made = world.tokens - len(human)
    text = np.concatenate([human, world.texts.of(rng.permutation(world.made))[:made]])
    pool = [text]
    for _ in range(OPTIONS.generations):
        if regime == Regime.REPLACE_FRESH:
            human = world.texts.of(rng.permutation(np.concatenate([world.pool, world.held])))[: len(human)]
        text = np.concatenate([human, write(world, text, made, rng)])
        if regime == Regime.ACCUMULATE_SUBSAMPLE:
            pool.append(text)
            text = sample(pool, world.tokens, rng)
    return float(world.tail[text].mean() / world.mass)


def sample(pool: list[np.ndarray], tokens: int, rng: np.random.Generator) -> np.ndarray:
    """Blocks of words drawn from all generations' text, as many as a corpus holds."""
    whole = np.concatenate([text[: len(text) // BLOCK * BLOCK].reshape(-1, BLOCK) for text in pool])
    return whole[rng.choice(len(whole), tokens // BLOCK, replace=False)].ravel()


def passing(world: World, acquired: float, epochs: float, regime: Regime) -> tuple[float, float]:
    """The share of seeds that pass, and the mean of what is retained."""
    runs = np.array([retained(world, acquired, epochs, regime, seed) for seed in range(SEEDS)])
    return float((runs >= 1 - OPTIONS.tolerance).mean()), float(runs.mean())


def needed(world: World, epochs: float, regime: Regime) -> float:
    """The least text to acquire at which 95% of seeds pass; as a unique text that is read `epochs` times."""
    low, high = 0.0, (world.tokens - len(world.texts.of(world.held))) / epochs
    if passing(world, 0.0, epochs, regime)[0] >= 0.95:
        return 0.0
    while high - low > 0.01 * world.tokens / epochs:
        middle = (low + high) / 2
        low, high = (low, middle) if passing(world, middle, epochs, regime)[0] >= 0.95 else (middle, high)
    return high


def world_of(
    documents: pl.DataFrame, texts: Texts, shards: list[pl.DataFrame], reference: pl.DataFrame, pool: pl.DataFrame
) -> World:
    corpus, machine = pl.concat(shards), documents.filter(pl.col("label") == "ai")["document"].to_numpy()
    held, made = (corpus.filter(label=name)["document"].to_numpy() for name in ("human", "ai"))
    others = np.concatenate([held, pool["document"].to_numpy()])
    known = texts.shares(reference["document"].to_numpy())
    order = np.argsort(known, kind="stable")
    tail = np.zeros(texts.width, bool)
    tail[order[np.cumsum(known[order]) <= TAIL]] = True
    tail &= known > 0
    mass = float(texts.shares(others)[tail].sum())
    ratio = float(texts.shares(machine)[tail].sum() / mass)
    tokens = len(texts.of(held)) + len(texts.of(made))
    return World(texts, held, made, pool["document"].to_numpy(), tail, mass, min(ratio, 1.0), tokens)


def rows_of(world: World, run: Path, family: str) -> list[dict[str, Any]]:
    """What the audit found and what comes of its advice, for every regime under central and adverse readings."""
    report, out = read_report(run), []
    scale = world.tokens / report["corpus"]["tokens"]
    found = report["corpus"]["synthetic_fraction_tokens"]
    for regime in REGIMES:
        advice = resize(run, replace(OPTIONS, regime=regime))
        least = needed(world, OPTIONS.epochs, regime)
        for band in (BANDS[1], BANDS[2]):
            wanted = advice["acquire"][band.name]["tokens"] * scale
            row = {
                "text": family,
                "machine-written": f"{len(world.texts.of(world.made)) / world.tokens:.3f}",
                "measured": f"{found['value']:.3f} ({found['lower']:.3f}-{found['upper']:.3f})",
                "r": f"{world.ratio:.3f}",
                "r measured": _ratio(advice),
                "regime": str(regime),
                "band": band.name,
                "acquire": round(wanted),
                "needed": round(least),
                "acquire / needed": round(wanted / least, 2) if least else "needed 0",
            }
            for name, share in (("none", 0.0), ("half", 0.5), ("as advised", 1.0), ("twice", 2.0)):
                passed, mean = passing(world, share * wanted, OPTIONS.epochs, regime)
                row[name] = f"{mean:.3f} ({passed:.0%})"
            out.append(row)
            print(row, flush=True)
    return out


def _ratio(advice: dict[str, Any]) -> str:
    (found,) = advice["assumptions"]["decoding_ratio"].values()
    return f"{found['value']:.3f} ({found['lower']:.3f}-{found['upper']:.3f}), {found['source']}"


def table(rows: list[dict[str, Any]]) -> str:
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(str(row[head]) for head in heads) + " |" for row in rows])


def main(folder: Path, out: Path) -> None:
    rows = []
    for family, fraction in CASES:
        documents = read_documents(folder, family)
        texts = as_texts(documents)
        shards, reference, pool = draw(documents, fraction)
        with tempfile.TemporaryDirectory() as place:
            run = audited(shards, reference, Path(place))
            rows += rows_of(world_of(documents, texts, shards, reference, pool), run, family)
        head = f"{SEEDS} seeds; by amount acquired: mean retained (seeds that pass); {TOKENS:,} words, 10 generations"
        out.write_text(f"{head}\n\n{table(rows)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_suffix(".md"))
