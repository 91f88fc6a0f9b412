"""The sections of a made-up report beside its shards and strata: see fixture.py."""

from __future__ import annotations

import math
import random
from typing import Any

LANGUAGES = ("en", "de", "es", "fr", "pt", "zh", "ja", "vi")
TOPICS = ("health", "travel", "software", "finance", "recipes", "news", "law", "sports", "gardening", "history")
LENGTHS = ("100-199 words", "200-499 words", "500-999 words", "1,000 words and more")
NOT_ESTIMATED = "no human reference was given"
HOSTILE = (
    "<script>window.broken = 1</script>",
    "</style></script><img src=x onerror='window.broken = 2'>",
    "javascript:window.broken=3",
    "{{ 7*7 }}{% raw %}",
    "‮gpj.exe‬⁦x⁩",
    '=HYPERLINK("http://evil.example")',
    "[click](javascript:window.broken=4) | **bold** `code` <b> ![](https://evil.example/x.png)",
    "<svg onload=window.broken=5><a href='https://evil.example'>free</a>",
    "</table></section><iframe src=https://evil.example></iframe><!--",
    "' onpointermove='window.broken=6' x=\"",
    "x" * 10_000,
    "nul\x00bell\x07esc\x1b[31mred",
    "]]><!--",
)


def number(
    value: float, spread: float, n: int, method: str = "joint_mixture", *, signed: bool = False
) -> dict[str, Any]:
    lower, upper = value - 2 * spread, value + 2 * spread
    if not signed:
        value, lower, upper = (min(max(x, 0.0), 1.0) for x in (value, lower, upper))
    return {
        "value": value,
        "lower": lower,
        "upper": upper,
        "level": 0.95,
        "method": method,
        "n": n,
        "status": "measured",
        "reason": None,
    }


def census(value: float, n: int) -> dict[str, Any]:
    return number(value, 0.0, n, "census")


def missing(reason: str = NOT_ESTIMATED) -> dict[str, Any]:
    return {
        "value": None,
        "lower": None,
        "upper": None,
        "level": 0.95,
        "method": "",
        "n": 0,
        "status": "not_measured",
        "reason": reason,
    }


def reservoir(rng: random.Random, rows: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    total = sum(row["tokens"] for row in rows)

    def band(share: float, part: float, regime: str, constraint: str) -> dict[str, Any]:
        tokens = None if kind == "not_measured" else part * total
        return {
            "tokens": tokens,
            "documents": tokens and tokens / 510,
            "bytes": tokens and tokens * 6,
            "human_share": share,
            "regime": regime,
            "sizing": "fixed_compute",
            "upsampling": 4.0,
            "binding_constraint": constraint,
            "per_shard": [
                {"shard": row["shard"], "tokens": tokens and int(part * row["tokens"]), "documents": 1} for row in rows
            ],
            "reason": None if tokens else "the synthetic fraction was not measured",
            "status": "measured" if tokens else "not_measured",
        }

    bands = {
        "optimistic": band(0.08, 0.01, "accumulate", "tail coverage: 10 occurrences of each type kept"),
        "central": band(0.31, 0.09, "accumulate and subsample", "tail survival over the horizon"),
        "pessimistic": band(0.62, 0.33, "replace with replay", "human share at the adverse end of the interval"),
    }
    share = {"value": None, "lower": None, "upper": None, "level": 0.95, "method": "", "n": 0}
    share |= {"status": "not_measured", "reason": "not measured"}
    if kind != "not_measured":
        share |= {"value": 0.8 * total, "lower": 0.7 * total, "upper": 0.9 * total}
        share |= {"status": "measured", "reason": None}
    return {
        "horizon": 10,
        "tolerance": 0.1,
        **bands,
        "sentence": ""
        if kind == "not_measured"
        else f"Keep the human tokens of these {len(rows)} shards, and add verified human text. The tail of rare words "
        "then keeps 90% of its share over 10 generations if each generation mixes at least 31% human text.",
        "keep": {
            "tokens": share,
            "shards": [{"shard": row["shard"], "tokens": share, "worth": 0.5, "documents": 1} for row in rows[:3]],
            "kinds": [{"kind": "kind", "name": "recipes", "tokens": share, "human_share": 0.8, "acquire": {}}],
        },
        "acquire": bands,
        "coverage": [
            {"share": share, "tokens": total * times, "reached": times <= 1}
            for share, times in ((0.9, 0.3), (0.95, 1.0), (0.99, 4.0))
        ]
        if kind != "not_measured"
        else [],
        "coverage_reached": {"share": 0.953, "tokens": total} if kind != "not_measured" else None,
        "priorities": [
            {
                "kind": "language",
                "name": name,
                "gain": 14.2 / (i + 1),
                "tokens": total * 0.04 / (i + 1),
                "words": "many rare types, high machine share",
            }
            for i, name in enumerate(("vi", "ja", "pt", "de"))
        ],
        "policy": [
            {
                "band": "optimistic",
                "human_share": 0.10,
                "source": "Shumailov et al. 2024: 10% original text",
                "tokens": total * 0.02,
            },
            {
                "band": "central",
                "human_share": 0.50,
                "source": "Drayson et al. 2025: one to one",
                "tokens": total * 0.2,
            },
            {
                "band": "pessimistic",
                "human_share": 0.67,
                "source": "Bertrand et al. 2023: stability bound",
                "tokens": total * 0.4,
            },
        ],
        "sensitivity": sensitivity_rows(total) if kind != "not_measured" else [],
        "strata": [
            {"kind": "language", "name": name, "tokens": total, "documents": 900, "reason": None}
            | {
                band: {"tokens": int(total * share / (i + 2)), "binding_constraint": "coverage"}
                for band, share in (("optimistic", 0.02), ("central", 0.05), ("pessimistic", 0.08))
            }
            for i, name in enumerate(LANGUAGES)
        ],
        "declared": [
            {
                "shard": row["shard"],
                "tokens": row["tokens"],
                "verifier": "proof checker",
                "error_rate": 0.01 * i,
                "threshold": 0.02,
                "admitted": i < 2,
                "reason": "its error rate is stated",
            }
            for i, row in enumerate(rows[:3])
        ],
        "narrower": "An interval of the synthetic fraction half as wide would change the pessimistic band by a third.",
        "words": "Measured: the synthetic fraction. Chosen, not measured: the horizon.",
    }


def sensitivity_rows(total: int) -> list[dict[str, Any]]:
    """What moves the amount, and the horizon, which here does not."""
    out = []
    for varied, settings in (("fraction", (0.0, 0.1, 0.4, 0.8)), ("width", (2.0, 1.0, 0.0)), ("horizon", (1, 10))):
        for place, setting in enumerate(settings):
            for band, share in (("optimistic", 0.02), ("central", 0.05), ("pessimistic", 0.08)):
                moved = 0 if varied == "horizon" else place
                out.append(
                    {
                        "varied": varied,
                        "setting": float(setting),
                        "band": band,
                        "tokens": int(total * share * (1 + moved)),
                        "human_share": 0.3,
                        "required_share": 0.3,
                        "binding_constraint": "tail mass",
                        "reason": None,
                    }
                )
    return out


def anchors() -> list[dict[str, Any]]:
    return [
        {
            "kind": "human",
            "origin": "documents dated before November 2022",
            "scope": "en",
            "documents": 8_200,
            "used": 7_900,
            "dropped": 300,
        },
        {
            "kind": "human",
            "origin": "--human-reference ref/",
            "scope": "all",
            "documents": 2_000,
            "used": 1_988,
            "dropped": 12,
        },
        {
            "kind": "ai",
            "origin": "bundled, 11 generator families",
            "scope": "en",
            "documents": 5_000,
            "used": 5_000,
            "dropped": 0,
        },
    ]


def detectors() -> list[dict[str, Any]]:
    return [
        {
            "name": "ngram",
            "version": "1",
            "revision": "3f2a",
            "weight": 0.8,
            "reach": {
                "words": "English and 7 further languages, at least 100 words",
                "documents": 91_000,
                "share": 0.82,
            },
            "accuracy": {"auroc": 0.925, "tpr": 0.37, "fpr": 0.01, "measured_on": "sources left out in turn"},
        },
        {"name": "telltale", "version": "2", "revision": "9b01", "weight": 0.2, "reach": "any language, any length"},
    ]


def findings(rows: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    if kind in ("clean", "not_measured") or not rows:
        return []
    worst = max(rows, key=lambda row: row["synthetic_fraction"]["lower"] or 0)
    return [
        {
            "kind": "synthetic_shard",
            "severity": "error",
            "scope_kind": "shard",
            "scope": worst["shard"],
            "message": "is mostly machine-written",
            "advice": "Leave it out or have 200 of its documents labelled.",
            "evidence": {"threshold": 0.25},
            "estimate": worst["synthetic_fraction"],
        },
        {
            "kind": "template",
            "severity": "warning",
            "scope_kind": "host",
            "scope": "shop.example",
            "message": "has 4,210 near-identical product pages",
            "advice": "Keep one page of the cluster.",
            "evidence": {"cluster": 17},
            "estimate": None,
        },
    ]


def actions(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out = []
    for row in rows:
        lower = row["synthetic_fraction"]["lower"] or 0.0
        action = "drop" if lower > 0.3 else "quarantine" if lower > 0.2 else "filter" if lower > 0.1 else "keep"
        if action != "keep":
            out.append(
                {
                    "shard": row["shard"],
                    "action": action,
                    "why": "machine-written share over the threshold",
                    "documents": row["documents"],
                    "tokens": row["tokens"],
                }
            )
    return out


def filtering(rng: random.Random, rows: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    if kind == "not_measured":
        return []
    documents = sum(row["documents"] for row in rows)
    names = ("synthetic_fraction", "duplicate_fraction", "diversity_loss.q0", "diversity.tail_retention")
    before = dict(
        zip(
            names,
            (
                number(0.12, 0.01, documents),
                census(0.11, documents),
                number(0.21, 0.012, documents),
                number(0.78, 0.02, documents),
            ),
            strict=True,
        )
    )
    after = dict(
        zip(
            names,
            (
                number(0.021, 0.005, documents),
                census(0.0, documents),
                number(0.12, 0.012, documents),
                number(0.9, 0.02, documents),
            ),
            strict=True,
        )
    )
    return [
        {
            "name": "drop and deduplicate",
            "words": "One document of each cluster; documents likely machine-written left out.",
            "documents_kept": documents * 4 // 5,
            "documents_dropped": documents - documents * 4 // 5,
            "human_tokens_lost": 210_345,
            "lost_by_kind": {"en/recipe": 150_345, "en/forum": 60_000},
            "tail_types": 8_100,
            "tail_types_lost": 412,
            "tail_lost_by_kind": {"en/recipe": 390, "en/forum": 31},
            "before": before,
            "after": after,
        }
    ]


def clusters(rng: random.Random, rows: list[dict[str, Any]], hostile: bool) -> dict[str, Any]:
    def place(index: int) -> dict[str, Any]:
        name = HOSTILE[index % len(HOSTILE)] if hostile else f"<urn:uuid:{index:08d}>"
        return {"shard": rows[index % len(rows)]["shard"], "row": index * 7, "doc_id": name, "excerpt": None}

    largest = [
        {
            "cluster_id": 17 + i,
            "documents": 4_210 // (i + 1),
            "shards": min(len(rows), 9),
            "kind": "near",
            "jaccard": 0.83,
            "representative": place(i),
            "members": [place(i + j) | {"jaccard": 0.99 - 0.03 * j, "kind": "near"} for j in range(1, 4)],
        }
        for i in range(8 if rows else 0)
    ]
    sizes = [(2, 2, 4_100), (3, 4, 1_300), (5, 9, 520), (10, 99, 130), (100, 999, 12), (1000, None, 2)]
    return {
        "count": sum(c for _, _, c in sizes),
        "documents": 24_000,
        "largest": largest,
        "sizes": [{"size_from": a, "size_to": b, "clusters": c, "documents": c * a} for a, b, c in sizes],
    }


def overlaps(rng: random.Random, rows: list[dict[str, Any]]) -> dict[str, Any]:
    shown = rows[:12]
    names = [row["shard"] for row in shown]
    cells = []
    for i, row in enumerate(shown):
        for other in shown[i:]:
            drawn = rng.random()
            within = row is other
            # The diagonal is what the table of shards says of the same shard.
            share = row["duplicate_fraction_within"]["value"] if within else drawn**6 * 0.6
            if share > 0.001:
                cells.append(
                    {
                        "a": row["shard"],
                        "b": other["shard"],
                        "documents": int(share * row["documents"]),
                        "share_of_a": share,
                        "share_of_b": share if within else share * 0.8,
                    }
                )
    return {"kind": "shard", "names": names, "cells": cells, "left_out": max(0, len(rows) - 12)}


def profile(rng: random.Random, kind: str) -> dict[str, Any] | None:
    if kind == "not_measured":
        return None
    points = []
    for step in range(13):
        q = step / 4
        human = 184_000 * math.exp(-2.6 * q + 0.35 * q * q) if q < 2 else 184_000 * math.exp(-3.8 - 0.4 * (q - 2))
        corpus = human * (1 - 0.24 * math.exp(-q))
        points.append(
            {
                "q": q,
                "corpus": number(corpus, corpus * 0.03, 90_000, "hill", signed=True),
                "reference": number(human, human * 0.02, 90_000, "hill", signed=True),
            }
        )
    missing_types = [
        ("dialect", 41.0, 7.2),
        ("grandmother", 66.0, 21.0),
        ("perhaps", 190.0, 88.0),
        ("forgot", 75.0, 35.0),
    ]
    return {
        "level": "word",
        "coverage": 0.962,
        "reference": "human reference, 1,988 documents",
        "points": points,
        "missing": [{"name": a, "reference": b, "corpus": c} for a, b, c in missing_types],
        "lost": {
            "topic": [
                {
                    "name": name,
                    "reference": 100,
                    "corpus": 20 + i,
                    "reference_share": 0.1,
                    "corpus_share": 0.02,
                    "retained": number(0.2 + 0.05 * i, 0.03, 900),
                }
                for i, name in enumerate(TOPICS[:3])
            ]
        },
    }


def sensitivity(rng: random.Random, kind: str) -> dict[str, Any]:
    if kind == "not_measured":
        return {"placebo": [], "cross_checks": [], "fit": None}
    placebo = [
        {"name": f"crawl of {year}", "documents": 2_400, "estimate": number(0.002, 0.002, 2_400), "covers_zero": True}
        for year in range(2016, 2022)
    ]
    placebo[2] |= {"estimate": number(0.02, 0.006, 2_400), "covers_zero": False}
    checks = [
        {"name": "joint mixture (reported)", "estimate": number(0.121, 0.012, 90_000), "words": ""},
        {
            "name": "Rogan-Gladen at 2% false positives",
            "estimate": number(0.108, 0.02, 90_000, "rogan_gladen"),
            "words": "",
        },
        {"name": "human side alone", "estimate": number(0.136, 0.025, 90_000, "human_side"), "words": ""},
        {"name": "without bundled AI anchors", "estimate": number(0.118, 0.016, 90_000), "words": ""},
    ]
    bins = []
    for i in range(15):
        human, machine = math.exp(-((i - 4) ** 2) / 9), 0.3 * math.exp(-((i - 11) ** 2) / 6)
        bins.append(
            {
                "lower": i / 15,
                "upper": (i + 1) / 15,
                "human": human / 5.5,
                "machine": machine / 5.5,
                "observed": (human + machine) / 5.5 * rng.uniform(0.93, 1.07),
            }
        )
    fit = {
        "distance": 0.021,
        "anchors_distance": 0.034,
        "excess": 0.0,
        "p_value": 0.41,
        "words": "The mixture fits: the misfit is smaller than that between the anchors' own domains.",
        "bins": bins,
    }
    return {"placebo": placebo, "cross_checks": checks, "fit": fit}


def method() -> list[dict[str, Any]]:
    return [
        {
            "title": "Machine-written share",
            "text": "A mixture of human and machine score densities, fitted jointly over all shards.",
            "formula": "F_s(t) = (1 - a_s) H(t) + a_s M(t)",
            "references": ["Katz-Samuels, Blanchard and Scott 2019"],
        },
        {
            "title": "Near-duplicates",
            "text": "MinHash over word 5-shingles; every pair of a cluster verified.",
            "formula": "P(candidate) = 1 - (1 - J^r)^b",
            "references": [],
        },
    ]


def verdict(outcome: str = "fail", *cases: str, scope: str = "part-0", message: str = "too much") -> dict[str, Any]:
    """verdict.json with a case for each of the outcomes named."""
    return {
        "verdict": outcome,
        "exit_code": {"pass": 0, "fail": 1}.get(outcome, 4),
        "policy": "release",
        "policy_hash": "c0ffee",
        "strict": False,
        "control": "Benjamini-Hochberg.",
        "run": {"audit_id": "a1b2c3d4", "corpus": "crawl", "finished_at": "2026-03-01T10:42:17Z", "complete": True},
        "baseline": None,
        "counts": {case: cases.count(case) for case in dict.fromkeys(cases)},
        "cases": [
            {
                "rule": "share",
                "quantity": "synthetic_fraction",
                "scope_kind": "shard",
                "scope": scope,
                "verdict": case,
                "side": "above",
                "bound": 0.1,
                "value": 0.3,
                "lower": 0.2,
                "upper": 0.4,
                "level": 0.95,
                "status": "measured",
                "p_value": 0.001,
                "message": message,
            }
            for case in cases
        ],
        "waivers": [],
    }
