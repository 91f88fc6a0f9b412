"""The recommendation checked end to end: real audits of labelled text, then an n-gram recursion with what they advise.

Corpora of human documents and of machine documents whose shares are known are audited as a user would, with other human
documents of the source as reference. What the audit says is to be acquired is drawn as whole human documents from a
pool, read as often as it says, and takes the place of machine-written text. Each generation then trains a bigram model
on its mix and writes the machine part of the next. The tail is the report's: the rarest words that hold 5% of the
reference. A word of it that the model draws is kept with the chance r, the share of the tail that the corpus' machine
text keeps of held-out human text, so that later models thin the tail as the first did. Machine text is either all of
the source's, which holds as many rare words as human text, or the plainest of it, which holds four fifths as many.
Retained is the tail's mass at the horizon against held-out human text; a seed passes at 1 - tolerance. Needed is the
least acquired text at which 95% of seeds pass, by bisection.

Run: python benchmarks/collapse_end_to_end.py FOLDER [OUT.md]; FOLDER holds l2r.parquet with text, label, attack.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.collapse.options import Regime, ReservoirOptions
from auditor.collapse.reservoir import recommend
from auditor.collapse.stratum import Stratum
from auditor.config import load
from auditor.pipeline.audit import audit
from auditor.pipeline.diversity.reference import human_spectrum
from auditor.pipeline.diversity.spectra import Spectra
from auditor.pipeline.reservoir.recommend import frequencies, resize
from auditor.pipeline.run.reopen import read_report
from auditor.pipeline.run.run import load_run
from auditor.records import Estimate

SOURCE = "l2r"
ALL, PLAIN = "all machine text", "the plainest"
CASES = ((PLAIN, 0.8), (PLAIN, 0.6), (PLAIN, 0.9), (ALL, 0.8))
COMMON = 0.8  # of human text: the commonest words that hold it
PLAIN_TOKENS = 100_000
SPREAD = (-0.06, 0.0, 0.06)  # of the shards' shares around the corpus'
TOKENS = 100_000
REFERENCE_TOKENS = 100_000
TAIL = 0.05
LEAST_WORDS = 110
SEEDS = 20
STREAMS = 500
BLOCK = 200  # words that stay together where a pool of text is sampled
OPTIONS = ReservoirOptions()
REGIME = Regime.ACCUMULATE_SUBSAMPLE  # the central band's
LABELLED = 0.05  # half the interval of a share that labels gave


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


def read_documents(folder: Path) -> pl.DataFrame:
    """document, text, label, shard, words; in random order, each text once."""
    frame = pl.read_parquet(folder / f"{SOURCE}.parquet").with_columns(
        pl.col("label", "domain", "attack").cast(pl.String)
    )
    prose = (pl.col("language") == "en") & ~pl.col("domain").str.to_lowercase().str.contains("code")
    plain = pl.col("attack").fill_null("none").is_in(["none", ""])
    whole = frame.filter(prose & plain & pl.col("label").is_in(["human", "ai"])).unique("text", maintain_order=True)
    words = whole.select("text", "label", words=pl.col("text").str.to_lowercase().str.extract_all(r"[\p{L}\p{N}']+"))
    mixed = words.filter(pl.col("words").list.len() >= LEAST_WORDS).sample(fraction=1.0, shuffle=True, seed=7)
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    return mixed.with_columns(document=number, shard=number % len(SPREAD))


def as_texts(documents: pl.DataFrame) -> Texts:
    flat = documents.select(pl.col("words").explode())["words"].rank("dense").to_numpy().astype(np.int64) - 1
    lengths = documents["words"].list.len().to_numpy().astype(np.int64)
    return Texts(flat.astype(np.int32), np.append(0, np.cumsum(lengths)), int(flat.max()) + 1)


def take(rows: pl.DataFrame, tokens: float) -> pl.DataFrame:
    """The first documents that hold so many words."""
    return rows.filter(pl.col("words").list.len().cum_sum() <= tokens)


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """The rarest words that hold TAIL of the reference, and their mass in other human text."""

    reference: pl.DataFrame
    words: np.ndarray
    mass: float

    @classmethod
    def of(cls, documents: pl.DataFrame, texts: Texts) -> Tail:
        human = documents.filter(pl.col("label") == "human")
        reference = take(human, REFERENCE_TOKENS)
        others = human.join(reference, on="document", how="anti")
        # by halves, as the report measures it: words that stand once in one, all of them
        known = np.bincount(texts.of(reference["document"].to_numpy()[::2]), minlength=texts.width)
        mass = np.cumsum(np.bincount(known) * np.arange(known.max() + 1)) / known.sum()
        tail = (known > 0) & (known <= max(int(np.searchsorted(mass, TAIL, side="right")) - 1, 1))
        return cls(reference, tail, float(texts.shares(others["document"].to_numpy())[tail].sum()))

    def ratio(self, texts: Texts, documents: np.ndarray) -> float:
        return float(texts.shares(documents)[self.words].sum() / self.mass)


def machine_text(documents: pl.DataFrame, texts: Texts, which: str) -> pl.DataFrame:
    """All machine documents, or the plainest: those with fewest words beside the commonest of human text."""
    machine, human = (documents.filter(pl.col("label") == label) for label in ("ai", "human"))
    if which == ALL:
        return machine
    common = texts.shares(human["document"].to_numpy())
    order = np.argsort(-common, kind="stable")
    other = np.ones(texts.width, bool)
    other[order[: int(np.searchsorted(np.cumsum(common[order]), COMMON))]] = False
    density = [other[texts.of(np.array([d]))].mean() for d in machine["document"]]
    return take(machine[np.argsort(density, kind="stable").tolist()], PLAIN_TOKENS)


def draw(
    documents: pl.DataFrame, machine: pl.DataFrame, tail: Tail, fraction: float
) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """Shards of the corpus, and the pool of human text that is left beside them and the reference."""
    human = documents.filter(pl.col("label") == "human").join(tail.reference, on="document", how="anti")
    shards, size = [], TOKENS / len(SPREAD)
    for place, shift in enumerate(SPREAD):
        people, made = (rows.filter(pl.col("shard") == place) for rows in (human, machine))
        shards.append(pl.concat([take(people, (1 - fraction - shift) * size), take(made, (fraction + shift) * size)]))
    return shards, human.join(pl.concat(shards), on="document", how="anti")


def audited(shards: list[pl.DataFrame], reference: pl.DataFrame, folder: Path) -> Path:
    """An audit of the shards, as Parquet without labels."""
    (folder / "corpus").mkdir(parents=True)
    for place, shard in enumerate(shards):
        mixed = shard.select("text").sample(fraction=1.0, shuffle=True, seed=1)
        mixed.write_parquet(folder / f"corpus/{place}.parquet")
    reference.select("text").write_parquet(folder / "reference.parquet")
    settings = {"human_reference": [str(folder / "reference.parquet")], "workers": 1, "formats": ("json",)}
    audit(load(corpus=[str(folder / "corpus")], **settings), folder / "run")
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


def passing(world: World, acquired: float) -> tuple[float, float]:
    """The share of seeds that pass, and the mean of what is retained."""
    runs = np.array([retained(world, acquired, OPTIONS.epochs, REGIME, seed) for seed in range(SEEDS)])
    return float((runs >= 1 - OPTIONS.tolerance).mean()), float(runs.mean())


def needed(world: World) -> float:
    """The least unique text to acquire at which 95% of seeds pass."""
    low, high = 0.0, (world.tokens - len(world.texts.of(world.held))) / OPTIONS.epochs
    if passing(world, 0.0)[0] >= 0.95:
        return 0.0
    while high - low > 0.02 * world.tokens / OPTIONS.epochs:
        middle = (low + high) / 2
        low, high = (low, middle) if passing(world, middle)[0] >= 0.95 else (middle, high)
    return high


def world_of(texts: Texts, tail: Tail, shards: list[pl.DataFrame], machine: pl.DataFrame, pool: pl.DataFrame) -> World:
    corpus = pl.concat(shards)
    held, made = (corpus.filter(label=name)["document"].to_numpy() for name in ("human", "ai"))
    ratio = min(tail.ratio(texts, machine["document"].to_numpy()), 1.0)
    tokens = len(texts.of(held)) + len(texts.of(made))
    return World(texts, held, made, pool["document"].to_numpy(), tail.words, tail.mass, ratio, tokens)


def rows_of(world: World, run: Path, which: str) -> list[dict[str, Any]]:
    """What comes of the audit's advice, by central and adverse readings, and of the rule where the share is known."""
    report, out = read_report(run), []
    found = report["corpus"]["synthetic_fraction_tokens"]
    share = len(world.texts.of(world.made)) / world.tokens
    advice = resize(run, replace(OPTIONS, regime=REGIME))
    known = known_share(run, report, share)
    readings = [
        ("share known", known["acquire"]["central"]["tokens"], _ratio(known)),
        ("audit, central", advice["acquire"]["central"]["tokens"], _ratio(advice)),
        ("audit, adverse", advice["acquire"]["pessimistic"]["tokens"], _ratio(advice)),
    ]
    least, none = needed(world), passing(world, 0.0)
    for reading, tokens, ratio in readings:
        wanted = tokens * world.tokens / report["corpus"]["tokens"]
        row = {
            "text": which,
            "machine-written": f"{share:.3f}",
            "measured": f"{found['value']:.3f} ({found['lower']:.3f}-{found['upper']:.3f})",
            "r": f"{world.ratio:.3f}",
            "reading": reading,
            "r measured": ratio,
            "acquire": round(wanted),
            "needed": round(least),
            "acquire / needed": round(wanted / least, 2) if least else "needed 0",
            "none": said(none),
        }
        for name, times in (("half", 0.5), ("as advised", 1.0), ("twice", 2.0)):
            row[name] = said(passing(world, times * wanted)) if wanted else said(none)
        out.append(row)
        print(row, flush=True)
    return out


def known_share(run: Path, report: dict[str, Any], share: float) -> dict[str, Any]:
    """The rule with the true share, as labels would give it, and with the tail retention that the audit measured."""
    corpus = report["corpus"]
    fraction = Estimate(share, max(share - LABELLED, 0.0), min(share + LABELLED, 1.0), method="given")
    retention = Estimate(**corpus["diversity"]["tail_retention"])
    sizes = (corpus["tokens"], corpus["eligible_documents"], corpus["bytes"])
    spectrum = frequencies(human_spectrum(Spectra(run, load_run(run).plan)))
    stratum = Stratum("corpus", *sizes, fraction, spectrum, retention)
    return recommend([stratum], [], replace(OPTIONS, regime=REGIME)).as_dict()


def said(found: tuple[float, float]) -> str:
    return f"{found[1]:.3f} ({found[0]:.0%})"


def _ratio(advice: dict[str, Any]) -> str:
    (found,) = advice["assumptions"]["decoding_ratio"].values()
    return f"{found['value']:.3f} ({found['lower']:.3f}-{found['upper']:.3f})"


def table(rows: list[dict[str, Any]]) -> str:
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(str(row[head]) for head in heads) + " |" for row in rows])


def main(folder: Path, out: Path) -> None:
    documents, rows = read_documents(folder), []
    texts = as_texts(documents)
    tail = Tail.of(documents, texts)
    for which, fraction in CASES:
        machine = machine_text(documents, texts, which)
        shards, pool = draw(documents, machine, tail, fraction)
        with tempfile.TemporaryDirectory() as place:
            run = audited(shards, tail.reference, Path(place))
            rows += rows_of(world_of(texts, tail, shards, machine, pool), run, which)
        head = f"{SEEDS} seeds; by amount acquired: mean retained (seeds that pass); {TOKENS:,} words, 10 generations"
        out.write_text(f"{head}\n\n{table(rows)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_suffix(".md"))
