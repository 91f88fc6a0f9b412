"""The section on diversity: every figure is a change against the human reference, fewer or more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.reports.model.base import E
from auditor.reports.model.quantities import DiversityLoss, LossPart, Meaning
from auditor.reports.model.schema import Corpus, Report, Shard, Stratum
from auditor.reports.model.sections import DiversityProfile, LostName
from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import CUTS, spoken
from auditor.reports.view import charts, figures
from auditor.reports.view.charts import Chart
from auditor.reports.view.figures import Entry, Rows

SHOWN = 24
ORDERS = ("all types", "common types", "very common types")
LOST = {
    "topic_found": "Topics found in the texts: share of the documents, against the reference's",
    "host": "Hosts: share of the documents, against the reference's",
    "language": "Languages: share of the documents, against the reference's",
    "topic": "Topics: share of the documents, against the reference's",
    "category": "Categories: share of the documents, against the reference's",
}
STAGES = {
    "none": "no sign of collapse",
    "early": "early: rare words are being lost",
    "late": "late: common words are being lost too",
    "unclear": "unclear",
}
PARTS = ("duplication", "machine text", "everything else")


@dataclass(frozen=True, slots=True)
class DiversitySection:
    """What the section on lost diversity shows."""

    facts: list[tuple[str, ...]]
    ground: Rows | None
    lost: list[Rows]
    full: list[tuple[str, ...]]
    profile: Chart | None
    reference: str
    coverage: str
    loss: Rows
    parts: Rows
    tails: Rows
    missing: list[tuple[str, ...]]
    meaning: MeaningFigures | None


@dataclass(frozen=True, slots=True)
class MeaningFigures:
    """How alike documents are in what they say: the corpus and the reference in a chart, kinds of text in rows."""

    words: str
    chart: Chart | None
    kinds: Rows | None
    column: str


def diversity(report: Report) -> DiversitySection:
    """The section's content."""
    corpus, found = report.corpus, report.profile or DiversityProfile()
    loss = corpus.diversity_loss
    parts = (loss.from_duplication, loss.from_synthetic, loss.rest)
    return DiversitySection(
        facts=_drift(corpus),
        ground=_ground(report.strata),
        lost=[_lost(kind, rows[:SHOWN]) for kind, rows in found.lost.items() if rows],
        full=_full(found.full),
        profile=charts.profile(report.profile),
        reference=clean(found.reference, 120),
        coverage=numbers.percent(found.coverage) if found.coverage else "",
        loss=figures.intervals(
            "Types, against the human reference at equal coverage", _losses(loss), unit="fewer", tone="diversity"
        ),
        parts=figures.intervals(
            "Where the change comes from, in log points",
            [
                (f"{label}, {words}", e)
                for label, part in zip(PARTS, parts, strict=True)
                for words, e in zip(ORDERS, _orders(part), strict=True)
            ],
            unit="log",
            tone="diversity",
        ),
        tails=_tails(report.shards),
        missing=[
            (
                name(m.name, 60),
                *(numbers.count(round(rate, 1)) for rate in (m.reference, m.corpus)),
                _times(m.reference, m.corpus),
            )
            for m in found.missing[:16]
        ],
        meaning=_meaning(corpus.meaning, report.strata),
    )


def _meaning(found: Meaning | None, strata: Sequence[Stratum]) -> MeaningFigures | None:
    """What --meaning measured; nothing where it was not asked for, or could not be measured at all."""
    if found is None or not numbers.measured(found.similarity):
        return None
    kinds = [(s.name, s.meaning) for s in strata if s.kind == "kind" and s.meaning]
    compared = any(numbers.measured(m.loss) for _, m in kinds)
    every = [(label, m.loss if compared else m.similarity) for label, m in kinds]
    known = [(label, e) for label, e in every if numbers.measured(e)]
    known.sort(key=lambda row: -row[1].value)
    title = "Kinds of text: " + (
        "effective documents, against the human reference" if compared else "similarity of their documents"
    )
    shown = [(label, numbers.change_of_loss(e) if compared else e) for label, e in known[: SHOWN // 2]]
    unit = "fewer" if compared else "share"
    rows = figures.intervals(title, shown, unit=unit, tone="diversity", more=len(known) - len(shown))
    effective = numbers.brief(found.effective_documents, "count")
    words = f"100 of its documents say as much as {effective} that have nothing in common"
    if numbers.measured(found.loss):
        words += f": {numbers.brief(numbers.change_of_loss(found.loss), 'fewer')} than the human reference's"
    return MeaningFigures(
        words + ".", charts.meaning(found), rows if shown else None, "Change" if compared else "Similarity"
    )


def _orders(loss: DiversityLoss | LossPart) -> tuple[E, E, E]:
    return loss.q0, loss.q1, loss.q2


def _losses(loss: DiversityLoss) -> list[Entry]:
    """The changes of word types by order, then of other levels of types."""
    words: list[Entry] = [(label, numbers.change_of_loss(e)) for label, e in zip(ORDERS, _orders(loss), strict=True)]
    levels: list[Entry] = [
        (f"{level}s", numbers.change_of_loss(found.q0)) for level, found in loss.levels.items() if found.q0
    ]
    general: list[Entry] = (
        [("words, against the language at large", numbers.change_of_loss(loss.general))] if loss.general else []
    )
    return [*words, *levels, *general]


def _tails(shards: Sequence[Shard]) -> Rows:
    """The shards that keep the least of the reference's rare words."""
    found = [(s.shard, e) for s in shards for e in [s.diversity.tail_retention] if numbers.measured(e)]
    found.sort(key=lambda row: row[1].upper)
    kept = [(shard, numbers.change_of_ratio(e)) for shard, e in found[: SHOWN // 2]]
    caption = "Shards with the least rare words, against the human reference"
    return figures.intervals(caption, kept, unit="less", tone="diversity")


def _lost(kind: str, rows: Sequence[LostName]) -> Rows:
    return figures.intervals(
        LOST.get(kind, clean(kind, 40)),
        [(m.name, numbers.change_of_ratio(m.retained)) for m in rows],
        unit="less",
        tone="diversity",
        notes=[_shares(m) for m in rows],
    )


def _times(reference: float, corpus: float) -> str:
    return "absent" if corpus == 0 else f"{reference / corpus:.1f} times"


def _drift(corpus: Corpus) -> list[tuple[str, ...]]:
    """Distance from the reference and stage of collapse, with what the stage rests on."""
    divergence, stage = corpus.drift.divergence, corpus.drift.stage
    facts: list[tuple[str, ...]] = []
    if numbers.measured(divergence):
        brief, doubt = numbers.brief(divergence, "count"), numbers.doubt(divergence)
        facts.append(("Drift from the reference", brief, doubt, numbers.why(divergence)))
    if stage:
        facts.append(("Stage of collapse", clean(STAGES.get(stage, stage), 60), "", _evidence(corpus)))
    return facts


def _evidence(corpus: Corpus) -> str:
    """What the stage rests on, in the words and with the sign of the rest of the section."""
    loss = corpus.diversity_loss
    parts = (
        ("all types", numbers.change_of_loss(loss.q0), "fewer"),
        ("rare words", numbers.change_of_ratio(corpus.diversity.tail_retention), "less"),
        ("very common types", numbers.change_of_loss(loss.q2), "fewer"),
    )
    return "; ".join(f"{label} {numbers.brief(e, unit)}" for label, e, unit in parts if numbers.measured(e))


def _shares(lost: LostName) -> str:
    return (
        f"{numbers.percent(lost.reference_share)} of the reference's documents, "
        f"{numbers.percent(lost.corpus_share)} of the corpus'"
    )


def _ground(strata: Sequence[Stratum]) -> Rows | None:
    """Strata whose share of the documents fell against the reference's, the most certain first."""
    known = [(s, e) for s in strata for e in [s.share_retained] if numbers.measured(e)]
    fell = sorted(((s, e) for s, e in known if e.value < 1), key=lambda row: row[1].upper)
    entries = [(f"{spoken(s.kind, CUTS)} {s.name}", numbers.change_of_ratio(e)) for s, e in fell[: SHOWN // 2]]
    title = "What became rarer: share of the documents, against its share of the reference's documents"
    return figures.intervals(title, entries, unit="less", tone="diversity") if entries else None


def _full(found: Mapping[str, Mapping[str, E]]) -> list[tuple[str, ...]]:
    """Measures of word order, corpus beside reference."""
    own, reference = found.get("corpus", {}), found.get("reference", {})
    return [(clean(e.method, 100), _plain(e), _plain(reference.get(key))) for key, e in own.items()]


def _plain(e: E | None) -> str:
    return f"{e.value:.3g} ({e.lower:.3g} to {e.upper:.3g})" if numbers.measured(e) else "not measured"
