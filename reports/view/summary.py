"""The report in a few sentences: headline, paragraph, key figures, verdict. Every renderer starts with it."""

from __future__ import annotations

from typing import Any

from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import CONSTRAINTS, spoken

VERDICTS = {
    "pass": "Passes the policy",
    "fail": "Fails the policy",
    "inconclusive": "Inconclusive under the policy",
    "warn": "Passes the policy, with warnings",
}
SEVERITY = ("error", "warning", "note")


def headline(report: dict[str, Any]) -> str:
    e = report["corpus"]["synthetic_fraction"]
    if not numbers.measured(e):
        return "How much of this corpus is machine-written could not be measured"
    if e["status"] == "inconclusive":
        low, high = numbers.percent(e["lower"]), numbers.percent(e["upper"])
        return f"Between {low} and {high} of this corpus may be machine-written"
    if e["lower"] == 0:
        return f"No machine-written text found beyond doubt; at most {numbers.percent(e['upper'])}"
    return f"About {numbers.percent(e['value'])} of this corpus is machine-written"


def sentences(report: dict[str, Any]) -> list[str]:
    """The summary in plain words, one sentence per question."""
    corpus = report["corpus"]
    return [
        _read(corpus),
        _synthetic(corpus["synthetic_fraction"], report["shards"]),
        _duplicates(corpus),
        _diversity(corpus),
        _reservoir(report["reservoir"]),
    ]


def verdict(report: dict[str, Any]) -> dict[str, str] | None:
    """The policy's verdict in words, or None where no policy was given."""
    found = report.get("verdict")
    if not found:
        return None
    outcome = str(found.get("verdict") or found.get("status") or "inconclusive").lower()
    policy = found.get("policy")
    return {
        "outcome": outcome if outcome in VERDICTS else "inconclusive",
        "words": VERDICTS.get(outcome, VERDICTS["inconclusive"]),
        "policy": clean(policy, 120) if isinstance(policy, str) else "",
    }


def cards(report: dict[str, Any]) -> list[dict[str, str]]:
    """The four key figures."""
    corpus, central = report["corpus"], report["reservoir"]["central"]
    return [
        _card("Machine-written", corpus["synthetic_fraction"], "of eligible documents", "synthetic"),
        _card("Duplicated", corpus["duplicate_fraction"], "of documents repeat another", "duplicate"),
        _card("Diversity lost", corpus["diversity_loss"]["q0"], "of the reference's word types", "diversity"),
        {
            "title": "Human text to acquire",
            "tone": "human",
            "state": central["status"],
            "value": tokens(central),
            "range": spread(report["reservoir"]),
            "unit": "of unique human word tokens" if central["tokens"] is not None else "",
            "why": central.get("reason") or f"central band; {spoken(central['binding_constraint'], CONSTRAINTS)}",
        },
    ]


def findings(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Findings, the gravest first, ready to lay out."""
    found = sorted(report.get("findings", []), key=lambda f: SEVERITY.index(f["severity"]))
    return [
        {
            "severity": f["severity"],
            "scope_kind": clean(f["scope_kind"], 20),
            "scope": name(f["scope"]),
            "message": clean(f["message"], 300),
            "advice": clean(f["advice"], 300),
            "kind": clean(f["kind"], 40),
            "estimate": numbers.estimate(f["estimate"]) if numbers.measured(f.get("estimate")) else "",
        }
        for f in found
    ]


def tokens(band: dict[str, Any]) -> str:
    return "not sized" if band["tokens"] is None else "none" if band["tokens"] == 0 else numbers.count(band["tokens"])


def spread(reservoir: dict[str, Any]) -> str:
    """From the optimistic to the pessimistic band."""
    low, high = reservoir["optimistic"], reservoir["pessimistic"]
    if (low["tokens"] is None and high["tokens"] is None) or tokens(low) == tokens(high):
        return ""
    return f"{tokens(low)} to {tokens(high)}"


def worst_first(shards: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Shards by the lower bound of their machine-written share; the unmeasured last; ties by name."""
    return sorted(
        shards,
        key=lambda s: (
            _or(s["synthetic_fraction"]["lower"]),
            _or(s["synthetic_fraction"]["value"]),
            _or(s["duplicate_fraction"]["value"]),
        ),
        reverse=True,
    )


def _or(number: float | None) -> float:
    return -1.0 if number is None else number


def _card(title: str, e: dict[str, Any], unit: str, tone: str) -> dict[str, str]:
    shown = numbers.percent(e["value"]) if numbers.measured(e) else "not measured"
    bounds = numbers.interval(e)
    spread = (
        f"{bounds}%" if bounds and " to " not in bounds else bounds.replace(" to ", "% to ") + ("%" if bounds else "")
    )
    known = numbers.measured(e)
    return {
        "title": title,
        "tone": tone,
        "value": shown,
        "state": e["status"],
        "unit": unit if known else "",
        "range": spread or ("full count" if known else ""),
        "why": clean(numbers.why(e), 200),
    }


def _read(corpus: dict[str, Any]) -> str:
    judged, skipped = numbers.count(corpus["eligible_documents"]), corpus["skipped"]
    text = f"{numbers.plural(corpus['documents'], 'document')} in {numbers.plural(corpus['shards'], 'shard')} were read"
    listed = corpus.get("shards_listed")
    sample = f", a sample of {listed:,}" if listed and listed > corpus["shards"] else ""
    text += f"{sample} ({numbers.plural(corpus['tokens'], 'word token')}); {judged} could be judged."
    if skipped:
        verb = "is" if skipped == 1 else "are"
        text += f" {numbers.plural(skipped, 'record')} could not be read and {verb} listed below."
    return text


def _synthetic(e: dict[str, Any], shards: list[dict[str, Any]]) -> str:
    if not numbers.measured(e):
        return f"The machine-written share is {numbers.estimate(e)}."
    text = f"Of those that could be judged, {numbers.estimate(e)} are wholly or mostly machine-written."
    if e["status"] == "inconclusive":
        text += f" This is inconclusive: {e['reason']}."
    certain = sum(1 for s in shards if (s["synthetic_fraction"]["lower"] or 0) > 0.1)
    if certain and len(shards) > 1:
        text += f" {numbers.plural(certain, 'shard lies', 'shards lie')} above 10% with the whole interval."
    return text


def _duplicates(corpus: dict[str, Any]) -> str:
    e, across = corpus["duplicate_fraction"], corpus["duplicate_fraction_across"]
    if not numbers.measured(e):
        return f"Duplicates are {numbers.estimate(e)}."
    if e["value"] == 0:
        return "No document repeats another."
    text = f"{numbers.estimate(e)} of the documents repeat another"
    return text + (
        f"; {numbers.percent(across['value'])} repeat one of another shard." if numbers.measured(across) else "."
    )


def _diversity(corpus: dict[str, Any]) -> str:
    e, tail = corpus["diversity_loss"]["q0"], corpus["diversity"]["tail_retention"]
    if not numbers.measured(e):
        return f"Lost diversity is {numbers.estimate(e)}."
    against = "against the human reference at equal coverage"
    if e["value"] >= 0:
        found = "The corpus has lost" if e["lower"] > 0 else "A loss of word types is not beyond doubt: it has lost"
        text = f"{found} {numbers.estimate(e)} of its word types {against}"
    else:
        more = {**e, "value": -e["value"], "lower": -e["upper"], "upper": -e["lower"]}
        text = f"No loss of word types was found: {against} the corpus has {numbers.estimate(more)} more"
    return text + (f"; it keeps {numbers.estimate(tail)} of the rare words." if numbers.measured(tail) else ".")


def _reservoir(reservoir: dict[str, Any]) -> str:
    central = reservoir["central"]
    if central["tokens"] is None:
        return f"How much human text is needed could not be sized: {central.get('reason') or 'see the bands below'}."
    if central["tokens"] == 0:
        return f"No further human text is needed for {reservoir['horizon']} generations{_under(reservoir)}."
    kept = numbers.percent(1 - reservoir["tolerance"])
    return (
        f"To keep {kept} of the rare language over {reservoir['horizon']} generations of training, "
        f"about {numbers.count(central['tokens'])} word tokens of further human text are needed{_under(reservoir)}."
    )


def _under(reservoir: dict[str, Any]) -> str:
    """The bands in brackets; that they agree is said too, since it means that coverage alone binds."""
    shown = spread(reservoir)
    return f" ({shown} under kind and harsh assumptions)" if shown else ", under kind and harsh assumptions alike"
