"""Frequency spectra: how often each sampled type occurs, per jackknife group; what every diversity measure reads.

The frame of a spectrum is long, so that merging is GROUP BY and SUM (columns in `COLUMNS`): one row per type, score
bin and jackknife group; a null type is the exact total over all types, sampled or not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from auditor.estimate.diversity_equations import Frequencies

WORD, BIGRAM, TRIGRAM = 1, 2, 3
LEVELS = {"word": WORD, "bigram": BIGRAM, "trigram": TRIGRAM}
GROUPS = 32
NO_SCORE = 255
KEEP_ALL = 2**64 - 1
COLUMNS = {
    "level": pl.UInt8, "type": pl.UInt64, "bin": pl.UInt8, "group": pl.UInt8,
    "count": pl.UInt64, "blocks": pl.UInt64, "fixed": pl.Boolean, "threshold": pl.UInt64,
}  # fmt: skip
# Counts from here on are listed type by type: they are few, and a histogram that long is mostly empty.
LISTED = 4096


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The sampled types of one level in one scope.

    types (types,) uint64 ascending, fixed (types,) bool: counted whatever its hash
    index, group, count, blocks (entries,): the non-zero cells of the types x groups tables
    tokens, block_totals (groups,): exact totals over all types; rate: the share of types that is sampled
    """

    types: np.ndarray
    fixed: np.ndarray
    index: np.ndarray
    group: np.ndarray
    count: np.ndarray
    blocks: np.ndarray
    tokens: np.ndarray
    block_totals: np.ndarray
    rate: float
    units: dict[str, Counted] = field(init=False, repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_frame(cls, frame: pl.DataFrame, level: int, *, bins: Collection[int] | None = None) -> Spectrum:
        """The spectrum of one level, over the given score bins or all of them."""
        rows = frame.filter(pl.col("level") == level)
        if bins is not None:
            rows = rows.filter(pl.col("bin").is_in(list(bins)))
        threshold = int(rows["threshold"].to_numpy().min(initial=KEEP_ALL))
        return cls._of(rows.filter(pl.col("fixed") | (pl.col("type") <= threshold)), (threshold + 1) / 2**64)

    @classmethod
    def draw(cls, frame: pl.DataFrame, level: int, *, groups_of: dict[int, np.ndarray]) -> Spectrum:
        """The spectrum of chosen groups per score bin: groups_of maps a bin to its groups; other bins are left out."""
        pairs = [(b, g) for b, groups in groups_of.items() for g in groups]
        chosen = pl.DataFrame(pairs, schema={"bin": pl.UInt8, "group": pl.UInt8}, orient="row")
        return cls.from_frame(frame.join(chosen, on=["bin", "group"], how="semi"), level)

    @classmethod
    def _of(cls, rows: pl.DataFrame, rate: float) -> Spectrum:
        summed = rows.group_by("type", "group").agg(
            pl.col("count").sum(), pl.col("blocks").sum(), pl.col("fixed").first()
        )
        summed = summed.filter(pl.col("count") > 0).sort("type", "group")
        whole, cells = summed.filter(pl.col("type").is_null()), summed.filter(pl.col("type").is_not_null())
        tokens, block_totals = np.zeros(GROUPS), np.zeros(GROUPS)
        tokens[whole["group"].to_numpy()] = whole["count"].to_numpy()
        block_totals[whole["group"].to_numpy()] = whole["blocks"].to_numpy()
        types, first, index = np.unique(cells["type"].to_numpy(), return_index=True, return_inverse=True)
        return cls(
            types, cells["fixed"].to_numpy()[first], index.astype(np.int64), cells["group"].to_numpy().astype(np.int64),
            cells["count"].to_numpy().astype(np.float64), cells["blocks"].to_numpy().astype(np.float64),
            tokens, block_totals, rate,
        )  # fmt: skip

    @property
    def groups(self) -> int:
        """Jackknife groups that hold any text."""
        return int(np.count_nonzero(self.tokens))

    @property
    def weights(self) -> np.ndarray:
        """(types,) how many types each one stands for: 1 where counted whatever its hash, else 1 / rate."""
        return np.where(self.fixed, 1.0, 1.0 / self.rate)

    def thinned(self, rate: float) -> Spectrum:
        """The same spectrum sampled at a lower rate: coordinated with every other spectrum of that rate."""
        if rate >= self.rate:
            return self
        kept = self.fixed | (self.types < np.uint64(min(rate * 2**64, KEEP_ALL)))
        return replace(self._cut(kept), rate=rate)

    def _cut(self, kept: np.ndarray) -> Spectrum:
        place, cells = np.cumsum(kept) - 1, kept[self.index]
        return replace(
            self, types=self.types[kept], fixed=self.fixed[kept], index=place[self.index[cells]],
            group=self.group[cells], count=self.count[cells], blocks=self.blocks[cells],
        )  # fmt: skip

    def of_groups(self, kept: np.ndarray) -> Spectrum:
        """The text of some jackknife groups only. kept (groups,) bool; types that vanish stay, with count 0."""
        cells = kept[self.group]
        return replace(
            self, index=self.index[cells], group=self.group[cells], count=self.count[cells], blocks=self.blocks[cells],
            tokens=np.where(kept, self.tokens, 0.0), block_totals=np.where(kept, self.block_totals, 0.0),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counted:
    """A spectrum seen through one sampling unit, tokens or blocks: what the jackknife varies.

    value (entries,) per type and group; sizes (groups,) units; index, group as in the spectrum
    left_out: frequencies without each group, once they were asked for: every order and measure needs the same ones
    """

    spectrum: Spectrum
    value: np.ndarray
    sizes: np.ndarray
    incidence: bool
    left_out: list[tuple[int, Frequencies]] = field(init=False, repr=False, compare=False, default_factory=list)

    @classmethod
    def tokens(cls, spectrum: Spectrum) -> Counted:
        return spectrum.units.setdefault("tokens", cls(spectrum, spectrum.count, spectrum.tokens, False))

    @classmethod
    def blocks(cls, spectrum: Spectrum) -> Counted:
        return spectrum.units.setdefault("blocks", cls(spectrum, spectrum.blocks, spectrum.block_totals, True))

    def totals(self) -> np.ndarray:
        """(types,) count of each type over all groups."""
        return np.bincount(self.index, weights=self.value, minlength=self.spectrum.types.size)

    @property
    def index(self) -> np.ndarray:
        return self.spectrum.index

    def frequencies(self) -> Frequencies:
        return self._frequencies(self.totals(), float(self.sizes.sum()))

    def without_each_group(self) -> list[tuple[int, Frequencies]]:
        """Leaves out each group that holds text in turn: (group, frequencies of the rest)."""
        if not self.left_out:
            self.left_out.extend(self._without_each_group())
        return self.left_out

    def _without_each_group(self) -> Iterator[tuple[int, Frequencies]]:
        """Only the types of the group change their count: the histogram of the others is taken over."""
        totals, size = self.totals(), float(self.sizes.sum())
        whole = _Histogram.of(totals, self.spectrum.fixed)
        order = np.argsort(self.spectrum.group, kind="stable")
        bounds = np.searchsorted(self.spectrum.group[order], np.arange(GROUPS + 1))
        for g in np.flatnonzero(self.sizes):
            cells = order[bounds[g] : bounds[g + 1]]
            types = self.index[cells]  # a type has at most one cell per group
            rest = whole.moved(totals[types], totals[types] - self.value[cells], self.spectrum.fixed[types])
            yield int(g), self._calibrated(rest, size - self.sizes[g])

    def _frequencies(self, totals: np.ndarray, size: float) -> Frequencies:
        return self._calibrated(_Histogram.of(totals, self.spectrum.fixed), size)

    def _calibrated(self, seen: _Histogram, size: float) -> Frequencies:
        """Types per count, weighted by how many types each sampled one stands for.

        Occurrences must sum to the known total: linear calibration (Deville & Sarndal 1992, JASA 87:376, eq. 2.5),
        w (1 + lambda k). Rare types keep their weight; the sampled types that are not so rare no longer decide the
        entropy by being sampled or not.
        """
        share = 1.0 / self.spectrum.rate
        k = np.concatenate([np.arange(LISTED, dtype=float), seen.listed])
        fixed = np.concatenate([seen.fixed, seen.listed_fixed])
        free = np.concatenate([seen.free, 1.0 - seen.listed_fixed]) * share
        kept = (k > 0) & (fixed + free > 0)
        k, fixed, free = k[kept], fixed[kept], free[kept]
        plain = fixed + free
        if not self.incidence and self.spectrum.rate < 1.0:
            squares = float(np.sum(free * k**2))
            missing = size - float(np.sum(plain * k))
            plain = plain + free * k * (missing / squares) if squares > 0.0 else plain
        # Incidences sum to U, which sampled types can only estimate; occurrences sum to n, which is known.
        return Frequencies(k, plain, size, float(np.sum(k * plain)) if self.incidence else size)


@dataclass(frozen=True, slots=True)
class _Histogram:
    """How many types occur k times, listed types (counted whatever their hash) and sampled ones apart.

    fixed, free (LISTED,); listed (n,) counts of LISTED or more, type by type; listed_fixed (n,) 1.0 or 0.0
    """

    fixed: np.ndarray
    free: np.ndarray
    listed: np.ndarray
    listed_fixed: np.ndarray

    @classmethod
    def of(cls, totals: np.ndarray, fixed: np.ndarray) -> _Histogram:
        few = totals < LISTED
        counts = totals[few].astype(np.int64)
        kind = fixed[few]
        return cls(
            np.bincount(counts[kind], minlength=LISTED).astype(float),
            np.bincount(counts[~kind], minlength=LISTED).astype(float),
            totals[~few],
            fixed[~few].astype(float),
        )

    def moved(self, before: np.ndarray, after: np.ndarray, fixed: np.ndarray) -> _Histogram:
        """The histogram after some types' counts have fallen from `before` to `after`."""
        few = before < LISTED
        old, new = _Histogram.of(before[few], fixed[few]), _Histogram.of(after, fixed)
        # Long counts are few: those that moved are taken out one by one, by value.
        listed, kind = _without(self.listed, self.listed_fixed, before[~few], fixed[~few].astype(float))
        return _Histogram(
            self.fixed - old.fixed + new.fixed,
            self.free - old.free + new.free,
            np.concatenate([listed, new.listed]),
            np.concatenate([kind, new.listed_fixed]),
        )


def _without(
    values: np.ndarray, kinds: np.ndarray, gone: np.ndarray, gone_kinds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two parallel arrays without one occurrence of each (value, kind) in `gone`."""
    order, leaving = np.lexsort((kinds, values)), np.lexsort((gone_kinds, gone))
    kept, i = np.ones(len(values), bool), 0
    for j in leaving:
        while (values[order[i]], kinds[order[i]]) != (gone[j], gone_kinds[j]):
            i += 1
        kept[order[i]] = False
        i += 1
    return values[kept], kinds[kept]
