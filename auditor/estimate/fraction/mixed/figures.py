"""The assisted and the touched share of every scope, with the status that they deserve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from auditor.estimate.fraction.atoms import Atoms
from auditor.estimate.fraction.mixed.library import LANGUAGE, Library
from auditor.estimate.fraction.mixed.three_way import DRAWS, ThreeWay, three_way
from auditor.estimate.fraction.mixed.worlds import Worlds, draw_worlds
from auditor.estimate.fraction.scopes import ScopePrevalence
from auditor.estimate.fraction.shifted_mixture import Posterior
from auditor.records import LEVEL, Estimate, Status
from auditor.statistics.intervals import shortest_interval

METHOD = "three_way_worlds"
LEAST_ENGLISH = 0.9  # share of a scope's documents in the language that edited text was measured in
FEWEST = 100  # documents below which a scope has no split
WIDEST, WIDEST_SPLIT = 0.35, 0.2  # intervals that are wider are inconclusive
MOST_TOUCHED = 0.9  # upper end, beyond which a corpus without human text cannot be told from one with other human text
NO_LIBRARY = "the calibration knows no edited text"
TOO_WIDE = f"the interval is wider than {100 * WIDEST:.0f} points"
NO_SPLIT = (
    "the scores do not tell assisted text from a mixture of human and machine-written text here: "
    "only what both may be together is known"
)
FEW = f"fewer than {FEWEST} documents"
NO_HUMAN = "hardly any text here scores like human text: it cannot be told from human text of an unknown kind"


@dataclass(frozen=True, slots=True)
class Region:
    """What the scores of a scope allow: ends of the shares, and corners (assisted, machine) of the joint region."""

    assisted: tuple[float, float]
    machine: tuple[float, float]
    touched: tuple[float, float]
    corners: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ScopeMixed:
    """Of several scopes: assisted and touched shares, joint regions, and draws (draws, scopes), NaN where not measured.

    A scope without a region was not split.
    """

    scopes: tuple[str, ...]
    mixed: tuple[Estimate, ...]
    touched: tuple[Estimate, ...]
    regions: tuple[Region | None, ...]
    mixed_draws: np.ndarray
    touched_draws: np.ndarray


@dataclass(frozen=True, eq=False)
class Splitter:
    """Splits scopes into human, assisted and machine-written text; one table of worlds serves every scope."""

    library: Library | None
    level: float = LEVEL

    @cached_property
    def worlds(self) -> Worlds:
        """Drawn when a scope needs them."""
        assert self.library is not None
        return draw_worlds(self.library)

    def split(
        self,
        found: ScopePrevalence,
        atoms: Mapping[str, Atoms],
        posteriors: Mapping[str, Posterior],
        rng: np.random.Generator,
        *,
        listed: int | None = None,
    ) -> ScopeMixed:
        """The split of every scope of the two-component estimate.

        Parameters: atoms, posteriors: by language; the atoms are of the same scopes, or of parts of the only one;
            listed, how many shards there are where the scope is a corpus of which a sample was read
        """
        sizes = found.histogram.sum(1)
        share = _language_share(atoms, len(found.scopes))
        reasons = [self._obstacle(found.documents[i], sizes[i], share[i]) for i in range(len(sizes))]
        rows = [i for i, reason in enumerate(reasons) if reason is None]
        splits: dict[int, ThreeWay] = {}
        if rows:
            effect = np.full(len(rows), posteriors[LANGUAGE].design_effect)
            made = three_way(self.worlds, found.histogram[rows], effect, found.uncovered[rows], rng)
            splits = dict(zip(rows, made, strict=True))
        draws = np.full((2, DRAWS if splits else 0, len(sizes)), np.nan)
        mixed: list[Estimate] = []
        touched: list[Estimate] = []
        regions: list[Region | None] = []
        for i, reason in enumerate(reasons):
            if reason is not None:
                absent = Estimate.not_measured(reason, method=METHOD, n=int(sizes[i]), level=self.level)
                mixed.append(absent)
                touched.append(absent)
                regions.append(None)
                continue
            part, whole, own = self._figures(splits[i], found.documents[i], int(sizes[i]), listed)
            mixed.append(part)
            touched.append(whole)
            regions.append(self._region(own, part, whole))
            draws[:, :, i] = own.assisted, own.touched
        return ScopeMixed(found.scopes, tuple(mixed), tuple(touched), tuple(regions), draws[0], draws[1])

    def _obstacle(self, synthetic: Estimate, size: float, share: float) -> str | None:
        """Why a scope is not split at all."""
        if not synthetic.is_number:
            return synthetic.reason or "not measured"
        if self.library is None:
            return NO_LIBRARY
        if share < LEAST_ENGLISH:
            return f"edited text was measured in English alone; {100 * share:.0f}% of these documents are English"
        return FEW if size < FEWEST else None

    def _figures(
        self, own: ThreeWay, synthetic: Estimate, size: int, listed: int | None
    ) -> tuple[Estimate, Estimate, ThreeWay]:
        """The assisted and the touched share, and the posterior moved to hold the machine-written share."""
        alone = self._estimate(own.touched, size)
        whole = at_least(alone, synthetic)
        own = own.moved(_numbers(alone), _numbers(whole))
        part = _fitting(self._estimate(own.assisted, size), whole, synthetic)
        doubt = f"of the shards read, of {listed:,}: the others may differ" if listed else _doubt(alone, synthetic)
        return *_judged(part, whole, doubt), own

    def _estimate(self, draws: np.ndarray, size: int) -> Estimate:
        lower, upper = shortest_interval(draws, level=self.level)
        value = float(np.clip(np.median(draws), lower, upper))
        return Estimate(value, lower, upper, self.level, METHOD, size)

    def _region(self, own: ThreeWay, part: Estimate, whole: Estimate) -> Region:
        machine = shortest_interval(own.machine, level=self.level)
        (least, _, most), (lower, _, upper) = _numbers(part), _numbers(whole)
        return Region((least, most), machine, (lower, upper), tuple(own.region()))


def at_least(touched: Estimate, part: Estimate) -> Estimate:
    """The touched share holds what is known of a part of it: neither an end nor the value lies below the part's.

    The two-component fit sees the shards and kinds of text side by side and is sharper from below. Where it knows less,
    of kinds that no reference covers, the worlds know no more.
    """
    if not (touched.is_number and part.is_number):
        return touched
    lower, value, upper = np.maximum(_numbers(touched), _numbers(part)).tolist()
    return replace(touched, lower=lower, value=value, upper=upper)


def _fitting(assisted: Estimate, touched: Estimate, synthetic: Estimate) -> Estimate:
    """The assisted share inside the touched one; with the machine-written share it is at least the touched one.

    It may be more than the difference: the two-component fit counts a part of edited text as machine-written.
    """
    (lower, value, upper), (least, both, most) = _numbers(assisted), _numbers(touched)
    value = min(max(value, both - _numbers(synthetic)[1]), both)
    return replace(assisted, lower=min(lower, least, value), value=value, upper=max(min(upper, most), value))


def _judged(part: Estimate, whole: Estimate, doubt: str | None) -> tuple[Estimate, Estimate]:
    """The assisted and the touched share with the status that they deserve."""
    if doubt:
        return part.but(Status.INCONCLUSIVE, doubt), whole.but(Status.INCONCLUSIVE, doubt)
    if _width(whole) > WIDEST:
        whole = whole.but(Status.INCONCLUSIVE, TOO_WIDE)
    if _width(part) > WIDEST_SPLIT or whole.status != Status.MEASURED:
        part = part.but(Status.INCONCLUSIVE, NO_SPLIT)
    return part, whole


def _numbers(estimate: Estimate) -> tuple[float, float, float]:
    assert estimate.lower is not None and estimate.value is not None and estimate.upper is not None
    return estimate.lower, estimate.value, estimate.upper


def _doubt(touched: Estimate, synthetic: Estimate) -> str | None:
    """Why neither share can be believed, None where both may be.

    Parameters: touched, as the worlds alone have it
    """
    # The sum may be known where its parts are not, so a wide interval of one part alone is no reason.
    if synthetic.status == Status.INCONCLUSIVE and synthetic.reason != TOO_WIDE:
        return synthetic.reason
    low, high = float(synthetic.lower or 0.0), float(touched.upper or 0.0)
    if high > MOST_TOUCHED:
        return NO_HUMAN
    return "the machine-written share alone is estimated to be larger" if low > high else None


def _width(estimate: Estimate) -> float:
    return float(estimate.upper or 0.0) - float(estimate.lower or 0.0)


def _language_share(atoms: Mapping[str, Atoms], scopes: int) -> np.ndarray:
    """(scopes,) share of the scored documents that are in LANGUAGE; one scope holds all atoms."""
    total, own = np.zeros(scopes), np.zeros(scopes)
    for language, part in atoms.items():
        place = part.scope if scopes > 1 else np.zeros(len(part), np.int64)
        sizes = np.bincount(place, part.counts.sizes, minlength=scopes)
        total += sizes
        own += sizes * (language == LANGUAGE)
    return own / np.maximum(total, 1)
