"""Sampling weights of a run's documents: the corpus read once more for the rare types that each document carries."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.config import Config
from auditor.errors import ConfigError
from auditor.gate.selection import Choice, decisions
from auditor.gate.weights import CHOICES, RARE, TailTally, human_weights, tail_shares
from auditor.pipeline.diversity.reference import find_reference
from auditor.pipeline.diversity.spectra import Spectra
from auditor.pipeline.finished.export import BATCH, unchanged
from auditor.pipeline.report.filters import THRESHOLD
from auditor.pipeline.run.plan import Plan, source_options
from auditor.pipeline.run.reopen import open_database
from auditor.pipeline.run.run import load_run
from auditor.run_columns import WORD
from auditor.run_folder import whole_file
from auditor.sketch.types_kernel import key_of
from auditor.sources.read.chooser import read_split
from auditor.text.batch import TextBatch

OUT = pa.schema(
    [
        ("id", pa.string()),
        ("shard", pa.string()),
        ("row", pa.int64()),
        ("weight", pa.float32()),
        ("protected", pa.bool_()),
    ]
)


@dataclass(frozen=True, slots=True)
class KeptByChoice:
    """What a choice keeps: expected documents and words, and the machine-written share of the documents.

    choice: one of auditor.gate.weights.CHOICES; tail_retention: share of the corpus' rare types that survive
    Shares lie between 0 and 1, and are None where nothing was measured.
    """

    choice: str
    documents: float
    words: float
    machine_share: float | None
    tail_retention: float | None


@dataclass(frozen=True, slots=True)
class Weighted:
    """Documents that got a weight, those whose weight was raised to protect the tail, and what each choice keeps.

    rare_types: of the human reference; rare_types_in_corpus: those that the corpus has; reference: where it came from
    """

    documents: int
    protected: int
    rare_types: int
    rare_types_in_corpus: int
    reference: str
    choices: tuple[KeptByChoice, ...]
    files: tuple[Path, ...]


def write_weights(run: Path, path: Path, choice: Choice) -> Weighted:
    """Write id, shard, row, weight, protected as Parquet; returns what each choice keeps of text and of the tail.

    A document's weight never falls below its share of the tail: the types that are rare in human text and that hardly
    any other document carries. All duplicates but one have weight 0. Memory grows with the number of rare types, not
    with the documents.
    Raises: ConfigError where the run has no human reference, or a shard has changed since the audit
    """
    opened = load_run(run)
    plan, config = opened.plan, opened.config
    reference = find_reference(Spectra(run, plan))
    if reference.text is None:
        raise ConfigError("weights protect what is rare in human text: audit with --human-reference, then export again")
    unchanged(plan, config)
    tally = TailTally.of(rare_types(reference.text.frame))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".weights-") as folder:
        plain = Path(folder) / "plain.parquet"
        _write_plain(run, choice, plain)
        _carry(plan, config, plain, tally)
        carriers, shares = _shares(plain, tally)
        kept = _Tally()
        with whole_file(path) as partial, pq.ParquetWriter(partial, OUT, compression="zstd") as writer:
            for frame in _protected(plain, carriers, shares):
                kept.add(frame)
                writer.write_table(frame.select(OUT.names).to_arrow().cast(OUT))
        protected = np.concatenate([np.zeros(0), *kept.carriers])
    return Weighted(
        kept.documents,
        kept.protected,
        len(tally.types),
        int((tally.found > 0).sum()),
        reference.origin,
        kept.choices(tally.retention(carriers, protected)),
        (path,),
    )


def rare_types(frame: pl.DataFrame, most: int = RARE) -> np.ndarray:
    """Keys (k,) uint64 of the sampled word types that occur at most `most` times in the reference."""
    words = frame.filter((pl.col("level") == WORD) & pl.col("type").is_not_null())
    counted = words.group_by("type").agg(pl.col("count").sum())
    return counted.filter((pl.col("count") > 0) & (pl.col("count") <= most))["type"].sort().to_numpy()


def _write_plain(run: Path, choice: Choice, path: Path) -> None:
    """Every document, in order of shard and row, with its weight before protection and whether the naive filter keeps
    it.

    at: its position; single: neither a duplicate nor left out as not eligible; threshold: 1 where the filter keeps it
    """
    naive = Choice(choice.probability or THRESHOLD, choice.duplicates, choice.ineligible)
    writer, first = None, 0
    with open_database(run) as connection:
        for batch in connection.sql(decisions(naive)).to_arrow_reader(BATCH):
            frame = pl.DataFrame(pa.Table.from_batches([batch]))
            reason = frame["reason"].str
            single = ~(reason.starts_with("duplicate of") | reason.starts_with("not eligible"))
            chance = human_weights(frame["probability"].to_numpy().astype(float)) * single.to_numpy()
            out = frame.select(
                "id",
                "shard",
                pl.col("row").cast(pl.Int64),
                pl.col("words").cast(pl.Int64),
                "probability",
                at=pl.int_range(first, first + frame.height, dtype=pl.Int64),
                single=single,
                threshold=pl.col("keep").cast(pl.Float64),
                plain=pl.Series(chance),
            )
            first += frame.height
            table = out.to_arrow()
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table.cast(writer.schema))
    if writer is not None:
        writer.close()


def _frames(plain: Path, columns: list[str] | None = None) -> Iterator[pl.DataFrame]:
    with pq.ParquetFile(plain, pre_buffer=False) as file:
        for batch in file.iter_batches(BATCH, columns=columns):
            yield pl.DataFrame(pa.Table.from_batches([batch]))


class _Rows:
    """The documents in order, asked for shard by shard and row by row, so that few are held at once."""

    def __init__(self, plain: Path) -> None:
        self.frames = _frames(plain, ["shard", "row", "at", "threshold", "plain"])
        self.held = next(self.frames)

    def upto(self, shard: str, last: int) -> pl.DataFrame:
        """The next rows, up to row `last` of a shard; rows of shards before it are passed over."""
        while (self.held["shard"][-1], self.held["row"][-1]) < (shard, last):
            more = next(self.frames, None)
            if more is None:
                break
            self.held = pl.concat([self.held.filter(pl.col("shard") >= shard), more])
        here = (pl.col("shard") == shard) & (pl.col("row") <= last)
        found, self.held = self.held.filter(here), self.held.filter(~here | (pl.int_range(pl.len()) == pl.len() - 1))
        return found


def _carry(plan: Plan, config: Config, plain: Path, tally: TailTally) -> None:
    """Read the corpus again and note which documents carry which rare types."""
    rows, options = _Rows(plain), source_options(config)
    for shard in sorted(plan.corpus.shards, key=lambda shard: shard.name):
        for split in shard.splits:
            for batch in read_split(shard, split, options):
                if not batch.frame.height:
                    continue
                tokens = TextBatch.of(batch.frame["text"]).tokens
                known = rows.upto(shard.name, int(batch.frame["row"][-1]))
                place = np.searchsorted(known["row"].to_numpy(), batch.frame["row"].to_numpy())
                document = np.repeat(place, np.diff(tokens.offsets))
                chances = known.select("threshold", "plain").to_numpy()
                tally.add(key_of(tokens.hashes), known["at"].to_numpy()[document], chances[document])


def _shares(plain: Path, tally: TailTally) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the carriers of scarce types and their shares of the tail, (m,) each."""
    carriers, held = tally.carried()
    words, weights, total = np.zeros(len(carriers)), np.zeros(len(carriers)), 0.0
    for frame in _frames(plain, ["at", "words", "plain"]):
        size, weight, first = frame["words"].to_numpy(), frame["plain"].to_numpy(), int(frame["at"][0])
        total += float(weight @ size)
        some = slice(*np.searchsorted(carriers, [first, first + frame.height]))
        words[some], weights[some] = size[carriers[some] - first], weight[carriers[some] - first]
    return carriers, tail_shares(held, words, weights, total)


def _protected(plain: Path, carriers: np.ndarray, shares: np.ndarray) -> Iterator[pl.DataFrame]:
    """The documents with their final weight; `carrier`: whether its share of the tail raised it."""
    for frame in _frames(plain):
        first = int(frame["at"][0])
        some = slice(*np.searchsorted(carriers, [first, first + frame.height]))
        share, carrier = np.zeros(frame.height), np.zeros(frame.height, bool)
        share[carriers[some] - first], carrier[carriers[some] - first] = shares[some], True
        weight = np.maximum(frame["plain"].to_numpy(), share * frame["single"].to_numpy())
        yield frame.with_columns(
            weight=pl.Series(weight), protected=pl.Series(weight) > frame["plain"] + 1e-6, carrier=pl.Series(carrier)
        )


class _Tally:
    """What each choice leaves of documents, words and machine-written text, added up batch by batch."""

    def __init__(self) -> None:
        self.documents = self.protected = 0
        self.carriers: list[np.ndarray] = []  # weights of the carriers, in order
        self.sums = np.zeros((len(CHOICES), 4))  # documents, words, measured documents, machine-written ones

    def add(self, frame: pl.DataFrame) -> None:
        chances = np.stack(
            [np.ones(frame.height), *(frame[name].to_numpy() for name in ("threshold", "plain", "weight"))]
        )
        machine = frame["probability"].to_numpy().astype(float)
        measured = np.isfinite(machine).astype(float)
        columns = (np.ones(frame.height), frame["words"].to_numpy(), measured, np.nan_to_num(machine) * measured)
        self.sums += chances @ np.stack(columns, axis=1)
        self.documents += frame.height
        self.protected += int(frame["protected"].sum())
        self.carriers.append(frame.filter("carrier")["weight"].to_numpy())

    def choices(self, retention: Mapping[str, float | None]) -> tuple[KeptByChoice, ...]:
        return tuple(
            KeptByChoice(
                name, float(documents), float(words), float(machine / measured) if measured else None, retention[name]
            )
            for name, (documents, words, measured, machine) in zip(CHOICES, self.sums, strict=True)
        )
