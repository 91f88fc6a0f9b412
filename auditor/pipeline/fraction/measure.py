"""The synthetic fraction of every scope: anchors gathered, one posterior a language, every scope from its atoms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from auditor import streams
from auditor.config import Config
from auditor.detectors.evaluation import accuracy
from auditor.estimate.fraction.anchors import Anchors
from auditor.estimate.fraction.atoms import Atoms, Cut
from auditor.estimate.fraction.bundled import Calibration
from auditor.estimate.fraction.checks.placebo import Placebo, run_placebo
from auditor.estimate.fraction.kind_units import KindUnits, kind_units
from auditor.estimate.fraction.mixed.figures import ScopeMixed, Splitter
from auditor.estimate.fraction.prevalence import Prevalence, PrevalenceOptions, estimate_prevalence, heeded
from auditor.estimate.fraction.review import estimate_from_labels
from auditor.estimate.fraction.scopes import ScopePrevalence
from auditor.estimate.fraction.unread_shards import over_unread
from auditor.pipeline.documents.score_counts import SCORE_BIN, anchor_statistics, count_atoms, kinds_of, open_scored
from auditor.pipeline.documents.view import SCOPES, large_scopes
from auditor.pipeline.fraction.anchors import (
    DATED,
    anchor_set,
    count_overlaps,
    dated_reason,
    known_human,
    known_machine,
    younger_than_detectors,
)
from auditor.pipeline.fraction.coverage import Coverage, coverage_findings, measure_coverage
from auditor.records import Estimate, Finding, Status
from auditor.store.database import query

# Smaller scopes are in the shards' figures; each estimated scope costs memory and a reader's time.
LEAST_DOCUMENTS = {
    "language": 1,
    "kind": 50,
    "source": 1,
    "topic": 20,
    "category": 1,
    "host": 100,
    "year": 1,
    "length": 1,
}
MOST_SCOPES = {
    "language": 50,
    "kind": 100,
    "source": 100,
    "topic": 100,
    "category": 100,
    "host": 50,
    "year": 100,
    "length": 10,
}


@dataclass(frozen=True, slots=True, eq=False)
class Synthetic:
    """Everything known about the synthetic fraction: by shard, by stratum, and what it rests on."""

    prevalence: Prevalence
    strata: Mapping[str, ScopePrevalence]
    atoms: Mapping[str, Atoms]
    anchors: Anchors
    units: KindUnits
    coverage: Coverage
    dropped: dict[str, int]
    dated_reason: str | None
    placebo: Placebo | None
    younger: Finding | None = None
    from_labels: dict[str, Estimate] = field(default_factory=dict)
    mixed: Mapping[str, ScopeMixed] = field(default_factory=dict)  # by kind of scope, "corpus" and "shard" among them

    @property
    def findings(self) -> list[Finding]:
        """What the estimators noticed: anchors that disagree, dated text that does not come out as human."""
        shards = self.prevalence.shards
        lacking = coverage_findings(self.coverage, shards.scopes, shards.documents)
        younger = [self.younger] if self.younger else []
        return [*self.prevalence.findings, *lacking, *younger, *(self.placebo.findings if self.placebo else ())]


def measure_synthetic(
    connection: Any,
    config: Config,
    shards: Sequence[str],
    calibration: Calibration,
    labels: pl.DataFrame | None = None,
    *,
    listed: int | None = None,
    today: date | None = None,
    splitter: Splitter = Splitter(None),
) -> Synthetic:
    """Estimate the fraction of the corpus, of each shard and of every large enough stratum.

    Parameters: shards, their names in order; calibration, the one that ships with the detectors; listed, how many
        shards the corpus has where only these were read; today, after which no document can have been written;
        splitter, tells assisted from machine-written text
    """
    rng = streams.rng(config.seed, "synthetic fraction")
    options = PrevalenceOptions(level=config.level)
    dropped = count_overlaps(connection)
    no_dates = dated_reason(connection, config, today)
    labelled = labels is not None and labels.height > 0
    known = known_human(connection, no_dates is None, labels)
    kinds = kinds_of(connection)
    variance = np.array([calibration.variance.get(kind, np.nan) for kind in kinds])
    units = kind_units(kinds, variance, [(k.trust, anchor_statistics(connection, k.where, role=k.role)) for k in known])
    open_scored(connection, units)
    human = DATED if no_dates is None else None
    anchors = Anchors(tuple(anchor_set(connection, k) for k in known), tuple(known_machine(connection)), calibration)
    atoms = count_atoms(connection, SCOPES["shard"], shards, units, human=human, labelled=labelled)
    cuts = {}
    for kind in LEAST_DOCUMENTS:
        names = large_scopes(connection, kind, least=LEAST_DOCUMENTS[kind], most=MOST_SCOPES[kind])
        if names:
            cuts[kind] = Cut(names, count_atoms(connection, SCOPES[kind], names, units, human=human, labelled=labelled))
    found = estimate_prevalence(atoms, shards, anchors, rng, strata=cuts, options=options)
    if listed is not None:
        sizes = found.shards.histogram.sum(1)
        found = replace(found, corpus=over_unread(found.corpus, found.shards, sizes, listed, rng, options=options))
    placebo = _placebo(connection, anchors, units, rng, options) if no_dates is None else None
    from_labels = _by_labels(connection, labels, found, config.level)
    found = _heeding(found, from_labels, placebo)
    by_chance = streams.rng(config.seed, "mixed text")  # its own, so that the other figures do not depend on it
    mixed = {
        kind: splitter.split(scope, atoms, found.posteriors, by_chance, listed=listed if kind == "corpus" else None)
        for kind, scope in (("corpus", found.corpus), ("shard", found.shards))
    }
    for kind, cut in cuts.items():
        mixed[kind] = splitter.split(found.strata[kind], cut.atoms, found.posteriors, by_chance)
    coverage = measure_coverage(connection, units)
    younger = younger_than_detectors(connection, accuracy.reach()["seen_until"], today)
    return Synthetic(
        found, found.strata, atoms, anchors, units, coverage, dropped, no_dates, placebo, younger, from_labels, mixed
    )


def estimates_of(scope: ScopePrevalence, place: int) -> dict[str, Estimate]:
    """The quantities of one scope, by their names in report.json."""
    return {
        "synthetic_fraction": scope.documents[place],
        "synthetic_fraction_tokens": scope.tokens[place],
        "synthetic_fraction_pooled": scope.pooled[place],
        "synthetic_fraction_lower_bound": scope.lower_bounds[place],
    }


def mixed_of(synthetic: Synthetic, kind: str, place: int) -> dict[str, Estimate]:
    """The assisted and the touched share of one scope, by their names in report.json."""
    if kind not in synthetic.mixed:
        absent = synthetic.prevalence.mixed
        return {"mixed_fraction": absent, "touched_fraction": absent}
    own = synthetic.mixed[kind]
    return {"mixed_fraction": own.mixed[place], "touched_fraction": own.touched[place]}


@dataclass(frozen=True, slots=True)
class Authorship:
    """`authorship` of report.json: ranges of the assisted, machine-written and touched shares that the scores allow.

    identified: whether the assisted share is measured; region: corners of the shares that are allowed together
    """

    identified: bool
    assisted: tuple[float, ...]
    machine: tuple[float, ...]
    touched: tuple[float, ...]
    region: tuple[tuple[float, ...], ...]


def authorship_of(synthetic: Synthetic, kind: str, place: int) -> Authorship | None:
    """What the scores of one scope allow together; None where it was not split."""
    region = synthetic.mixed[kind].regions[place] if kind in synthetic.mixed else None
    if region is None:
        return None
    return Authorship(
        synthetic.mixed[kind].mixed[place].status == Status.MEASURED,
        tuple(region.assisted),
        tuple(region.machine),
        tuple(region.touched),
        tuple(tuple(corner) for corner in region.corners),
    )


def _placebo(
    connection: Any, anchors: Anchors, units: KindUnits, rng: np.random.Generator, options: PrevalenceOptions
) -> Placebo:
    """Documents from before November 2022 by year, estimated as if nobody knew their age."""
    years = large_scopes(connection, "year", least=1, most=MOST_SCOPES["year"])
    atoms = count_atoms(connection, SCOPES["year"], years, units, where=DATED)
    return run_placebo(atoms, years, anchors, rng, options=options)


def _heeding(found: Prevalence, from_labels: Mapping[str, Estimate], placebo: Placebo | None) -> Prevalence:
    """The corpus' figure in the light of people's labels and of the placebo."""
    checks: dict[str, Estimate] = {}
    if "synthetic_fraction" in from_labels:
        checks["labels"] = from_labels["synthetic_fraction"]
    if placebo is not None and (known := [e for e in placebo.estimates if e.is_number]):
        checks["placebo"] = max(known, key=lambda e: float(e.lower or 0.0))
    corpus, findings = heeded(found.corpus, checks)
    return replace(found, corpus=corpus, findings=(*found.findings, *findings))


def _by_labels(connection: Any, labels: pl.DataFrame | None, found: Prevalence, level: float) -> dict[str, Estimate]:
    """The corpus' fractions from people's labels, which assume no model of the scores."""
    if labels is None or not labels.height:
        return {}
    rows = query(
        connection,
        f"""SELECT {SCORE_BIN} AS bin, l.label FROM scored d JOIN labelled l USING (shard, row)
            WHERE role = 'corpus' AND eligible AND score IS NOT NULL ORDER BY d.shard, d.row""",
    )
    posterior = found.corpus.posterior[0]
    histogram = found.corpus.histogram[0]
    return estimate_from_labels(histogram, posterior, rows["bin"].to_numpy(), rows["label"].to_numpy(), level=level)
