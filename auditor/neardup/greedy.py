"""Assign members to representatives that they really resemble: a greedy pass in order of stable id, bucket by
bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from auditor.neardup.spill import Slice
from auditor.text.jit import kernel

ROUNDS = 8  # stars that one bucket may grow; also passes in which exact Jaccards may overturn what was assumed
DOUBT = 2.0  # standard deviations around the threshold within which an estimate does not decide


class Lsh(Protocol):
    """What clustering knows of the bands (`auditor.sketch.bands.LshParameters` is one)."""

    @property
    def threshold(self) -> float:
        """The Jaccard similarity from which on two documents are near-duplicates."""

    @property
    def deviation(self) -> float:
        """Standard deviation of an estimated Jaccard at the threshold."""

    @property
    def permutations(self) -> int:
        """Values of a signature."""

    @property
    def bands(self) -> int:
        """Bands that a signature is cut into."""

    @property
    def rows(self) -> int:
        """Values of a band."""

    def hashes(self, signatures: np.ndarray) -> np.ndarray:
        """Hashes (n, bands) of the bands of signatures (n, permutations)."""


class Rule(NamedTuple):
    """What an estimate decides: under low it refuses, at or over high it accepts, in between the shingles decide.

    assume: what holds of a pair in doubt whose exact Jaccard is not known (False only after the last round).
    """

    threshold: float
    low: float
    high: float
    assume: bool = True

    @classmethod
    def of(cls, lsh: Lsh, *, exact: bool) -> Rule:
        """The rule at a threshold; exact: estimates near it are left to the shingles."""
        spread = DOUBT * lsh.deviation if exact else 0.0
        return cls(lsh.threshold, lsh.threshold - spread, lsh.threshold + spread)


@dataclass(frozen=True, slots=True, eq=False)
class KnownJaccards:
    """Exact Jaccards found so far, by member: of member i the rows starts[i] to starts[i+1]; nan: not measurable."""

    starts: np.ndarray
    representatives: np.ndarray
    jaccards: np.ndarray

    @classmethod
    def nothing(cls, size: int) -> KnownJaccards:
        """No pair of `size` members is known."""
        return cls(np.zeros(size + 1, np.int64), np.empty(0, np.int64), np.empty(0))

    def with_pairs(self, members: np.ndarray, representatives: np.ndarray, jaccards: np.ndarray) -> KnownJaccards:
        """These and more pairs: members, representatives (p,) positions, jaccards (p,)."""
        size = len(self.starts) - 1
        every = np.concatenate([np.repeat(np.arange(size), np.diff(self.starts)), members])
        order = np.argsort(every, kind="stable")
        starts = np.searchsorted(every[order], np.arange(size + 1)).astype(np.int64)
        pair = np.concatenate([self.representatives, representatives])[order]
        return KnownJaccards(starts, pair, np.concatenate([self.jaccards, jaccards])[order])


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Of m documents in a slice: representative (m,) position in the slice (its own: it stands alone or represents).

    jaccard (m,) to it; estimated (m,) bool: by signature; doubtful (m,) bool: in doubt, needs its exact value;
    left (m,) bool: alone because every bucket of it had its eight stars, or because the rounds were over;
    compared, rejected: pairs per component (c,)
    """

    representative: np.ndarray
    jaccard: np.ndarray
    estimated: np.ndarray
    doubtful: np.ndarray
    left: np.ndarray
    compared: np.ndarray
    rejected: np.ndarray


def buckets(signatures: np.ndarray, lsh: Lsh) -> np.ndarray:
    """The number of each document's bucket in each band, -1 where it is there alone: (m, bands) int32."""
    hashes = lsh.hashes(signatures)
    out = np.full(hashes.shape, -1, np.int32)
    used = 0
    for band in range(hashes.shape[1]):
        order = np.argsort(hashes[:, band])
        ordered = hashes[order, band]
        first = np.ones(len(order) + 1, bool)
        first[1:-1] = ordered[1:] != ordered[:-1]
        shared = ~(first[:-1] & first[1:])
        number = np.cumsum(first[:-1] & shared) - 1 + used
        out[order[shared], band] = number[shared]
        used = int(number[-1]) + 1 if len(number) else used
    return out


def empty_assignment(part: Slice) -> Assignment:
    """Every document alone."""
    m, c = len(part.documents), len(part.starts) - 1
    estimated, doubtful, left = np.zeros((3, m), bool)
    compared, rejected = np.zeros((2, c), np.int64)
    return Assignment(np.arange(m), np.ones(m), estimated, doubtful, left, compared, rejected)


def assign(
    part: Slice,
    numbers: np.ndarray,
    rule: Rule,
    known: KnownJaccards,
    out: Assignment,
    *,
    chosen: np.ndarray | None = None,
) -> None:
    """Give each document of the chosen components (all) the representative it resembles most, else make it one.

    In order of stable id a document is compared with the representatives of its buckets (at most eight a bucket; the
    representative of every document already there), the highest estimate first, the smaller id on ties. Where the
    rule asks for an exact Jaccard that is not known yet, the pair is taken for now and marked doubtful. So the result
    depends on ids, signatures and shingles alone, and each member resembles its representative directly.
    """
    chosen = np.arange(len(part.starts) - 1) if chosen is None else chosen
    slots = np.zeros(int(numbers.max(initial=-1)) + 2, np.int64)
    np.cumsum(np.minimum(np.bincount(numbers[numbers >= 0], minlength=len(slots) - 1), ROUNDS), out=slots[1:])
    stars = np.empty(slots[-1], np.int64)
    filled = np.zeros(len(slots) - 1, np.int64)
    flags = (out.estimated, out.doubtful, out.left)
    facts = (known.starts, known.representatives, known.jaccards)
    counts = (out.compared, out.rejected)
    _assign(
        part.signatures,
        part.starts,
        chosen,
        numbers,
        slots,
        stars,
        filled,
        rule,
        facts,
        out.representative,
        out.jaccard,
        flags,
        counts,
    )


@kernel
def _estimate(signatures, i, j):
    """signatures (m, k) uint32 -> share of equal values in rows i and j."""
    same = 0
    for k in range(signatures.shape[1]):
        same += signatures[i, k] == signatures[j, k]
    return same / signatures.shape[1]


@kernel
def _verdict(v, r, estimate, rule, facts):
    """(accepted, Jaccard, estimated, doubtful) of member v and representative r; facts: the arrays of KnownJaccards."""
    starts, representatives, jaccards = facts
    if estimate >= rule.high or estimate < rule.low:
        return estimate >= rule.high, estimate, True, False
    for row in range(starts[v], starts[v + 1]):
        if representatives[row] == r:
            exact = jaccards[row]
            if np.isnan(exact):  # a text that cannot be read again: its signature decides
                return estimate >= rule.threshold, estimate, True, False
            return exact >= rule.threshold, exact, False, False
    return rule.assume, estimate, True, True


@kernel
def _enter(numbers, v, r, slots, stars, filled):
    """Make r a star of v's buckets where there is room or it is one already; False where none had room."""
    entered = False
    for band in range(numbers.shape[1]):
        bucket = numbers[v, band]
        if bucket < 0:
            continue
        first, last = slots[bucket], slots[bucket] + filled[bucket]
        there = False
        for slot in range(first, last):
            there |= stars[slot] == r
        if not there and last < slots[bucket + 1]:
            stars[last] = r
            filled[bucket] += 1
            there = True
        entered |= there
    return entered


@kernel
def _assign(
    signatures, starts, chosen, numbers, slots, stars, filled, rule, facts, representative, jaccard, flags, counts
):
    """signatures (m, k), starts (c+1,), chosen (x,) components, numbers (m, bands) int32, slots (b+1,), stars (s,),
    filled (b,) zeros -> representative jaccard (m,), flags three (m,) bool, counts two (c,) int64."""
    estimated, doubtful, left = flags
    compared, rejected = counts
    stamp = np.full(signatures.shape[0], -1, np.int64)
    candidates = np.empty(ROUNDS * numbers.shape[1], np.int64)
    scores = np.empty(ROUNDS * numbers.shape[1], np.float64)
    for component in chosen:
        compared[component] = rejected[component] = 0
        for v in range(starts[component], starts[component + 1]):
            found = 0
            for band in range(numbers.shape[1]):
                bucket = numbers[v, band]
                if bucket < 0:
                    continue
                for slot in range(slots[bucket], slots[bucket] + filled[bucket]):
                    r = stars[slot]
                    if stamp[r] != v:
                        stamp[r] = v
                        candidates[found], scores[found] = r, _estimate(signatures, v, r)
                        found += 1
            compared[component] += found
            representative[v], jaccard[v], undecided = v, 1.0, False
            estimated[v] = doubtful[v] = left[v] = False
            for _ in range(found):
                best = 0
                for i in range(1, found):
                    if scores[i] > scores[best] or (scores[i] == scores[best] and candidates[i] < candidates[best]):
                        best = i
                verdict = _verdict(v, candidates[best], scores[best], rule, facts)
                if verdict[0]:
                    representative[v], jaccard[v] = candidates[best], verdict[1]
                    estimated[v], doubtful[v] = verdict[2], verdict[3]
                    break
                rejected[component] += 1
                undecided |= verdict[3]
                scores[best] = -1.0
            entered = _enter(numbers, v, representative[v], slots, stars, filled)
            left[v] = representative[v] == v and (undecided or not entered)
