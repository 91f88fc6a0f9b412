"""From report.json to what a page shows: sections of figures and tables, worst first, in words.

The view is plain dicts and strings; strings of the corpus are cleaned here and escaped by the renderer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from auditor.reports import figures, summary, words
from auditor.reports.clean import clean, name
from auditor.reports.redact import redact
from auditor.reports.summary import worst_first
from auditor.reports.vocabulary import (
    CHECKS,
    CONSTRAINTS,
    ORIGINS,
    QUANTITIES,
    REASONS,
    REGIMES,
    VARIED,
    spoken,
)

SHOWN, STATIC_ROWS, MOST_STRATA, MOST_SKIPS, MOST_FINDINGS = 24, 50, 8, 40, 40
BANDS = ("optimistic", "central", "pessimistic")
GROUPS = {"language": "By language", "topic": "By topic", "host": "By host", "length": "By length"}
ORDERS = {"q0": "all types", "q1": "common types", "q2": "very common types"}
PARTS = {"from_duplication": "duplication", "from_synthetic": "machine text", "rest": "everything else"}
ACTIONS = {"drop": "leave out", "quarantine": "keep apart until checked", "review": "have a sample labelled",
           "filter": "keep the documents that pass", "keep": "keep"}  # fmt: skip


def view(report: dict[str, Any]) -> dict[str, Any]:
    """Everything the page, the Markdown and the terminal show, section by section."""
    audit, shards = report["audit"], worst_first(report["shards"])
    return {
        "title": clean(audit["corpus"], 100) or "corpus", "headline": summary.headline(report),
        "sentences": [clean(s) for s in summary.sentences(report)], "cards": summary.cards(report),
        "verdict": summary.verdict(report), "estimand": clean(report["estimand"]),
        "findings": summary.findings(report)[:MOST_FINDINGS],
        "more_findings": max(0, len(report.get("findings", [])) - MOST_FINDINGS),
        "day": words.day(audit["finished_at"]), "took": words.duration(audit["started_at"], audit["finished_at"]),
        "synthetic": synthetic(report, shards), "duplicates": duplicates(report, shards),
        "diversity": diversity(report), "actions": actions(report), "static": static_rows(report, shards),
        "certainty": certainty(report), "method": method(report), "reproduce": reproduce(report),
    }  # fmt: skip


def synthetic(report: dict[str, Any], shards: Sequence[dict[str, Any]]) -> dict[str, Any]:
    strata = report.get("strata", [])
    every = len(shards) <= SHOWN
    caption = "Machine-written share of each shard" if every else f"The {SHOWN} worst shards of {len(shards):,}"
    groups = {kind: _worst_strata(strata, kind) for kind in GROUPS}
    along = figures.common_scale(s["synthetic_fraction"] for group in groups.values() for s in group)
    corpus = report["corpus"]
    return {
        "shards": figures.intervals(caption, [(s["shard"], s["synthetic_fraction"]) for s in shards[:SHOWN]],
                                    notes=[_alternatives(s) for s in shards[:SHOWN]]),
        "ranked": None if every else figures.ranked(shards),
        "years": figures.years(strata),
        "groups": [
            figures.intervals(GROUPS[kind], [(s["name"], s["synthetic_fraction"]) for s in group], along=along,
                              notes=[_alternatives(s) for s in group])
            | {"more": sum(s["kind"] == kind for s in strata) - len(group)}
            for kind, group in groups.items() if len(group) > 1
        ],
        "facts": [(QUANTITIES[key], words.brief(corpus[key]), words.doubt(corpus[key]), words.why(corpus[key]))
                  for key in ("synthetic_fraction", "synthetic_fraction_tokens", "mixed_fraction")],
    }  # fmt: skip


def duplicates(report: dict[str, Any], shards: Sequence[dict[str, Any]]) -> dict[str, Any]:
    known = [s for s in shards if words.measured(s["duplicate_fraction"])]
    known.sort(key=lambda s: -s["duplicate_fraction"]["value"])
    entries = [(s["shard"], _repeats(s), words.estimate(s["duplicate_fraction"])) for s in known[: SHOWN // 2]]
    clusters, corpus = report.get("clusters") or {}, report["corpus"]
    sizes = [
        (_sizes(b), [(float(b["documents"]), "duplicate")],
         f"{words.plural(b['documents'], 'document')} in {words.plural(b['clusters'], 'cluster')}")
        for b in clusters.get("sizes", [])
    ]  # fmt: skip
    return {
        "shards": figures.stacks("Documents that repeat another", entries) if entries else None,
        "facts": [(label, words.brief(corpus[key]), words.doubt(corpus[key]), words.why(corpus[key]))
                  for key, label in (("duplicate_fraction", "Repeat another document"),
                                     ("duplicate_fraction_within", "Repeat one of their own shard"),
                                     ("duplicate_fraction_across", "Repeat one of another shard"))],
        "sizes": figures.stacks("Documents by size of their cluster", sizes, unit="count") if sizes else None,
        "largest": [_cluster(c) for c in clusters.get("largest", [])[:10]],
        "count": words.plural(clusters.get("count", 0), "cluster"),
        "heat": figures.heat(report.get("overlaps") or {}), "s_curve": figures.s_curve(report.get("near_duplicates")),
        "near": report.get("near_duplicates"),
    }  # fmt: skip


def diversity(report: dict[str, Any]) -> dict[str, Any]:
    corpus, found = report["corpus"], report.get("profile")
    loss = corpus["diversity_loss"]
    parts = [(f"{label}, {ORDERS[q]}", loss[part][q]) for part, label in PARTS.items() for q in ORDERS]
    tails = [s for s in report["shards"] if words.measured(s["diversity"]["tail_retention"])]
    tails.sort(key=lambda s: s["diversity"]["tail_retention"]["upper"])
    return {
        "profile": figures.profile(found), "reference": clean((found or {}).get("reference", ""), 120),
        "coverage": words.percent(found["coverage"]) if found and found.get("coverage") else "",
        "loss": figures.intervals("Diversity lost against the reference",
                                  [(label, loss[q]) for q, label in ORDERS.items()], tone="diversity"),
        "parts": figures.intervals("Where it went: change of ln D, in hundredths", parts, unit="log", tone="diversity"),
        "tails": figures.intervals(
            "Shards that keep least of the rare words",
            [(s["shard"], s["diversity"]["tail_retention"]) for s in tails[: SHOWN // 2]], tone="diversity",
            along=figures.common_scale([s["diversity"]["tail_retention"] for s in tails[: SHOWN // 2]], zero=False)),
        "missing": [(name(m["name"], 60), *(words.count(round(m[k], 1)) for k in ("reference", "corpus")),
                     _times(m["reference"], m["corpus"])) for m in (found or {}).get("missing", [])[:16]],
    }  # fmt: skip


def actions(report: dict[str, Any]) -> dict[str, Any]:
    reservoir, planned = report["reservoir"], report.get("actions", [])
    bands = [
        (label, [(band["tokens"] or 0.0, "human")], _band(band))
        for label in BANDS for band in [reservoir[label]]
    ]  # fmt: skip
    floors = [
        (f"floor {words.percent(f['human_share'])}: {clean(f['source'], 80)}", [(f["tokens"] or 0.0, "floor")],
         words.count(f["tokens"]) if f["tokens"] is not None else "not sized")
        for f in reservoir.get("policy", [])
    ]  # fmt: skip
    return {
        "bands": figures.stacks("Human word tokens still to acquire", bands, unit="count"),
        "floors": figures.stacks("The same under floors on the human share", floors, unit="count") if floors else None,
        "regimes": [_assumptions(label, reservoir[label]) for label in BANDS],
        "notes": sorted({clean(note.removeprefix("corpus: "), 200).capitalize()
                         for label in BANDS for note in reservoir[label].get("notes", [])}),
        "sensitivity": _sensitivity(reservoir.get("sensitivity", [])),
        "horizon": reservoir["horizon"], "tolerance": words.percent(reservoir["tolerance"]),
        "priorities": [(name(f"{p['name']}", 60), clean(p["kind"], 20), _number(p.get("gain")),
                        _number(p.get("tokens")), clean(p.get("words", ""), 120))
                       for p in reservoir.get("priorities", [])[:10]],
        "counts": [(label, sum(a["action"] == key for a in planned)) for key, label in ACTIONS.items()
                   if any(a["action"] == key for a in planned)],
        "shards": [(name(a["shard"]), ACTIONS[a["action"]], clean(a["why"], 200), _number(a.get("documents")))
                   for a in sorted(planned, key=lambda a: list(ACTIONS).index(a["action"]))[:SHOWN]],
        "more": max(0, len(planned) - SHOWN),
        "filtering": _filtering(report.get("filtering", [])),
    }  # fmt: skip


def static_rows(report: dict[str, Any], shards: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The worst shards for readers without JavaScript; the script replaces them by all shards."""
    planned = {a["shard"]: a["action"] for a in report.get("actions", [])}
    rows = []
    for s in shards[:STATIC_ROWS]:
        estimates = (s["synthetic_fraction"], s["duplicate_fraction"], s["diversity_loss"]["q0"],
                     s["diversity"]["tail_retention"])  # fmt: skip
        numbers = [words.percent(e["value"]) if words.measured(e) else "not measured" for e in estimates]
        ranges = [words.interval(e) + (" ?" if e["status"] == "inconclusive" else "") for e in estimates]
        rows.append({"shard": name(s["shard"]), "cells": list(zip(numbers, ranges, strict=True)),
                     "documents": words.count(s["documents"]), "tokens": words.count(s["tokens"]),
                     "action": planned.get(s["shard"], "keep") if planned else "",
                     "flags": clean("; ".join(s["flags"]), 120)})  # fmt: skip
    return rows


def certainty(report: dict[str, Any]) -> dict[str, Any]:
    sure = report.get("sensitivity") or {}
    placebo, checks, fit = sure.get("placebo", []), sure.get("cross_checks", []), sure.get("fit")
    missed = [p for p in placebo if not p["covers_zero"]]
    skips = report.get("skips", [])
    return {
        "placebo": figures.intervals("Held-out text from before November 2022: must cover 0",
                                     [(p["name"], p["estimate"]) for p in placebo[:SHOWN]]) if placebo else None,
        "placebo_words": _placebo_words(len(placebo), [clean(p["name"], 60) for p in missed]) if placebo else "",
        "checks": figures.intervals("The same share by other methods and choices",
                                    [(spoken(c["name"], CHECKS), c["estimate"]) for c in checks]) if checks else None,
        "fit": figures.fit(fit), "fit_words": _fit_words(fit),
        "anchors": _anchors(report.get("anchors", [])),
        "detectors": [_detector(d) for d in report.get("detectors", [])],
        "skips": _skips(skips)[:MOST_SKIPS],
        "limits": [clean(text, 400) for text in report.get("limits", [])],
    }  # fmt: skip


def method(report: dict[str, Any]) -> dict[str, Any]:
    passages = [
        {"title": clean(p["title"], 100), "text": clean(p["text"], 2000), "formula": clean(p.get("formula", ""), 300),
         "references": [clean(r, 200) for r in p.get("references", [])]} for p in report.get("method", [])
    ]  # fmt: skip
    return {"passages": passages, "citations": [clean(c, 300) for c in report.get("citations", [])]}


def reproduce(report: dict[str, Any]) -> dict[str, Any]:
    audit, made = report["audit"], report.get("provenance") or {}
    facts = [("Audit", audit["id"]), ("auditor", audit["version"]), ("Configuration hash", audit["config_hash"]),
             ("Seeds", ", ".join(f"{k} {v}" for k, v in audit.get("seeds", {}).items())),
             ("Started", audit["started_at"]), ("Finished", audit["finished_at"]),
             ("Hash of the files read", made.get("files_hash", "")),
             ("Packages", ", ".join(f"{k} {v}" for k, v in made.get("packages", {}).items()))]  # fmt: skip
    return {"command": clean(made.get("command", ""), 1000), "facts": [(k, clean(v, 400)) for k, v in facts if v]}


def _worst_strata(strata: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    found = [s for s in strata if s["kind"] == kind]
    if kind == "length":
        return found[:MOST_STRATA]
    lower = [s["synthetic_fraction"]["lower"] for s in found]
    order = sorted(range(len(found)), key=lambda i: -1.0 if lower[i] is None else lower[i], reverse=True)
    return [found[i] for i in order[:MOST_STRATA]]


def _anchors(rows: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Kind, origin, scope, numbers and what is to be said of them; sets that agree in all words as one row."""
    joined: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        key = ("machine" if row["kind"] == "ai" else row["kind"], clean(spoken(row["origin"], ORIGINS), 120),
               clean(row.get("scope", ""), 60), clean(row.get("reason") or "", 120))  # fmt: skip
        numbers = joined.setdefault(key, [0, 0, 0])
        for i, field in enumerate(("documents", "used", "dropped")):
            numbers[i] += row[field]
    return [(*key[:3], *(f"{number:,}" for number in numbers), key[3]) for key, numbers in joined.items()]


def _skips(rows: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Reason by reason: what was done, records, shards and where it came first; the commonest first."""
    joined: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        detail = row.get("detail", "")
        effect = {"counted as a document, not eligible": "counted, not judged", "kept, repaired": "kept, repaired"}
        entry = joined.setdefault((row["reason"], effect.get(detail, "left out")), {"n": 0, "shards": set()})
        entry["n"] += row.get("documents", 1)
        entry["shards"].add(row["shard"])
        entry.setdefault("first", _place(row, "" if detail in effect else detail))
    found = sorted(joined.items(), key=lambda item: (-item[1]["n"], item[0]))
    return [(clean(spoken(reason, REASONS), 120), effect, f"{entry['n']:,}", f"{len(entry['shards']):,}",
             entry["first"]) for (reason, effect), entry in found]  # fmt: skip


def _place(row: dict[str, Any], detail: str) -> str:
    at = "" if row.get("row") is None else f", row {row['row']:,}"
    return name(row["shard"], 60) + at + (f": {clean(detail, 120)}" if detail else "")


def _repeats(shard: dict[str, Any]) -> list[tuple[float, str]]:
    within, across = shard["duplicate_fraction_within"], shard["duplicate_fraction_across"]
    if words.measured(within) and words.measured(across):
        inside = within["value"]
        # A document can repeat one inside and one outside: what lies over the total is drawn once.
        return [(inside, "duplicate"), (max(0.0, shard["duplicate_fraction"]["value"] - inside), "across")]
    return [(shard["duplicate_fraction"]["value"], "duplicate")]


def _sizes(b: dict[str, Any]) -> str:
    if b["size_to"] is None:
        return f"{b['size_from']:,} and more"
    return f"{b['size_from']:,}" if b["size_from"] == b["size_to"] else f"{b['size_from']:,} to {b['size_to']:,}"


def _cluster(c: dict[str, Any]) -> dict[str, Any]:
    places = [c["representative"]] if c.get("representative") else []
    lowest = c.get("jaccard")
    alike = "identical" if lowest == 1 else f"similarity at least {words.percent(lowest)}" if lowest else ""
    return {"id": clean(c["cluster_id"], 40), "alike": alike,
            "documents": f"{c['documents']:,}", "shards": f"{c['shards']:,}",
            "kind": clean(c.get("kind", ""), 10),
            "members": [{"shard": name(m["shard"], 60), "row": f"{m['row']:,}", "doc_id": name(m.get("doc_id", ""), 60),
                         "jaccard": _share(m.get("jaccard")), "excerpt": redact(m.get("excerpt") or "")}
                        for m in places + c.get("members", [])[:5]]}  # fmt: skip


def _filtering(found: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The ways to filter side by side: what each keeps, and each quantity before and after."""
    if not found:
        return None
    keys = dict.fromkeys(key for f in found for key in f.get("after", {}))
    before = {key: f["before"][key] for f in reversed(found) for key in keys if key in f.get("before", {})}
    kept = [(clean(f["name"], 80), *(_number(f.get(key)) for key in ("documents_kept", "documents_dropped",
             "tokens_kept")), clean(f.get("words", ""), 300)) for f in found]  # fmt: skip
    return {"kept": kept, "quantities": [
        figures.intervals(QUANTITIES.get(key, clean(key, 60)), [
            *([("as it is", before[key])] if key in before else []),
            *((clean(f["name"], 80), f["after"][key]) for f in found if key in f.get("after", {})),
        ]) for key in keys
    ]}  # fmt: skip


def _assumptions(label: str, band: dict[str, Any]) -> tuple[str, ...]:
    binding = clean(spoken(band["binding_constraint"], CONSTRAINTS), 120)
    return (label, clean(spoken(band["regime"], REGIMES), 120), binding, _share(band.get("required_share")),
            _share(band["human_share"]))  # fmt: skip


def _sensitivity(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """How the reservoir moves with one thing changed: the central band as value, the outer bands as its ends."""
    settings: dict[tuple[str, float], dict[str, Any]] = {}
    for row in rows:
        settings.setdefault((row["varied"], row["setting"]), {})[row["band"]] = row
    out = []
    for varied in dict.fromkeys(kind for kind, _ in settings):
        entries = [(_setting(kind, at), _bands(bands)) for (kind, at), bands in settings.items() if kind == varied]
        out.append(figures.intervals(clean(spoken(varied, VARIED), 80), entries, unit="count", tone="human"))
    return out


def _setting(varied: str, at: float) -> str:
    if varied == "width":
        return "no interval at all" if at == 0 else "as measured" if at == 1 else f"{at:g} times as wide"
    return f"{at:,.0f}" if varied == "horizon" else words.percent(at)


def _bands(bands: dict[str, dict[str, Any]]) -> dict[str, Any]:
    central = bands.get("central", {})
    tokens = [bands.get(band, {}).get("tokens") for band in BANDS]
    if None in tokens:
        reason = central.get("reason") or next((b["reason"] for b in bands.values() if b.get("reason")), None)
        return {"value": None, "status": "not_measured", "reason": clean(reason or "a band could not be sized", 120)}
    return {
        "value": tokens[1],
        "lower": min(tokens),
        "upper": max(tokens),
        "status": "measured",
        "level": 1,
        "method": f"{spoken(central.get('binding_constraint') or '', CONSTRAINTS)} (binds in the central band)",
    }


def _alternatives(scope: dict[str, Any]) -> str:
    """The same share with other shards' help, and what holds without machine text to compare with."""
    pooled, bound = scope.get("synthetic_fraction_pooled"), scope.get("synthetic_fraction_lower_bound")
    parts = [f"drawn towards like shards {words.brief(pooled)}"] if words.measured(pooled) else []
    if bound and bound.get("lower"):
        parts.append(f"at least {words.percent(bound['lower'])} without machine text to compare with")
    return "; ".join(parts)


def _detector(d: dict[str, Any]) -> tuple[str, str, str, str, str]:
    reach, seen = d.get("reach", ""), d.get("accuracy") or {}
    if isinstance(reach, dict):
        share = f"; scored {words.percent(reach['share'])} of the documents" if reach.get("share") is not None else ""
        reach = f"{reach.get('words', '')}{share}"
    accuracy = [f"AUROC {seen['auroc']:.3f}"] if seen.get("auroc") is not None else []
    if seen.get("tpr") is not None and seen.get("fpr") is not None:
        accuracy.append(f"finds {words.percent(seen['tpr'])} at {words.percent(seen['fpr'])} false alarms")
    if accuracy and seen.get("measured_on"):
        accuracy.append(str(seen["measured_on"]))
    weight = "" if d.get("weight") is None else f"{d['weight']:.2f}"
    return (clean(d["name"], 60), clean(f"{d['version']} {d.get('revision', '')}", 40), weight, clean(reach, 200),
            clean("; ".join(accuracy), 200))  # fmt: skip


def _placebo_words(slices: int, missed: list[str]) -> str:
    if not missed:
        return f"All {slices} slices cover 0, as they must."
    named = ", ".join(missed[:5])
    return f"{len(missed)} of {slices} slices do not cover 0: {named}. Read the estimates as too high there."


def _fit_words(fit: dict[str, Any] | None) -> str:
    if fit and fit.get("distance") is None and fit.get("excess") is not None:
        return f"Misfit of the scores: {words.percent(fit['excess'])} ({clean(fit.get('words', ''), 300)})."
    if not fit or fit.get("distance") is None:
        return "The fit of the mixture was not measured."
    text = f"The observed scores lie {words.percent(fit['distance'])} (total variation) from the fitted mixture"
    if fit.get("anchors_distance") is not None:
        text += f"; the anchors' own domains lie {words.percent(fit['anchors_distance'])} from each other"
    return text + ". " + clean(fit.get("words", ""), 300)


def _band(band: dict[str, Any]) -> str:
    return summary.tokens(band) + (f": {clean(band['reason'], 120)}" if band.get("reason") else "")


def _share(number: float | None) -> str:
    return "" if number is None else words.percent(number)


def _number(number: float | None) -> str:
    return "" if number is None or not math.isfinite(number) else words.count(number)


def _times(reference: float, corpus: float) -> str:
    return "absent" if corpus == 0 else f"{reference / corpus:.1f} times"
