"""A section for a dataset's README (its card): the audit's figures, and the same as YAML metadata for hubs.

Text outside the markers is never touched; rendering again replaces what is between them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from auditor.errors import ConfigError
from auditor.reports.model.base import E
from auditor.reports.model.schema import Corpus, Report
from auditor.reports.render.markdown import escape, table
from auditor.reports.text import dates, numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.view import human_text, summary

FILE = "README.md"
BEGIN, END = "<!-- auditor: begin -->", "<!-- auditor: end -->"
YAML_BEGIN, YAML_END = "# auditor: begin", "# auditor: end"
FENCE = "---"


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity of the section; of: what it is a share of or compared with."""

    key: str
    label: str
    of: str
    estimate: E


def lines_of(corpus: Corpus) -> list[Line]:
    """The quantities of the section."""
    judged = "documents that could be judged"
    loss, tail = corpus.diversity_loss.q0, corpus.diversity.tail_retention
    return [
        Line("synthetic_fraction", "machine-written", judged, corpus.synthetic_fraction),
        Line(
            "synthetic_fraction_tokens",
            "machine-written, by words",
            f"words of {judged}",
            corpus.synthetic_fraction_tokens,
        ),
        Line("duplicate_fraction", "repeat another document", "all documents", corpus.duplicate_fraction),
        Line("diversity_loss.q0", "word types", "human reference, at equal coverage", loss),
        Line("diversity.tail_retention", "rare words", "human reference", tail),
    ]


def merge_card(existing: str, report: Report) -> str:
    """The README with the audit's section and metadata inserted, or updated if present.

    Raises: ConfigError where one marker of a pair is missing, so that nobody's text is lost
    """
    front, body = _front_matter(existing)
    front = _between(front, metadata(report), YAML_BEGIN, YAML_END)
    body = _between(body, section(report), BEGIN, END)
    return f"{FENCE}\n{front.strip()}\n{FENCE}\n\n{body.strip()}\n"


def section(report: Report) -> str:
    """The section in Markdown, without its markers."""
    audit, corpus, made = report.audit, report.corpus, report.provenance
    rows = []
    for line in lines_of(corpus):
        shown = numbers.brief(*numbers.of_quantity(line.key, line.estimate))
        rows.append((line.label, shown, line.estimate.status.replace("_", " "), line.of))
    facts = [
        f"Audited {dates.day(audit.finished_at)} with auditor {clean(audit.version, 40)}",
        f"configuration {clean(audit.config_hash, 40)}",
        f"files {clean(made.files_hash, 64)}" if made.files_hash else "",
        f"revision {clean(made.revision, 80)}" if made.revision else "",
    ]
    parts = [
        "## Corpus audit",
        escape(f"{summary.headline(report)}."),
        *(escape(sentence) for sentence in summary.not_covered(report)),
        table(
            (
                "figure",
                "value and 95% interval" if corpus.synthetic_fraction.level == 0.95 else "value and interval",
                "status",
                "of",
            ),
            rows,
        ),
        escape(human_text.in_words(report.reservoir)),
        escape("; ".join(fact for fact in facts if fact) + "."),
        escape(clean(report.estimand, 2000)),
    ]
    return "\n\n".join(part for part in parts if part)


def metadata(report: Report) -> str:
    """The figures as YAML of a card's front matter, without its markers. Every scalar is JSON, which is YAML too."""
    audit, corpus, made = report.audit, report.corpus, report.provenance
    lines = ["corpus_audit:"]
    facts = {
        "tool": f"auditor {audit.version}",
        "audited": audit.finished_at[:10],
        "corpus": name(audit.corpus),
        "audit_id": audit.id,
        "config_hash": audit.config_hash,
        "files_hash": made.files_hash,
        "revision": made.revision,
        "complete": audit.complete,
        "documents": corpus.documents,
        "documents_judged": corpus.eligible_documents,
        "word_tokens": corpus.tokens,
    }
    lines += [f"  {key}: {_scalar(value)}" for key, value in facts.items() if value != ""]
    for line in lines_of(corpus):
        lines.append(f"  {line.key.replace('.', '_')}:")
        told = line.estimate.model_dump(include={"value", "lower", "upper", "level", "status", "reason"})
        lines += [f"    {key}: {_scalar(value)}" for key, value in told.items() if value is not None or key == "value"]
    return "\n".join(lines)


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        value = float(f"{value:.6g}")
    text = json.dumps(clean(value, 300) if isinstance(value, str) else value, ensure_ascii=True)
    # No name of a corpus can look like a marker or like markup.
    return text.replace("#", "\\u0023").replace("<", "\\u003c")


def _front_matter(text: str) -> tuple[str, str]:
    """The YAML between the fences at the top, and what follows; no fences, no YAML."""
    text = text.lstrip("\ufeff").replace("\r\n", "\n")
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        return "", text
    for place, line in enumerate(lines[1:], 1):
        if line.rstrip() == FENCE:
            return "\n".join(lines[1:place]), "\n".join(lines[place + 1 :])
    raise ConfigError(f"the card's front matter begins with {FENCE} and has no second {FENCE}: mend {FILE} first")


def _between(text: str, content: str, begin: str, end: str) -> str:
    """The text with what lies between the markers replaced, or with markers and content at its end."""
    starts, ends = text.count(begin), text.count(end)
    block = f"{begin}\n{content}\n{end}"
    if not starts and not ends:
        return f"{text.rstrip()}\n\n{block}\n" if text.strip() else f"{block}\n"
    if (starts, ends) != (1, 1) or text.index(begin) > text.index(end):
        raise ConfigError(
            f"the card holds {begin!r} {starts} times and {end!r} {ends} times; one of each, in this order, can be "
            f"brought up to date: mend {FILE} or take both away"
        )
    return text[: text.index(begin)] + block + text[text.index(end) + len(end) :]
