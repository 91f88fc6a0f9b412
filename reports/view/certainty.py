"""How reliable the figures are, for a page: placebo, cross-checks, fit, anchors, detectors and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from auditor.reports.model.schema import Report
from auditor.reports.model.sections import Anchor, Detector, Fit, Placebo, Reach, Skip
from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import CHECKS, ORIGINS, REASONS, spoken
from auditor.reports.view import charts, figures
from auditor.reports.view.charts import Chart
from auditor.reports.view.figures import Rows

SHOWN, MOST_SKIPS = 24, 40
# What a detail of a skip says was done with the document.
EFFECTS = {"counted as a document, not eligible": "counted, not judged", "kept, repaired": "kept, repaired"}


@dataclass(frozen=True, slots=True)
class Certainty:
    """What the section on certainty shows: anchors, placebo, other estimators, fit, and what was left out."""

    placebo: Rows | None
    placebo_words: str
    checks: Rows | None
    fit: Chart | None
    fit_words: str
    anchors: list[tuple[str, ...]]
    detectors: list[tuple[str, ...]]
    skips: list[tuple[str, ...]]
    limits: list[str]


@dataclass(slots=True)
class _Counted:
    """Records of one reason: how many, in which shards, and where the first is."""

    first: str
    records: int = 0
    shards: set[str] = field(default_factory=set)


def certainty(report: Report) -> Certainty:
    """The section's content."""
    sure = report.sensitivity
    return Certainty(
        placebo=_placebo(sure.placebo),
        placebo_words=_placebo_words(sure.placebo) if sure.placebo else "",
        checks=figures.intervals(
            "The same share by other methods and choices",
            [(spoken(c.name, CHECKS), c.estimate) for c in sure.cross_checks],
        )
        if sure.cross_checks
        else None,
        fit=charts.fit(sure.fit),
        fit_words=_fit_words(sure.fit),
        anchors=_anchors(report.anchors),
        detectors=[_detector(d) for d in report.detectors],
        skips=skipped(report.skips)[:MOST_SKIPS],
        limits=[clean(text, 400) for text in report.limits],
    )


def _placebo(slices: Sequence[Placebo]) -> Rows | None:
    caption = "Held-out text from before November 2022: must cover 0"
    return figures.intervals(caption, [(p.name, p.estimate) for p in slices[:SHOWN]]) if slices else None


def _anchors(rows: Sequence[Anchor]) -> list[tuple[str, ...]]:
    """Kind, origin, scope, numbers and remarks; sets that agree in all words are one row."""
    joined: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        key = (
            "machine" if row.kind == "ai" else row.kind,
            clean(spoken(row.origin, ORIGINS), 120),
            clean(row.scope, 60),
            clean(row.reason or "", 120),
        )
        sums = joined.setdefault(key, [0, 0, 0])
        for i, documents in enumerate((row.documents, row.used, row.dropped)):
            sums[i] += documents
    return [(*key[:3], *(f"{documents:,}" for documents in sums), key[3]) for key, sums in joined.items()]


def skipped(rows: Sequence[Skip]) -> list[tuple[str, ...]]:
    """Reason by reason: what was done, records, shards and where it came first; the commonest first."""
    joined: dict[tuple[str, str], _Counted] = {}
    for row in rows:
        key = row.reason, EFFECTS.get(row.detail, "left out")
        if key not in joined:
            joined[key] = _Counted(_place(row, "" if row.detail in EFFECTS else row.detail))
        joined[key].records += row.documents
        joined[key].shards.add(row.shard)
    found = sorted(joined.items(), key=lambda item: (-item[1].records, item[0]))
    return [
        (clean(spoken(reason, REASONS), 120), effect, f"{of.records:,}", f"{len(of.shards):,}", of.first)
        for (reason, effect), of in found
    ]


def _place(row: Skip, detail: str) -> str:
    at = "" if row.row is None else f", row {row.row:,}"
    return name(row.shard, 60) + at + (f": {clean(detail, 120)}" if detail else "")


def _detector(d: Detector) -> tuple[str, ...]:
    seen = d.accuracy
    accuracy = [f"AUROC {seen.auroc:.3f}"] if seen.auroc is not None else []
    if seen.tpr is not None and seen.fpr is not None:
        accuracy.append(f"finds {numbers.percent(seen.tpr)} at {numbers.percent(seen.fpr)} false alarms")
    if accuracy and seen.measured_on:
        accuracy.append(seen.measured_on)
    weight = "" if d.weight is None else f"{d.weight:.2f}"
    return (
        clean(d.name, 60),
        clean(f"{d.version} {d.revision}", 40),
        weight,
        clean(_reach(d.reach), 200),
        clean("; ".join(accuracy), 200),
    )


def _reach(reach: str | Reach) -> str:
    if isinstance(reach, str):
        return reach
    return reach.words + (
        f"; scored {numbers.percent(reach.share)} of the documents" if reach.share is not None else ""
    )


def _placebo_words(slices: Sequence[Placebo]) -> str:
    missed = [clean(p.name, 60) for p in slices if not p.covers_zero]
    if not missed:
        return f"All {len(slices)} slices cover 0, as they must."
    named = ", ".join(missed[:5])
    return f"{len(missed)} of {len(slices)} slices do not cover 0: {named}. Read the estimates as too high there."


def _fit_words(fit: Fit | None) -> str:
    if fit and fit.distance is None and fit.excess is not None:
        return f"Misfit of the scores: {numbers.percent(fit.excess)} ({clean(fit.words, 300)})."
    if not fit or fit.distance is None:
        return "The fit of the mixture was not measured."
    text = f"The observed scores lie {numbers.percent(fit.distance)} (total variation) from the fitted mixture"
    if fit.anchors_distance is not None:
        text += f"; the anchors' own domains lie {numbers.percent(fit.anchors_distance)} from each other"
    return text + ". " + clean(fit.words, 300)
