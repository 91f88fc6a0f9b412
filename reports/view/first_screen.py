"""The first screen of a report: four key figures, each with what it is a share of, and the next steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor.reports.model.base import E, R
from auditor.reports.model.reservoir import Reservoir
from auditor.reports.model.schema import Corpus, Report
from auditor.reports.model.sections import Action
from auditor.reports.text import numbers
from auditor.reports.text.clean import clean
from auditor.reports.text.labels import CONSTRAINTS, spoken
from auditor.reports.view import human_text, summary

STEPS = 3
DUPLICATES_WORTH = 0.01  # share of repeated documents from which removing them is proposed


@dataclass(frozen=True, slots=True)
class Card:
    """One key figure: value, interval, what it is a share of, what it means, and how it was made."""

    title: str
    tone: str
    state: str
    value: str
    range: str
    unit: str
    meaning: str
    why: str
    term: str


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do next, why, and the commands for it; RUN is the run's folder."""

    title: str
    why: str
    commands: tuple[str, ...]


def cards(report: Report) -> list[Card]:
    """The four key figures."""
    corpus, reservoir = report.corpus, report.reservoir
    return [
        _card("Machine-written", "synthetic", corpus.synthetic_fraction, _judged(corpus), _synthetic_means(corpus)),
        _card("Duplicated", "duplicate", corpus.duplicate_fraction, _all(corpus), _duplicates_mean(corpus)),
        _diversity(corpus.diversity_loss.q0),
        _human_text(reservoir),
    ]


def steps(report: Report) -> list[Step]:
    """The actions that would change most, at most three."""
    return list(_steps(report))[:STEPS]


def _steps(report: Report) -> Iterator[Step]:
    """All that is worth doing, the most important first."""
    corpus, planned = report.corpus, report.actions
    fraction = corpus.synthetic_fraction
    if not report.audit.complete:
        yield Step(
            "Mend the files that could not be read",
            "Their documents are in no figure. The same command reads only what is missing.",
            ("auditor audit CORPUS --out RUN",),
        )
    # A reference or labels do not help where no detector knows the language, or everything is too short.
    unsure = [s for s in report.shards if s.synthetic_fraction.status != "measured" and s.eligible_documents]
    given = any(a.kind == "human" and a.origin == "reference" and a.used for a in report.anchors)
    unanchored = (unsure or fraction.status != "measured") and not given
    if unanchored:
        yield Step(
            "Give human text of the same kinds as a reference",
            f"{numbers.plural(len(unsure), 'shard')} of {len(report.shards):,} {_have(len(unsure))} no measured share: "
            "nothing human of the same kind is known.",
            ("auditor audit CORPUS --human-reference HUMAN_TEXT --out RUN",),
        )
    flagged = [a for a in planned if a.action in ("drop", "filter")]
    if flagged:
        yield _filter(flagged)
    if given and (unsure or fraction.status == "inconclusive"):
        yield Step(
            "Have 100 documents labelled by people",
            f"{numbers.plural(len(unsure), 'shard')} of {len(report.shards):,} {_are(len(unsure))} not settled. The "
            "documents are drawn where labels narrow the interval most.",
            (
                "auditor export RUN --review 100 --out review.csv",
                "auditor label RUN review.csv",
            ),
        )
    repeated = corpus.duplicate_fraction
    if numbers.measured(repeated) and repeated.value >= DUPLICATES_WORTH:
        yield Step(
            "Keep one document of each cluster of duplicates",
            f"{numbers.percent(repeated.value)} of the documents repeat another.",
            ("auditor export RUN --keep keep.parquet",),
        )
    if not given and not unanchored:
        yield Step(
            "Compare with human text of your own",
            "No human reference was given: shares are less sharp, and lost diversity is measured less well.",
            ("auditor audit CORPUS --human-reference HUMAN_TEXT --out RUN",),
        )
    needed = (report.reservoir.acquire or report.reservoir).central.tokens
    if needed:
        yield Step(
            "Plan the human text to acquire",
            f"About {numbers.count(needed)} word tokens under central assumptions; other horizons and tolerances by "
            "options.",
            ("auditor reservoir RUN",),
        )
    yield Step("Set bounds for the next audits", "A policy turns the intervals into pass or fail.", POLICY)


def _filter(flagged: Sequence[Action]) -> Step:
    held = numbers.plural(sum(a.documents or 0 for a in flagged), "document")
    return Step(
        f"Filter {numbers.plural(len(flagged), 'shard')} with the most machine-written or repeated text",
        f"They hold {held}. The section What to do shows each figure before and after.",
        ("auditor export RUN --keep keep.parquet --drop drop.parquet --probability 0.9",),
    )


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


POLICY = ("auditor gate --init > policy.toml", "auditor gate RUN --policy policy.toml")


def _card(title: str, tone: str, e: E, unit: str, meaning: str) -> Card:
    why, term = clean(numbers.why(e), 300), f"term-{tone}"
    if not numbers.measured(e):
        return Card(title, tone, e.status, "not measured", "", "", meaning, why, term)
    bounds = numbers.interval(e)
    span = bounds.replace(" to ", "% to ") + "%" if bounds else "full count"
    return Card(title, tone, e.status, numbers.percent(e.value), span, unit, meaning, why, term)


def _diversity(loss: E) -> Card:
    title, tone, term = "Diversity", "diversity", "term-diversity"
    change = numbers.change_of_loss(loss)
    if not numbers.measured(change) or not numbers.measured(loss):
        return Card(title, tone, change.status, "not measured", "", "", clean(change.reason, 200), "", term)
    bounds = numbers.interval(change, "fewer")
    return Card(
        title,
        tone,
        change.status,
        numbers.FORMS["fewer"][0](change.value),
        bounds if " to " in bounds else f"{bounds}%" if bounds else "",
        "word types than the human reference, at equal coverage",
        f"{summary.loss_words(loss).capitalize()}.",
        clean(numbers.why(loss), 300),
        term,
    )


def _human_text(reservoir: Reservoir) -> Card:
    bands = reservoir.acquire or reservoir
    central, kept = bands.central, reservoir.keep.tokens if reservoir.keep else None
    sized = central.tokens is not None
    span = human_text.spread(bands)
    meaning = (
        f"Keep {numbers.brief(kept, 'count')} word tokens that the corpus holds." if numbers.measured(kept) else ""
    )
    if not meaning and sized:
        meaning = f"What decides: {spoken(central.binding_constraint, CONSTRAINTS)}."
    return Card(
        "Human text to acquire",
        "human",
        central.status,
        human_text.tokens(central),
        f"{span}, favourable to adverse" if span else "",
        f"{_what_of(central)}, for {numbers.plural(reservoir.horizon, 'generation')} of training" if sized else "",
        meaning,
        "central assumptions" if sized else clean(central.reason or "", 300),
        "term-human",
    )


def _what_of(band: R) -> str:
    return "word tokens of unique human text" if band.tokens else "no further human text is needed"


def _judged(corpus: Corpus) -> str:
    return f"of the {numbers.plural(corpus.eligible_documents, 'document')} that could be judged"


def _all(corpus: Corpus) -> str:
    return f"of {numbers.plural(corpus.documents, 'document')} repeat another"


def _synthetic_means(corpus: Corpus) -> str:
    e = corpus.synthetic_fraction
    if not numbers.measured(e):
        return clean(e.reason, 200)
    if e.status == "inconclusive":
        return f"Inconclusive: {clean(e.reason, 200)}."
    if e.lower == 0:
        return "The interval includes zero: none may be machine-written."
    return "Wholly or mostly written by a language model."


def _duplicates_mean(corpus: Corpus) -> str:
    e = corpus.duplicate_fraction
    if not numbers.measured(e):
        return clean(e.reason, 200)
    if e.value == 0:
        return "No document repeats another."
    return "They could be left out, and nothing would be lost: one of each cluster stays."
