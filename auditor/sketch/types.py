"""Type samples: words, bigrams and trigrams counted in the stream, in bounded memory and mergeable by addition.

A listed set of frequent types is always counted. Other types are kept, with exact counts, if their key falls below a
threshold; the threshold is halved when the cells kept exceed a cap. Which types are kept depends on their keys
alone, so every shard samples the same ones (coordinated sampling: Cohen & Kaplan 2013, SIAM J. Comput. 42:862), and
the final threshold depends on the set of cells alone, so batches, splits and shards may come in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import zip_longest

import numpy as np
import polars as pl

from auditor.run_columns import BIGRAM, GROUPS, KEEP_ALL, NO_SCORE, TRIGRAM, TYPES, WORD
from auditor.sketch.types_kernel import Table, absorb, add_up, count_types, key_of, new_types
from auditor.text.tokens import Tokens, tokenise

BINS = (0, 1, 2, 3, NO_SCORE)
CAP = 2**17
PLACES = np.full(256, 255, np.uint8)  # of each score bin among BINS
PLACES[list(BINS)] = range(len(BINS))
KEY = ["level", "type", "bin", "group"]
PAIR = {"count": pl.UInt64, "blocks": pl.UInt64}
LIST = "types.parquet"
AT_ONCE = 2_000_000  # rows that wait to be added up


@dataclass(frozen=True, slots=True)
class FixedTypes:
    """Types counted whatever their hash: keys per level (words, bigrams, trigrams), each uint64 without repetition.

    The most frequent first: their counts then share cache lines.
    """

    keys: tuple[np.ndarray, np.ndarray, np.ndarray]

    @classmethod
    def none(cls) -> FixedTypes:
        """No fixed types: all are sampled by their hash."""
        return cls((np.zeros(0, np.uint64),) * 3)

    @classmethod
    @cache
    def shipped(cls) -> FixedTypes:
        """The list that ships with the package; benchmarks/diversity_types.py makes it and says from what."""
        listed = pl.read_parquet(resources.files("auditor.sketch").joinpath(LIST).read_bytes())
        words, bigrams, trigrams = (
            listed.filter(pl.col("level") == n)["type"].to_numpy() for n in (WORD, BIGRAM, TRIGRAM)
        )
        return cls((words, bigrams, trigrams))


class TypeSample:
    """The type sample of one split: add batches, then take its frame.

    Memory: three tables of 64 bytes times cap, and 8 bytes per fixed type and (score bin, group) that occurs.
    """

    def __init__(self, *, cap: int = CAP, fixed: FixedTypes | None = None) -> None:
        fixed = FixedTypes.shipped() if fixed is None else fixed
        self._tables = [Table.empty(keys, cap, len(BINS) * GROUPS) for keys in fixed.keys]

    def add(self, tokens: Tokens, group: np.ndarray, bin: np.ndarray, eligible: np.ndarray) -> None:
        """Count one batch.

        Parameters: group (n,) uint8 < 32, the document's resampling unit (cluster, host or document) mod 32;
            bin (n,) uint8, 0 to 3, or 255 without a score; eligible (n,) bool
        """
        place = np.where(bin == NO_SCORE, len(BINS) - 1, bin).astype(np.int64)
        cell = np.where(eligible, place * GROUPS + group, -1)
        for n, table in enumerate(self._tables, start=WORD):
            count_types(tokens.hashes, tokens.offsets, cell, n, table)

    def absorb(self, other: TypeSample) -> None:
        """Add another sample of the same cap and list to this one: the same result in any order, without a frame."""
        for mine, theirs in zip(self._tables, other._tables, strict=True):
            absorb(mine, theirs)

    def frame(self) -> pl.DataFrame:
        """One row per type, score bin and group; a null type is the exact total (see estimate.spectrum).

        Per level first the totals, then the listed types as they are listed, then the sampled ones by type; each by
        bin and group.
        """
        return pl.concat([_rows(n, table) for n, table in enumerate(self._tables, start=WORD)])


def summed(samples: Sequence[TypeSample]) -> TypeSample | None:
    """The sum of samples of the same cap and list, adding to the first of them; None if there are none."""
    for other in samples[1:]:
        samples[0].absorb(other)
    return samples[0] if samples else None


def merge(frames: Iterable[pl.DataFrame], *, cap: int | None = None) -> pl.DataFrame:
    """Add frames up, one at a time. In any order and any grouping the result is the same to the byte.

    Parameters: cap, most cells kept per level (the threshold falls until they fit); None keeps all
    """
    levels = {level: _Level(cap) for level in (WORD, BIGRAM, TRIGRAM)}
    for frame in frames:
        if not frame["level"].is_sorted():  # as `TypeSample.frame` and this function leave it
            frame = frame.sort("level", maintain_order=True)
        ends = np.searchsorted(frame["level"].to_numpy(), [*levels], side="right").tolist()
        for total, start, end in zip(levels.values(), [0, *ends], ends, strict=False):
            total.add(frame.slice(start, end - start))
    return pl.concat([total.frame(level) for level, total in levels.items()])


class _Level:
    """The sum of one level: listed types in a table of cells, which needs no sorting; sampled ones in rows.

    types (k,) uint64 ascending; counts (k + 1, cells, 2) uint64: occurrences, blocks; the last row holds the totals
    """

    def __init__(self, cap: int | None) -> None:
        self._cap, self._threshold = cap, KEEP_ALL
        self._types = np.zeros(0, np.uint64)
        self._counts = np.zeros((1, len(BINS) * GROUPS, 2), np.uint64)
        self._sampled = pl.DataFrame(schema={"type": pl.UInt64, "cell": pl.UInt8, **PAIR})

    def add(self, rows: pl.DataFrame) -> None:
        """Add the rows of one frame at this level."""
        if not rows.height:
            return
        self._threshold = min(self._threshold, int(rows["threshold"].to_numpy().min()))
        cell = PLACES[rows["bin"].to_numpy()] * np.uint8(GROUPS) + rows["group"].to_numpy()
        types, total = rows["type"].fill_null(0).to_numpy(), rows["type"].is_null().to_numpy()
        fixed, count, blocks = (rows[name].to_numpy() for name in ("fixed", *PAIR))
        listed = fixed & ~total
        self._list(new_types(types, listed, self._types))
        add_up(self._counts, self._types, types, total, listed, cell, count, blocks)
        more = np.flatnonzero(~fixed & ~total)
        columns = {"type": types[more], "cell": cell[more], "count": count[more], "blocks": blocks[more]}
        self._sampled = pl.concat([self._sampled, pl.DataFrame(columns)])
        if self._cap is not None and self._sampled.height > 4 * self._cap:
            self._settle()

    def frame(self, level: int) -> pl.DataFrame:
        """First the totals, then listed types, then sampled ones, each by type, bin and group."""
        self._settle()
        slots, cells = np.nonzero(self._counts.any(axis=2))
        counts = self._counts[slots, cells]
        total = slots == len(self._types)
        types = pl.Series(np.append(self._types, np.uint64(0))[slots]).set(pl.Series(total), None)
        fixed = pl.DataFrame(
            {"type": types, "cell": cells.astype(np.uint8), "count": counts[:, 0], "blocks": counts[:, 1]}
        )
        rows = pl.concat([fixed.filter(total), fixed.filter(~total), self._sampled])
        bin, group = (rows["cell"] // GROUPS).to_numpy(), rows["cell"] % GROUPS
        return rows.with_columns(
            level=pl.lit(level, pl.UInt8),
            bin=pl.Series(np.array(BINS, np.uint8)[bin]),
            group=group,
            fixed=pl.int_range(pl.len()) < fixed.height,
            threshold=pl.lit(self._threshold, pl.UInt64),
        ).select(*TYPES)

    def _list(self, types: np.ndarray) -> None:
        """Make room for types not met before."""
        if len(types):
            known = np.union1d(self._types, types)
            counts = np.zeros((len(known) + 1, *self._counts.shape[1:]), np.uint64)
            counts[np.append(np.searchsorted(known, self._types), len(known))] = self._counts
            self._types, self._counts = known, counts

    def _settle(self) -> None:
        """Add up the sampled rows; the threshold falls until they fit, how often follows from the keys alone."""
        rows = self._sampled.filter(pl.col("type") <= self._threshold)
        rows = rows.group_by("type", "cell").agg(pl.col(name).sum() for name in PAIR).sort("type", "cell")
        while self._cap is not None and rows.height > self._cap:
            self._threshold >>= 1
            rows = rows.filter(pl.col("type") <= self._threshold)
        self._sampled = rows


def subtract(frame: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
    """The sample without some of its documents, given their own sample: collapsing duplicates."""
    ceiling = frame.group_by("level").agg(pl.col("threshold").min().alias("ceiling"))
    if part.join(ceiling, on="level").filter(pl.col("threshold") < pl.col("ceiling")).height:
        low = part.group_by("level").agg(pl.col("threshold").min().alias("low"))
        frame = frame.join(low, on="level", how="left").with_columns(
            pl.min_horizontal("threshold", "low").alias("threshold")
        )
    taken = part.select(*KEY, pl.col("count").alias("_count"), pl.col("blocks").alias("_blocks"))
    left = frame.join(taken, on=KEY, how="left", nulls_equal=True).with_columns(
        pl.col("count") - pl.col("_count").fill_null(0), pl.col("blocks") - pl.col("_blocks").fill_null(0)
    )
    kept = (pl.col("count") > 0) & (pl.col("fixed") | (pl.col("type") <= pl.col("threshold")))
    return left.filter(kept).select(*TYPES).sort(KEY)


def known_words(languages: Sequence[str], *, per_language: int = 5000) -> pl.DataFrame:
    """Names for word types: type, word, of the most frequent words of each language (wordfreq, through 2021)."""
    import wordfreq

    lists = []
    for name in languages:
        lists.append(wordfreq.top_n_list(name, per_language))
        wordfreq.get_frequency_list.cache_clear()  # whole lists: 30 MB a language
    by_rank = [word for rank in zip_longest(*lists) for word in rank if word]
    raw = [word.encode() for word in dict.fromkeys(by_rank)]
    tokens = tokenise(np.frombuffer(b"".join(raw), np.uint8), np.cumsum([0, *map(len, raw)]))
    single = np.flatnonzero(tokens.words == 1)
    types = key_of(tokens.hashes[tokens.offsets[single]])
    named = pl.DataFrame({"type": types, "word": [raw[i].decode() for i in single]})
    return named.unique("type", keep="first", maintain_order=True)


def _rows(level: int, table: Table) -> pl.DataFrame:
    present, met = np.flatnonzero(table.totals[:, 0]), np.flatnonzero(table.last_block)
    by_type = np.ascontiguousarray(table.fixed_counts[np.ix_(present, met)].T)  # of a small split a fraction
    at = np.nonzero(by_type)
    slots, cells, packed = met[at[0]], present[at[1]], by_type[at]
    held = table.entries[table.entries[:, 1] > 0]
    held = held[np.lexsort((held[:, 1], held[:, 0]))]
    whole = np.flatnonzero(table.totals[:, 0])
    kinds = [
        (pl.Series([None] * len(whole), dtype=pl.UInt64), whole, table.totals[whole, 0], table.totals[whole, 1]),
        (table.fixed_keys[slots], cells, *_unpacked(packed)),
        (held[:, 0], held[:, 1] - np.uint64(1), *_unpacked(held[:, 2])),
    ]
    parts = []
    for fixed, (types, cell, count, blocks) in zip((True, True, False), kinds, strict=True):
        cell = cell.astype(np.int64)
        columns = {
            "type": types,
            "bin": np.array(BINS, np.uint8)[cell // GROUPS],
            "group": (cell % GROUPS).astype(np.uint8),
            "count": count.astype(np.uint64),
            "blocks": blocks.astype(np.uint64),
        }
        parts.append(pl.DataFrame(columns).with_columns(fixed=pl.lit(fixed)))
    return (
        pl.concat(parts)
        .with_columns(level=pl.lit(level, pl.UInt8), threshold=pl.lit(int(table.threshold[0]), pl.UInt64))
        .select(*TYPES)
    )


def _unpacked(packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Occurrences and blocks."""
    return packed & np.uint64(2**32 - 1), packed >> np.uint64(32)
