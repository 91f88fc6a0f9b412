"""The `reservoir` of report.json: what to keep, what to acquire, coverage, and the sentence that says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from auditor.collapse.advice import priorities, rarest_kept
from auditor.collapse.keep import human_estimate
from auditor.collapse.options import BANDS, Band
from auditor.collapse.reservoir import Reservoir
from auditor.collapse.sensitivity import narrower
from auditor.collapse.totals import Need, StratumNeed
from auditor.collapse.wording import answer, explain_band, explain_choices
from auditor.pipeline.reservoir.declared import Declared
from auditor.pipeline.reservoir.measurements import WHOLE
from auditor.pipeline.reservoir.sums import KeptStratum, Whole, sum_of_shards, sums_of_strata
from auditor.records import Estimate, Json, Status, nested, plain

CENTRAL = BANDS[1]
NAMED = ("kind", "topic", "source")  # kinds of strata that can be collected by name
MOST_OF = 0.5  # share of the text to acquire that the named strata hold


@dataclass(frozen=True, slots=True, eq=False)
class Sized:
    """The corpus' recommendation, the same by kind of stratum, what was declared, and how sensitive it is."""

    total: Reservoir
    parts: dict[str, Reservoir]
    declared: Declared
    sensitivity: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Unsized:
    """A stratum that cannot be sized, and why."""

    kind: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class SizedStratum:
    """One stratum: word tokens and eligible documents, and what each band asks of it.

    rarest_frequency: of the types that are to be kept; sample_tokens: those that its spectrum was measured on
    """

    kind: str
    name: str
    tokens: float
    documents: float
    synthetic_fraction: Estimate
    rarest_frequency: float | None
    sample_tokens: int
    bands: Mapping[str, tuple[Need, StratumNeed]]

    def as_json(self) -> Json:
        """A row of `strata` in report.json: each band under its name, with the regime and the sizing that it takes."""
        row = {name: getattr(self, name) for name in self.__slots__ if name not in ("kind", "name", "bands")}
        bands = {}
        for band, (need, own) in self.bands.items():
            sizes = {name: value for name, value in nested(own).items() if name not in ("stratum", "kind")}
            bands[band] = sizes | {"regime": need.regime, "sizing": need.sizing}
        return {"kind": self.kind, "name": self.name, "reason": None} | row | bands


@dataclass(frozen=True, slots=True)
class PriorityRow:
    """Where the next human token adds most: gain, new types per 1,000 human tokens; tokens, still to acquire."""

    kind: str
    name: str
    gain: float
    priority: float
    tokens: int | None
    synthetic_fraction: Estimate
    tail_retention: Estimate


def report_section(sized: Sized) -> Json:
    """The `reservoir` of report.json in the names of its schema."""
    total = sized.total
    advice = total.advise()
    bands = {name: _stated(need, total.doubt, explain_band(name, total)) for name, need in advice.bands.items()}
    cuts, kinds = _cuts(sized), _kinds(sized)
    tokens = sum(shard.tokens for shard in total.shards)
    whole = Whole(tokens, advice.kept.tokens.value, advice.bands[CENTRAL.name].tokens)
    found = advice.as_json()
    return plain(
        found
        | {
            "keep": found["keep"]
            | {
                "kinds": kinds,
                "note": sum_of_shards(advice.kept),
                "sums": sums_of_strata(cuts, kinds, whole),
            },
            "acquire": bands,
            **bands,
            "priorities": _priorities(sized),
            "strata": [row for kind, part in cuts.items() if kind for row in _strata_rows(part)],
            "sentence": answer(total, advice.kept, advice.bands, _wanted(kinds)),
            "declared": sized.declared.declarations(),
            "sensitivity": sized.sensitivity.to_dicts(),
            "narrower": narrower(sized.sensitivity),
            "words": explain_choices(total),
        }
    )


def _stated(need: Need, doubt: str | None, words: str) -> Json:
    """A band as in report.json: with a status, and its assumptions in words."""
    status, reason = Status.MEASURED, need.reason
    if need.tokens is None:
        status = Status.NOT_MEASURED
    elif doubt:
        status, reason = Status.INCONCLUSIVE, need.reason or doubt
    stated = {"reason": reason, "binding_constraint": need.binding_constraint or "", "status": status, "words": words}
    return nested(need) | stated


def _cuts(sized: Sized) -> dict[str, Reservoir]:
    """The parts by kind, with the total's kind among them unless it is the corpus as one."""
    kinds = {r.stratum.kind for r in sized.total.ready} - {WHOLE}
    return {kinds.pop() if kinds else "": sized.total, **sized.parts}


def _needs(cut: Reservoir, band: Band) -> tuple[Need, dict[str, StratumNeed]]:
    """What a band asks for in all, and of each stratum by name."""
    need = cut.band(band, cut.options.sizing)
    return need, {row.stratum: row for row in need.strata}


def _strata_rows(part: Reservoir) -> list[SizedStratum | Unsized]:
    """One row per stratum: its size in each band, or why it has none."""
    needs = {band.name: _needs(part, band) for band in BANDS}
    rows: list[SizedStratum | Unsized] = []
    for ready in part.ready:
        own, spectrum = ready.stratum, ready.stratum.spectrum
        sampled = int(spectrum.tokens) if spectrum else 0
        bands = {name: (need, rows[own.name]) for name, (need, rows) in needs.items() if own.name in rows}
        rarest = rarest_kept(own, part.options)
        rows.append(SizedStratum(own.kind, own.name, own.tokens, own.documents, own.fraction, rarest, sampled, bands))
    kind = next((ready.stratum.kind for ready in part.ready), "")
    return rows + [Unsized(kind, name, f"cannot be sized because {why}") for name, why in part.unsized.items()]


def _priorities(sized: Sized) -> list[PriorityRow]:
    """What to collect first, over all kinds; the corpus as one only if there are no strata."""
    cuts = [cut for kind, cut in _cuts(sized).items() if kind] or [sized.total]
    rows = []
    for cut in cuts:
        strata = {ready.stratum.name: ready.stratum for ready in cut.ready}
        _, sizes = _needs(cut, CENTRAL)
        for row in priorities(cut.ready):
            own, size = strata[row.stratum], sizes.get(row.stratum)
            needed = size.tokens if size else None
            gain = 1000 * row.new_type_rate
            rows.append(PriorityRow(row.kind, own.name, gain, row.priority, needed, own.fraction, own.tail_retention))
    return sorted(rows, key=lambda row: (-row.priority, row.name))


def _kinds(sized: Sized) -> list[KeptStratum]:
    """Every stratum with the human text that it holds and still needs: those that hold most for their size first."""
    rows = []
    for cut in (cut for kind, cut in _cuts(sized).items() if kind):
        needs = {band.name: _needs(cut, band)[1] for band in BANDS}
        for own in (ready.stratum for ready in cut.ready):
            held = human_estimate(own.tokens, own.fraction)
            acquire = {band: sizes[own.name].tokens if own.name in sizes else None for band, sizes in needs.items()}
            share = (held.value or 0.0) / own.tokens if own.tokens else 0.0
            rows.append(KeptStratum(own.kind, own.name, held, acquire, share))
    return sorted(rows, key=lambda row: (row.kind, -row.human_share, row.name))


def _wanted(kinds: Sequence[KeptStratum]) -> list[str]:
    """The names of the few strata that most of the text to be acquired is of, by the first kind that has names."""
    for kind in NAMED:
        own = (row for row in kinds if row.kind == kind)
        needs = sorted(((row.acquire[CENTRAL.name] or 0, row.name) for row in own), reverse=True)
        total, named, so_far = sum(need for need, _ in needs), [], 0.0
        if not total:
            continue
        for need, name in needs[:2]:
            if so_far < MOST_OF * total:
                named.append(name)
                so_far += need
        return named if so_far >= MOST_OF * total else []
    return []
