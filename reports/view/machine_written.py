"""The section on machine-written text: shards, years, groups, hosts, scores of the worst shards, anchors by kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.reports.model.schema import Corpus, Report, Shard, Stratum
from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import LANGUAGES, ORIGINS, QUANTITIES, spoken
from auditor.reports.view import charts, figures
from auditor.reports.view.charts import Chart
from auditor.reports.view.figures import Rows

SHOWN, MOST_STRATA, MOST_HOSTS = 24, 8, 20
SEEN = 0.001  # a difference of shares that a reader sees
GROUPS = {
    "kind": "By kind of text",
    "language": "By language",
    "source": "By source",
    "topic": "By topic",
    "category": "By category",
    "host": "By host",
    "length": "By length",
}


@dataclass(frozen=True, slots=True)
class AnchorsByKind:
    """Which kinds of text are covered by human anchors, and the shards that rest on the fewest."""

    share: str
    kinds: list[tuple[str, ...]]
    shards: list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class MachineWritten:
    """What the section on machine-written text shows."""

    shards: Rows
    ranked: Chart | None
    years: Chart | None
    groups: list[Rows]
    hosts: list[tuple[str, ...]]
    facts: list[tuple[str, ...]]
    histograms: list[Chart]
    coverage: AnchorsByKind | None


def machine_written(report: Report, shards: Sequence[Shard]) -> MachineWritten:
    """The section's content."""
    corpus, every = report.corpus, len(shards) <= SHOWN
    caption = "Machine-written share of each shard" if every else f"The {SHOWN} worst shards of {len(shards):,}"
    facts = {
        "synthetic_fraction": corpus.synthetic_fraction,
        "synthetic_fraction_tokens": corpus.synthetic_fraction_tokens,
        "mixed_fraction": corpus.mixed_fraction,
        "touched_fraction": corpus.touched_fraction,
    }
    return MachineWritten(
        shards=figures.intervals(
            caption,
            [(s.shard, s.synthetic_fraction) for s in shards[:SHOWN]],
            notes=[_alternatives(s) for s in shards[:SHOWN]],
        ),
        ranked=None if every else charts.ranked(shards),
        years=charts.years(report.strata),
        groups=_groups(report.strata),
        hosts=[
            (
                name(h.host, 60),
                f"{h.documents:,}",
                numbers.count(h.tokens),
                numbers.estimate(h.synthetic_fraction) if h.synthetic_fraction else "",
            )
            for h in report.hosts[:MOST_HOSTS]
        ],
        facts=[(QUANTITIES[key], numbers.brief(e), numbers.doubt(e), numbers.why(e)) for key, e in facts.items() if e],
        histograms=charts.histograms(report.sensitivity.histograms),
        coverage=coverage(report),
    )


def coverage(report: Report) -> AnchorsByKind | None:
    """Which kinds of text are covered by human anchors, and which shards rest on few; None where it is not known."""
    corpus = report.corpus.anchor_coverage
    if not corpus or not corpus.kinds:
        return None
    kinds = sorted(corpus.kinds, key=lambda row: (row.anchors, -row.documents))
    known = ((s.shard, s.anchor_coverage.share) for s in report.shards if s.anchor_coverage)
    least = sorted(((shard, share) for shard, share in known if share is not None), key=lambda row: row[1])
    return AnchorsByKind(
        share=numbers.share_or_blank(corpus.share),
        kinds=[
            (clean(row.kind, 80), f"{row.documents:,}", f"{row.anchors:,}", _trust(row.trust)) for row in kinds[:SHOWN]
        ],
        shards=[(name(shard), numbers.percent(share)) for shard, share in least[: SHOWN // 2]],
    )


def _groups(strata: Sequence[Stratum]) -> list[Rows]:
    """The worst strata of each kind that has several, on one axis."""
    groups = {kind: _worst_strata(strata, kind) for kind in GROUPS}
    along = figures.common_scale(s.synthetic_fraction for group in groups.values() for s in group)
    return [
        figures.intervals(
            GROUPS[kind],
            [(_named(s), s.synthetic_fraction) for s in group],
            along=along,
            notes=[_alternatives(s) for s in group],
            more=sum(s.kind == kind for s in strata) - len(group),
        )
        for kind, group in groups.items()
        if len(group) > 1
    ]


def _trust(trust: float | str | None) -> str:
    if isinstance(trust, float):
        return numbers.percent(trust)
    return "" if trust is None else clean(spoken(trust, ORIGINS), 60)


def _worst_strata(strata: Sequence[Stratum], kind: str) -> list[Stratum]:
    found = [s for s in strata if s.kind == kind]
    if kind == "length":
        return sorted(found, key=_words_from)[:MOST_STRATA]
    return sorted(found, key=lambda s: -1.0 if (low := s.synthetic_fraction.lower) is None else low, reverse=True)[
        :MOST_STRATA
    ]


def _named(stratum: Stratum) -> str:
    """The name of a stratum; a language in full beside its code."""
    full = LANGUAGES.get(stratum.name) if stratum.kind == "language" else None
    return f"{full} ({stratum.name})" if full else stratum.name


def _words_from(stratum: Stratum) -> int:
    """Where a band of lengths such as `200-399 words` begins."""
    found = re.match(r"\d+", stratum.name.replace(",", ""))
    return int(found[0]) if found else 0


def _alternatives(scope: Shard | Stratum) -> str:
    """The same share with other shards' help, and what holds without machine text to compare with."""
    pooled, bound = scope.synthetic_fraction_pooled, scope.synthetic_fraction_lower_bound
    parts = [f"drawn towards like shards {numbers.brief(pooled)}"] if numbers.measured(pooled) else []
    if bound and bound.lower:
        parts.append(f"at least {numbers.percent(bound.lower)} without machine text to compare with")
    return "; ".join(parts)


def touched(corpus: Corpus) -> list[str]:
    """What a machine wrote or edited together, in a sentence; nothing where it was not measured."""
    both, edited = corpus.touched_fraction, corpus.mixed_fraction
    if both is None or not numbers.measured(both) or not numbers.measured(edited):
        return []
    unsettled = "how much of that was written by a machine and how much edited is not settled."
    if both.status == "inconclusive":
        return [f"With human text that a machine edited it may be {numbers.interval(both)}%; {unsettled}"]
    said = f"With human text that a machine edited it is {numbers.brief(both)}"
    if edited.status == "inconclusive":
        return [f"{said}; {unsettled}"]
    # edited text that scores like machine text is in both parts, so that they may add up to more than the whole
    parts = float(corpus.synthetic_fraction.value or 0.0) + float(edited.value or 0.0)
    twice = ", some of it in the first figure" if parts > float(both.value or 0.0) + SEEN else ""
    return [f"{said}; edited text alone is {numbers.brief(edited)}{twice}."]
