"""Frequency spectra: how often each sampled type occurs, per jackknife group; what every diversity measure reads.

The frame of a spectrum is long, so that merging is GROUP BY and SUM (run_columns.TYPES): one row per type, score
bin and jackknife group; a null type is the exact total over all types, sampled or not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

import numpy as np
import polars as pl

from auditor.estimate.diversity.equations import Frequencies
from auditor.estimate.diversity.spectrum_kernels import LISTED, chosen_cells, moved_types, weighted_types
from auditor.run_columns import GROUPS, KEEP_ALL, NO_SCORE, TYPES, WORD

T = TypeVar("T")


class Memo:
    """What was derived from an object, computed once: all orders and comparisons need the same."""

    def __init__(self) -> None:
        self._found: dict[Hashable, object] = {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result under a key, made when first asked for; a key always stands for the same `make`."""
        if key not in self._found:
            self._found[key] = make()
        return cast(T, self._found[key])


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
    memo: Memo = field(init=False, repr=False, compare=False, default_factory=Memo)

    @classmethod
    def from_frame(cls, frame: pl.DataFrame, level: int, *, bins: Collection[int] | None = None) -> Spectrum:
        """The spectrum of one level, over the given score bins or all of them."""
        every = np.arange(GROUPS)
        return Cells.of(frame, level).spectrum(None if bins is None else dict.fromkeys(bins, every))

    @property
    def groups(self) -> int:
        """Jackknife groups that hold any text."""
        return int(np.count_nonzero(self.tokens))

    @property
    def weights(self) -> np.ndarray:
        """(types,) how many types each one represents: 1 where counted whatever its hash, else 1 / rate."""
        return np.where(self.fixed, 1.0, 1.0 / self.rate)

    def thinned(self, rate: float) -> Spectrum:
        """The same spectrum sampled at a lower rate: coordinated with every other spectrum of that rate."""
        if rate >= self.rate:
            return self
        return self.memo.once(("rate", rate), lambda: replace(self.only(self._below(rate)), rate=rate))

    def _below(self, rate: float) -> np.ndarray:
        return self.fixed | (self.types < np.uint64(min(rate * 2**64, KEEP_ALL)))

    def only(self, chosen: np.ndarray) -> Spectrum:
        """Some types only. chosen (types,) bool; the totals stay those of all types."""
        place, cells = np.cumsum(chosen) - 1, chosen[self.index]
        return replace(
            self,
            types=self.types[chosen],
            fixed=self.fixed[chosen],
            index=place[self.index[cells]],
            group=self.group[cells],
            count=self.count[cells],
            blocks=self.blocks[cells],
        )

    def of_groups(self, chosen: np.ndarray) -> Spectrum:
        """The text of some jackknife groups only. chosen (groups,) bool; types that vanish stay, with count 0."""
        cells = chosen[self.group]
        return replace(
            self,
            index=self.index[cells],
            group=self.group[cells],
            count=self.count[cells],
            blocks=self.blocks[cells],
            tokens=np.where(chosen, self.tokens, 0.0),
            block_totals=np.where(chosen, self.block_totals, 0.0),
        )


@dataclass(frozen=True, slots=True)
class Cells:
    """One level of a frame by score bin: any choice of bins and groups is a spectrum, without sorting again.

    types, fixed (types,); index, group, bin, count, blocks (cells,), those of one type and group side by side
    tokens, block_totals (256 bins, groups); rate, as in a spectrum
    """

    types: np.ndarray
    fixed: np.ndarray
    index: np.ndarray
    group: np.ndarray
    bin: np.ndarray
    count: np.ndarray
    blocks: np.ndarray
    tokens: np.ndarray
    block_totals: np.ndarray
    rate: float

    @classmethod
    def of(cls, frame: pl.DataFrame, level: int) -> Cells:
        """The cells of one level of a frame, in order of type and group."""
        rows = frame.filter(pl.col("level") == level)
        threshold = int(rows["threshold"].to_numpy().min(initial=KEEP_ALL))
        whole, rows = rows.filter(pl.col("type").is_null()), rows.filter(pl.col("type").is_not_null())
        kind, group, bin, fixed = (rows[name].to_numpy() for name in ("type", "group", "bin", "fixed"))
        kept = fixed | (kind <= np.uint64(threshold))
        order = np.flatnonzero(kept)[np.lexsort((group[kept], kind[kept]))]
        kind = kind[order]
        first = np.flatnonzero(np.r_[True, kind[1:] != kind[:-1]][: kind.size])
        index = np.repeat(np.arange(first.size), np.diff(np.r_[first, kind.size]))
        count, blocks = (rows[name].to_numpy()[order].astype(float) for name in ("count", "blocks"))
        tokens, block_totals = np.zeros((2, NO_SCORE + 1, GROUPS))
        at = whole["bin"].to_numpy(), whole["group"].to_numpy()
        np.add.at(tokens, at, whole["count"].to_numpy().astype(float))
        np.add.at(block_totals, at, whole["blocks"].to_numpy().astype(float))
        return cls(
            kind[first],
            fixed[order][first],
            index,
            group[order].astype(np.int64),
            bin[order],
            count,
            blocks,
            tokens,
            block_totals,
            (threshold + 1) / 2**64,
        )

    def spectrum(self, groups_of: dict[int, np.ndarray] | None = None) -> Spectrum:
        """The spectrum of chosen groups per score bin: groups_of maps a bin to its groups; None selects everything."""
        chosen = np.full(self.tokens.shape, groups_of is None)
        for bin, groups in (groups_of or {}).items():
            chosen[bin, groups] = True
        held, (index, group, count, blocks) = chosen_cells(
            self.index, self.group, self.bin, self.count, self.blocks, chosen
        )
        return Spectrum(
            self.types[held],
            self.fixed[held],
            index,
            group,
            count,
            blocks,
            (self.tokens * chosen).sum(0),
            (self.block_totals * chosen).sum(0),
            self.rate,
        )


class Body:
    """One body of text: its spectra at every level, made from the frame when first asked for."""

    def __init__(self, frame: pl.DataFrame, cells: dict[int, Cells] | None = None) -> None:
        self.frame = frame
        self._cells = cells or {}
        self._whole: dict[int, Spectrum] = {}

    def __reduce__(self) -> tuple[object, ...]:
        """What it was made of goes to another process, not what was derived from it."""
        return Body, (self.frame, None if self.frame.height else self._cells)

    @classmethod
    def of(cls, text: pl.DataFrame | Body) -> Body:
        """The body itself, or one made of a frame."""
        return text if isinstance(text, Body) else cls(text)

    @classmethod
    def of_cells(cls, cells: dict[int, Cells]) -> Body:
        """A body counted elsewhere: the cells of every level."""
        return cls(pl.DataFrame(schema=TYPES), cells)

    @property
    def tokens(self) -> int:
        """Word tokens."""
        return int(self.whole(WORD).tokens.sum())

    def whole(self, level: int) -> Spectrum:
        """The spectrum of a level over all score bins."""
        if level not in self._whole:
            self._whole[level] = self.cells(level).spectrum()
        return self._whole[level]

    def cells(self, level: int) -> Cells:
        """The counts of a level by score bin."""
        if level not in self._cells:
            self._cells[level] = Cells.of(self.frame, level)
        return self._cells[level]


@dataclass(frozen=True, slots=True)
class Counted:
    """A spectrum seen through one sampling unit, tokens or blocks: what the jackknife varies.

    value (entries,) per type and group; sizes (groups,) units; index, group as in the spectrum
    """

    spectrum: Spectrum
    value: np.ndarray
    sizes: np.ndarray
    incidence: bool
    memo: Memo = field(init=False, repr=False, compare=False, default_factory=Memo)

    @classmethod
    def tokens(cls, spectrum: Spectrum) -> Counted:
        """The spectrum with tokens as sampling units."""
        return spectrum.memo.once("tokens", lambda: cls(spectrum, spectrum.count, spectrum.tokens, False))

    @classmethod
    def blocks(cls, spectrum: Spectrum) -> Counted:
        """The spectrum with blocks of words as sampling units."""
        return spectrum.memo.once("blocks", lambda: cls(spectrum, spectrum.blocks, spectrum.block_totals, True))

    def totals(self) -> np.ndarray:
        """(types,) count of each type over all groups."""
        return np.bincount(self.index, weights=self.value, minlength=self.spectrum.types.size)

    @property
    def index(self) -> np.ndarray:
        """The place of each row's type among the types."""
        return self.spectrum.index

    def frequencies(self) -> Frequencies:
        """How many types occur how often, over all groups; computed once."""
        return self.memo.once("frequencies", self._frequencies)

    def _frequencies(self) -> Frequencies:
        totals, fixed = self.totals(), self.spectrum.fixed
        few = totals < LISTED  # most by far: the others need no histogram
        small, listed = totals[few].astype(np.int64), totals[~few]
        always = np.bincount(small, fixed[few], LISTED)
        sampled = np.bincount(small, minlength=LISTED) - always
        k, at = np.unique(listed, return_inverse=True)
        always = np.concatenate([always, np.bincount(at, fixed[~few], k.size)])
        sampled = np.concatenate([sampled, np.bincount(at, ~fixed[~few], k.size)])
        k = np.concatenate([np.arange(LISTED), k])
        return self._calibrated(k.astype(float), always, sampled.astype(float), float(self.sizes.sum()))

    def without_each_group(self) -> list[tuple[int, Frequencies]]:
        """Leaves out each group that holds text in turn: (group, frequencies of the rest)."""
        return self.memo.once("without_each_group", lambda: list(self._without_each_group()))

    def _without_each_group(self) -> Iterator[tuple[int, Frequencies]]:
        """A group moves its own types in the histogram of the whole: all groups at once, by their cells."""
        totals, fixed, group = self.totals(), self.spectrum.fixed, self.spectrum.group
        few = totals < LISTED
        k, (free_rests, fixed_rests) = moved_types(self.index, group, self.value, totals, fixed)
        many = np.flatnonzero(~few)
        left = np.repeat(totals[many, None], GROUPS, 1)
        long = np.flatnonzero(~few[self.index])
        left[np.searchsorted(many, self.index[long]), group[long]] -= self.value[long]
        listed = np.broadcast_to(fixed[many].astype(float), (GROUPS, many.size))
        counts = np.hstack([np.broadcast_to(k, (GROUPS, k.size)), left.T])
        always, sampled = np.hstack([fixed_rests, listed]), np.hstack([free_rests, 1.0 - listed])
        rests = float(self.sizes.sum()) - self.sizes
        for g in np.flatnonzero(self.sizes):
            yield int(g), self._calibrated(counts[g], always[g], sampled[g], float(rests[g]))

    def _calibrated(self, k: np.ndarray, fixed: np.ndarray, free: np.ndarray, size: float) -> Frequencies:
        """Types per count, weighted by how many types each sampled one represents.

        Occurrences must sum to the known total: linear calibration (Deville & Sarndal 1992, JASA 87:376, eq. 2.5),
        w (1 + lambda k). Rare types keep their weight; the sampled types that are not so rare no longer decide the
        entropy by being sampled or not.
        """
        rate = self.spectrum.rate
        known = math.nan if self.incidence or rate >= 1.0 else size
        held, plain, total = weighted_types(k, fixed, free, rate, known)
        # Incidences sum to U, which sampled types can only estimate; occurrences sum to n, which is known.
        return Frequencies(held, plain, size, total if self.incidence else size)
