"""What to do, for a page: human text to acquire and how that moves, shards to leave out, filters side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.records import Estimate
from auditor.reports.model.base import R
from auditor.reports.model.reservoir import (
    Declaration,
    Floor,
    Priority,
    Reservoir,
    SensitivityRow,
    StratumBand,
    StratumSize,
)
from auditor.reports.model.schema import Report
from auditor.reports.model.sections import Filtering
from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import BANDS, CONSTRAINTS, CUTS, QUANTITIES, REGIMES, UNMOVED, VARIED, spoken
from auditor.reports.view import figures, human_text
from auditor.reports.view.figures import Rows

SHOWN = 24
KINDS = 6  # of text, for each choice
ACTIONS = {
    "drop": "leave out",
    "quarantine": "keep apart until checked",
    "review": "have a sample labelled",
    "filter": "keep the documents that pass",
    "keep": "keep",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """The ways to filter side by side: what each keeps, each quantity before and after, what is lost by kind."""

    kept: list[tuple[str, ...]]
    quantities: list[Rows]
    note: str
    kinds: list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Actions:
    """What the section shows: amounts by band, how they move, what to acquire first, and the shards to leave out."""

    bands: Rows
    floors: Rows | None
    regimes: list[tuple[str, ...]]
    notes: list[str]
    sized: bool
    enough: bool
    words: str
    narrower: str
    sensitivity: list[Rows]
    unmoved: list[str]
    strata: Rows | None
    declared: list[tuple[str, ...]]
    horizon: int
    tolerance: str
    priorities: list[tuple[str, ...]]
    counts: list[tuple[str, int]]
    shards: list[tuple[str, ...]]
    more: int
    filtering: Filters | None


def actions(report: Report, worst: Sequence[str]) -> Actions:
    """The section's content; worst: names of all shards, the worst first."""
    reservoir, planned = report.reservoir, report.actions
    bands = _readings(reservoir)
    order = {shard: place for place, shard in enumerate(worst)}
    gravity = list(ACTIONS)
    ranked = sorted(planned, key=lambda a: (gravity.index(a.action), order.get(a.shard, len(order))))
    moves, unmoved = _sensitivity(reservoir.sensitivity)
    notes = {clean(note.removeprefix("corpus: "), 400).capitalize() for band in bands.values() for note in band.notes}
    stacked = [(label, [(band.tokens or 0.0, "human")], _band(band)) for label, band in bands.items()]
    return Actions(
        bands=figures.stacks("Human word tokens still to acquire", stacked, unit="count"),
        floors=_floors(reservoir.policy),
        regimes=[_assumptions(label, band) for label, band in bands.items()],
        notes=sorted(notes),
        sized=any(band.tokens is not None for band in bands.values()),
        enough=all(band.tokens == 0 for band in bands.values()),
        words=clean(reservoir.words, 2000),
        narrower=clean(reservoir.narrower, 300),
        sensitivity=moves,
        unmoved=unmoved,
        strata=_strata(reservoir.strata),
        declared=[_declared(d) for d in reservoir.declared],
        horizon=reservoir.horizon,
        tolerance=numbers.setting(reservoir.tolerance),
        priorities=[_priority(p) for p in reservoir.priorities if p.tokens or p.gain][:10],
        counts=[
            (label, sum(a.action == key for a in planned))
            for key, label in ACTIONS.items()
            if any(a.action == key for a in planned)
        ],
        shards=[
            (name(a.shard), ACTIONS[a.action], clean(a.why, 200), numbers.count_or_blank(a.documents))
            for a in ranked[:SHOWN]
        ],
        more=max(0, len(planned) - SHOWN),
        filtering=_filtering(report.filtering),
    )


def _readings(reservoir: Reservoir) -> dict[str, R]:
    """The bands by name."""
    return dict(zip(BANDS, (reservoir.optimistic, reservoir.central, reservoir.pessimistic), strict=True))


def _floors(policy: Sequence[Floor]) -> Rows | None:
    rows = [
        (
            f"floor {numbers.percent(f.human_share)}: {clean(f.source, 80)}",
            [(f.tokens or 0.0, "floor")],
            numbers.count(f.tokens) if f.tokens is not None else "not sized",
        )
        for f in policy
    ]
    asked = any(f.tokens != 0 for f in policy)
    return figures.stacks("The same under floors on the human share", rows, unit="count") if asked else None


def _declared(d: Declaration) -> tuple[str, ...]:
    verdict = "admitted" if d.admitted else "not admitted"
    return name(d.shard), numbers.count_or_blank(d.tokens), verdict, clean(d.verifier, 80), clean(d.reason, 200)


def _priority(p: Priority) -> tuple[str, ...]:
    gain, tokens = numbers.count_or_blank(p.gain), numbers.count_or_blank(p.tokens)
    return name(p.name, 60), clean(spoken(p.kind, CUTS), 20), gain, tokens, clean(p.words, 120)


def _filtering(found: Sequence[Filtering]) -> Filters | None:
    if not found:
        return None
    keys = dict.fromkeys(key for f in found for key in f.after)
    before = {key: f.before[key] for f in reversed(found) for key in keys if key in f.before}
    kept = [
        (
            clean(f.name, 80),
            *(numbers.count_or_blank(count) for count in (f.documents_kept, f.documents_dropped, f.tokens_kept)),
            *(numbers.count_or_blank(count) for count in (f.human_tokens_lost, f.tail_types_lost)),
            clean(f.words, 300),
        )
        for f in found
    ]
    compared = []
    for key in keys:
        entries = [("as it is", before[key])] if key in before else []
        entries += [(clean(f.name, 80), f.after[key]) for f in found if key in f.after]
        tone = "diversity" if key.startswith(("diversity", "tail")) else "synthetic"
        title = QUANTITIES.get(key, clean(key, 60))
        shown = [(label, numbers.of_quantity(key, e)[0]) for label, e in entries]
        compared.append(figures.intervals(title, shown, unit=numbers.unit_of(key), tone=tone))
    types = next((f.tail_types for f in found if f.tail_types is not None), None)
    why = next((clean(f.tail_reason, 120) for f in found if f.tail_reason), "")
    note = f"Rare words are not measured: {why}." if why else ""
    if types is not None:
        note = f"Rare words lost: of {numbers.count(types)} words sampled, those that no document would hold any more."
    return Filters(kept, compared, note, [row for f in found for row in _lost_by_kind(f)])


def _lost_by_kind(f: Filtering) -> list[tuple[str, ...]]:
    """What a choice loses of each kind of text: choice, kind, human words, rare words; the most first."""
    words, rare = f.lost_by_kind, f.tail_lost_by_kind
    kinds = sorted({*words, *rare}, key=lambda kind: (-words.get(kind, 0), kind))
    return [
        (clean(f.name, 80), clean(kind, 60), numbers.count(words.get(kind, 0)), numbers.count(rare.get(kind, 0)))
        for kind in kinds[:KINDS]
    ]


def _assumptions(label: str, band: R) -> tuple[str, ...]:
    return (
        label,
        clean(spoken(band.regime, REGIMES), 120),
        clean(spoken(band.binding_constraint, CONSTRAINTS), 120),
        numbers.share_or_blank(band.required_share),
        numbers.share_or_blank(band.human_share),
    )


def _sensitivity(rows: Sequence[SensitivityRow]) -> tuple[list[Rows], list[str]]:
    """How the reservoir moves with one thing changed, and what does not move it.

    The central band is the value, the outer bands are the ends of its line.
    """
    settings: dict[tuple[str, float], dict[str, SensitivityRow]] = {}
    for row in rows:
        settings.setdefault((row.varied, row.setting), {})[row.band] = row
    out, unmoved = [], []
    for varied in dict.fromkeys(kind for kind, _ in settings):
        entries = [(_setting(kind, at), _bands(bands)) for (kind, at), bands in settings.items() if kind == varied]
        if len({(e.value, e.lower, e.upper) for _, e in entries}) == 1:
            unmoved.append(clean(spoken(varied, UNMOVED), 80))
        else:
            out.append(figures.intervals(clean(spoken(varied, VARIED), 80), entries, unit="count", tone="human"))
    return out, unmoved


def _strata(rows: Sequence[StratumSize]) -> Rows | None:
    """Human text to acquire, stratum by stratum, the most first."""
    known = sorted(rows, key=lambda row: -(row.central.tokens or 0))
    named = (
        (f"{spoken(s.kind, CUTS)} {s.name}", dict(zip(BANDS, (s.optimistic, s.central, s.pessimistic), strict=True)))
        for s in known
    )
    entries = [(label, e) for label, bands in named for e in [_bands(bands)] if e.upper != 0][:SHOWN]
    title = "By stratum: human word tokens still to acquire"
    more = len(rows) - len(entries)
    return figures.intervals(title, entries, unit="count", tone="human", more=more) if entries else None


def _setting(varied: str, at: float) -> str:
    if varied == "width":
        return "no interval at all" if at == 0 else "as measured" if at == 1 else f"{at:g} times as wide"
    return f"{at:,.0f}" if varied == "horizon" else numbers.percent(at)


def _bands(bands: Mapping[str, SensitivityRow | StratumBand]) -> Estimate:
    """The bands as one estimate: the central one, between the lowest and the highest."""
    central = bands.get("central")
    found = [bands[band].tokens for band in BANDS if band in bands]
    tokens = [count for count in found if count is not None]
    if central is None or len(tokens) < len(BANDS):
        reasons = [band.reason for band in (central, *bands.values()) if band and band.reason]
        return Estimate.not_measured(clean((reasons or ["a band could not be sized"])[0], 120))
    binds = spoken(central.binding_constraint or "", CONSTRAINTS)
    return Estimate(tokens[1], min(tokens), max(tokens), 1.0, f"{binds} (binds in the central band)")


def _band(band: R) -> str:
    return human_text.tokens(band) + (f": {clean(band.reason, 120)}" if band.reason else "")
