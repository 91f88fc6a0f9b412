"""The report in a few sentences: headline, paragraph, key figures, verdict. Every renderer starts with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.reports.model.base import E
from auditor.reports.model.schema import Corpus, Report, Shard
from auditor.reports.model.sections import Finding, Images, ScoredPlace, Unread
from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import REASONS, spoken
from auditor.reports.text.numbers import Known
from auditor.reports.text.redact import redact
from auditor.reports.view import human_text
from auditor.reports.view.machine_written import touched
from auditor.reports.view.unread import files_unread

VERDICTS = {
    "pass": "Passes the policy",
    "fail": "Fails the policy",
    "inconclusive": "Inconclusive under the policy",
}
IMAGE_DECLARATIONS = {"c2pa": "C2PA", "iptc": "IPTC digital source type", "parameters": "a generator's parameters"}
SAID = 0.01  # what is not covered is said first where it is more than this share
DOCUMENTS = 5
NAMED = 3  # files of which nothing could be read
SEVERITY = ("error", "warning", "note")
LAST = ("diversity",)  # a shard of one kind of text always has fewer types than a reference of many


@dataclass(frozen=True, slots=True)
class Ruling:
    """The policy's verdict in words."""

    outcome: str
    words: str
    policy: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding ready to lay out; documents: id, shard, row, score and excerpt of those behind it."""

    severity: str
    scope_kind: str
    scope: str
    message: str
    advice: str
    kind: str
    estimate: str
    documents: list[tuple[str, ...]]


def headline(report: Report) -> str:
    """What a reader can repeat: the machine-written share with its interval or its doubt; files not read come first."""
    found = files_unread(report)
    said = _share(report.corpus.synthetic_fraction, "what was read" if found.most else "this corpus")
    if not found.most:
        return said
    return f"{found.most:,} of {numbers.plural(found.files, 'file')} {_were(found.most)} not read. {said}"


def _share(e: E, whole: str) -> str:
    if not numbers.measured(e):
        return f"How much of {whole} is machine-written could not be measured"
    low, high = numbers.percent(e.lower), numbers.percent(e.upper)
    if e.status == "inconclusive":
        return f"Inconclusive: between {low} and {high} of {whole} may be machine-written"
    if e.lower == 0 and e.upper > 0:
        return f"At most {high} of {whole} is machine-written; none was found for certain"
    bounds = numbers.interval(e)
    return f"About {numbers.percent(e.value)} of {whole} is machine-written" + (f" ({bounds}%)" if bounds else "")


def sentences(report: Report) -> list[str]:
    """The summary in plain words, one sentence per question; what the figures do not cover comes first."""
    corpus = report.corpus
    return [
        *not_covered(report),
        _read(corpus, report.shards),
        _synthetic(corpus.synthetic_fraction, report.shards),
        *touched(corpus),
        duplicated(corpus),
        diversity(corpus),
        human_text.in_words(report.reservoir),
        *declared_by_images(corpus.images),
    ]


def declared_by_images(found: Images | None) -> list[str]:
    """What the images beside the texts say of themselves; nothing where there is none."""
    if found is None or not found.images:
        return []
    if found.declared_synthetic is None:
        return [f"{numbers.plural(found.images, 'image')} not looked at: the extra `images` is not installed."]
    kinds = ((found.by.get(kind, 0), words) for kind, words in IMAGE_DECLARATIONS.items())
    said = ", ".join(f"{count:,} by {words}" for count, words in kinds if count)
    of = numbers.plural(found.images - found.unseen, "image")
    return [f"{found.declared_synthetic:,} of {of} declare that a machine made them{f' ({said})' if said else ''}."]


def not_covered(report: Report) -> list[str]:
    """What was not read or not judged, where it is more than 1%: the figures say nothing about it."""
    corpus, shards = report.corpus, report.shards
    out = []
    found = files_unread(report)
    if found.names:
        shown = ", ".join(name(path, 60) for path in found.names[:NAMED])
        more = f" and {len(found.names) - NAMED:,} more" if len(found.names) > NAMED else ""
        out.append(
            f"Nothing could be read of {len(found.names):,} of {numbers.plural(found.shards, 'file')}: {shown}{more}."
        )
    if found.partly:
        of = numbers.plural(found.shards, "file")
        out.append(f"{found.partly:,} of {of} {_were(found.partly)} not read in full; figures cover what was read.")
    left = corpus.unread or Unread()
    out += _passed_over(left, found.passed)
    unread = left.records or corpus.skipped
    records = corpus.documents + unread
    if records and unread > SAID * records:
        share = numbers.percent(unread / records)
        out.append(f"{unread:,} of {numbers.plural(records, 'record')} ({share}) could not be read.")
    judged, documents = corpus.eligible_documents, corpus.documents
    if documents and documents - judged > SAID * documents:
        share = numbers.percent((documents - judged) / documents)
        text = f"{documents - judged:,} of {numbers.plural(documents, 'document')} ({share}) could not be judged"
        why = _reasons(shards)
        out.append(f"{text}: {why}." if why else f"{text}.")
    return out


def _reasons(shards: Sequence[Shard]) -> str:
    """Why documents are not judged, the commonest reasons first."""
    counted: Counter[str] = Counter()
    for shard in shards:
        counted.update(shard.ineligible)
    return "; ".join(f"{count:,} ({clean(spoken(reason, REASONS), 80)})" for reason, count in counted.most_common(3))


def verdict(report: Report) -> Ruling | None:
    """The policy's verdict in words, or None where no policy was given."""
    found = report.verdict
    if not found:
        return None
    return Ruling(found.verdict, VERDICTS[found.verdict], clean(found.policy, 120))


def findings(report: Report) -> list[Shown]:
    """Findings, the gravest first, ready to lay out, with the documents behind them."""
    found = sorted(report.findings, key=lambda f: (SEVERITY.index(f.severity), f.kind in LAST))
    return [
        Shown(
            severity=f.severity,
            scope_kind=clean(f.scope_kind, 20),
            scope=name(f.scope),
            message=clean(f.message, 300).rstrip("."),
            advice=clean(f.advice, 300),
            kind=clean(f.kind, 40),
            estimate=_of_finding(f),
            documents=[_document(d) for d in f.documents[:DOCUMENTS]],
        )
        for f in found
    ]


def _passed_over(unread: Unread, passed: int) -> list[str]:
    """Files that were not looked at, and why."""
    if not passed:
        return []
    # Names of reasons are of records, sentences of files.
    of_files = {reason: n for reason, n in unread.by_reason.items() if " " in reason}
    shown = "; ".join(f"{n:,} {reason}" for reason, n in of_files.items() if reason != REASONS["unreadable_file"])
    return [f"{numbers.plural(passed, 'file')} passed over: {clean(shown, 200)}."]


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _of_finding(finding: Finding) -> str:
    e = finding.estimate
    if not numbers.measured(e):
        return ""
    if finding.kind == "diversity":
        return numbers.estimate(numbers.change_of_loss(e), "fewer")
    return numbers.estimate(e)


def _document(place: ScoredPlace) -> tuple[str, ...]:
    """Id, shard, row, score and excerpt of one document."""
    return (
        name(place.doc_id or f"row {place.row:,}", 60),
        name(place.shard, 60),
        f"{place.row:,}",
        f"{place.score:.2f}" if place.score is not None else "",
        redact(place.excerpt or ""),
    )


def worst_first(shards: Sequence[Shard]) -> list[Shard]:
    """Shards by the lower bound of their machine-written share; the unmeasured last; ties by name."""
    return sorted(
        shards,
        key=lambda s: (
            _or(s.synthetic_fraction.lower),
            _or(s.synthetic_fraction.value),
            _or(s.duplicate_fraction.value),
        ),
        reverse=True,
    )


def _or(number: float | None) -> float:
    return -1.0 if number is None else number


def _read(corpus: Corpus, shards: Sequence[Shard]) -> str:
    judged, skipped = numbers.count(corpus.eligible_documents), corpus.skipped
    held = sum(shard.documents > 0 for shard in shards)
    of = f"{held:,} of " if held < len(shards) == corpus.shards else ""
    documents = numbers.plural(corpus.documents, "document")
    text = f"{documents} in {of}{numbers.plural(corpus.shards, 'shard')} were read"
    listed = corpus.shards_listed
    sample = f", a sample of {listed:,}" if listed and listed > corpus.shards else ""
    text += f"{sample} ({numbers.plural(corpus.tokens, 'word token')}); {judged} could be judged."
    if skipped:
        verb = "is" if skipped == 1 else "are"
        text += f" {numbers.plural(skipped, 'record')} could not be read and {verb} listed in the report."
    return text


def _synthetic(e: E, shards: Sequence[Shard]) -> str:
    if not numbers.measured(e):
        return f"The machine-written share is {numbers.estimate(e)}."
    text = f"Of those that could be judged, {numbers.brief(e)} are wholly or mostly machine-written."
    if e.status == "inconclusive":
        text += f" The figure is inconclusive: {e.reason}."
    known = (s.synthetic_fraction for s in shards if s.synthetic_fraction.status == "measured")
    certain = sum(e.lower is not None and e.lower > 0.1 for e in known)
    if certain and len(shards) > 1:
        verb = "has" if certain == 1 else "have"
        text += f" {numbers.plural(certain, 'shard')} of {len(shards):,} {verb} more than 10%, by the whole interval."
    return text


def duplicated(corpus: Corpus) -> str:
    """Duplicates in one sentence."""
    e, across = corpus.duplicate_fraction, corpus.duplicate_fraction_across
    if not numbers.measured(e):
        return f"Duplicates are {numbers.estimate(e)}."
    if e.value == 0:
        return "No document repeats another."
    text = f"{numbers.estimate(e)} of the documents repeat another"
    return text + (
        f"; {numbers.percent(across.value)} repeat one of another shard." if numbers.measured(across) else "."
    )


def diversity(corpus: Corpus) -> str:
    """Word types and rare words against the human reference, in one sentence."""
    loss = corpus.diversity_loss.q0
    if not numbers.measured(loss):
        return f"Lost diversity is {numbers.estimate(loss)}."
    types = numbers.estimate(numbers.change_of_loss(loss), "fewer")
    text = f"Word types against the human reference, at equal coverage: {types}, {loss_words(loss)}"
    tail = numbers.change_of_ratio(corpus.diversity.tail_retention)
    return f"{text}; rare words: {numbers.estimate(tail, 'less')}." if numbers.measured(tail) else f"{text}."


def loss_words(loss: Known) -> str:
    """What the interval of a loss says of it."""
    if loss.lower > 0:
        return "diversity is lost"
    return "no loss found" if loss.value <= 0 else "a loss is possible, not certain"
