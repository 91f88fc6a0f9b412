"""Placebo: documents from before machine text existed, estimated as if they were new, must come out as human."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from auditor.estimate.fraction.anchors import Anchors, AnchorSet, Trust
from auditor.estimate.fraction.atoms import Atoms
from auditor.estimate.fraction.counts import GROUPS, ScoreCounts
from auditor.estimate.fraction.prevalence import estimate_prevalence
from auditor.estimate.fraction.scopes import PrevalenceOptions
from auditor.records import Estimate, Finding, Severity
from auditor.run_columns import HUMAN_BEFORE

FEWEST = 100
MOST_SLICES = 6
PLACEBO_DRAWS = 80


@dataclass(frozen=True, slots=True, eq=False)
class Placebo:
    """One estimate for each dated slice; a lower bound above 0 is a failure and a finding."""

    slices: tuple[str, ...]
    estimates: tuple[Estimate, ...]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every slice came out as human text."""
        return not self.findings


def run_placebo(
    atoms: Mapping[str, Atoms],
    years: Sequence[str],
    anchors: Anchors,
    rng: np.random.Generator,
    *,
    options: PrevalenceOptions = PrevalenceOptions(),
) -> Placebo:
    """Estimate every slice (years) of documents from before HUMAN_BEFORE with the other slices as human anchors.

    Cross-fitted by year and by host: half of the resampling groups of one slice is the target, the other half of the
    groups of all other slices the anchors, so that neither a year nor a host is ever among its own anchors. Slices
    with fewer than FEWEST documents go with their neighbour; with one slice left nothing can be tested.

    Parameters: atoms, by language, their `scope` a position in `years`
    """
    slices = _slices(years, _sizes(atoms, len(years)))
    if len(slices) < 2:
        reason = f"needs two dated slices of {FEWEST} documents from before {HUMAN_BEFORE}"
        return Placebo(tuple(slices), tuple(Estimate.not_measured(reason) for _ in slices), ())
    quick = replace(options, draws=PLACEBO_DRAWS, warm_up=PLACEBO_DRAWS)
    estimates, findings = [], []
    for i, (label, inside) in enumerate(slices.items()):
        halves = np.arange(GROUPS) % 2 == i % 2
        target = {language: _target(own, inside, halves) for language, own in atoms.items()}
        human = AnchorSet(f"placebo without {label}", Trust.DATED, _others(atoms, inside, ~halves))
        found = estimate_prevalence(
            target, [label], Anchors((human,), anchors.machine, anchors.calibration), rng, options=quick
        )
        estimate = found.shards.documents[0]
        estimates.append(estimate)
        if (estimate.lower or 0) > 0:
            message = f"documents of {label} come out as {estimate.value:.1%} machine-written, though none can be"
            advice = "the human anchors differ from the corpus: give matched ones, or distrust differences of this size"
            findings.append(
                Finding("placebo_failed", Severity.WARNING, "year", label, message, advice, estimate=estimate)
            )
    return Placebo(tuple(slices), tuple(estimates), tuple(findings))


def _sizes(atoms: Mapping[str, Atoms], years: int) -> np.ndarray:
    out = np.zeros(years)
    for own in atoms.values():
        out += np.bincount(own.scope, own.counts.sizes, minlength=years)
    return out


def _slices(years: Sequence[str], sizes: np.ndarray) -> dict[str, list[int]]:
    """Neighbouring years joined until each slice has FEWEST documents and there are at most MOST_SLICES."""
    wanted = max(FEWEST, sizes.sum() / MOST_SLICES)
    out: dict[str, list[int]] = {}
    rows: list[int] = []
    for i in np.argsort(list(years)):
        rows.append(int(i))
        if sizes[rows].sum() >= wanted:
            out[_label(years, rows)], rows = rows, []
    if rows and sizes[rows].sum() >= FEWEST:
        out[_label(years, rows)] = rows
    return out


def _label(years: Sequence[str], rows: list[int]) -> str:
    return years[rows[0]] if len(rows) == 1 else f"{years[rows[0]]}-{years[rows[-1]]}"


def _target(atoms: Atoms, years: list[int], groups: np.ndarray) -> Atoms:
    """The atoms of some years, of some resampling groups (GROUPS,) bool, as one scope."""
    own = atoms.take(np.flatnonzero(np.isin(atoms.scope, years)))
    counts = _only(own.counts, groups)
    return replace(own, counts=counts, scope=np.zeros(len(own), np.int64))


def _others(atoms: Mapping[str, Atoms], years: list[int], groups: np.ndarray) -> ScoreCounts:
    """Documents of all other years by kind of text."""
    out = ScoreCounts.empty([])
    for own in atoms.values():
        rest = own.take(np.flatnonzero(~np.isin(own.scope, years)))
        counts = _only(rest.counts, groups)
        for place, name in enumerate(rest.groups):
            inside = np.flatnonzero(rest.group == place)
            if len(inside):
                out = out + counts.take(inside).pooled(name)
    return out


def _only(counts: ScoreCounts, groups: np.ndarray) -> ScoreCounts:
    """Counts of some resampling groups (GROUPS,) bool."""
    documents, tokens = np.zeros_like(counts.documents), np.zeros_like(counts.tokens)
    documents[:, groups], tokens[:, groups] = counts.documents[:, groups], counts.tokens[:, groups]
    return ScoreCounts(counts.scopes, documents, tokens, counts.unscored)
