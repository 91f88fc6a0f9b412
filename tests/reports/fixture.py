"""Builds realistic reports with n shards, seeded: for golden files, sizes, screenshots and the browser."""

from __future__ import annotations

import math
import random
from typing import Any

from tests.reports import sections
from tests.reports.sections import HOSTILE, LANGUAGES, LENGTHS, TOPICS, census, missing, number

KINDS = ("usual", "clean", "inconclusive", "not_measured")


def build_report(shards: int = 6, seed: int = 1, *, kind: str = "usual", hostile: bool = False) -> dict[str, Any]:
    """A report with `shards` shards; kind is one of KINDS; hostile puts hostile strings wherever text may stand."""
    assert kind in KINDS
    rng = random.Random(seed)
    rows = [_shard(rng, index, kind) for index in range(shards)]
    if hostile:
        for row, text in zip(rows, HOSTILE * (1 + shards // len(HOSTILE)), strict=False):
            row["shard"] = f"{text}/{row['shard']}"
            row["path"] = row["shard"]
            row["flags"].append(text[:60])
    report = {
        "schema_version": "1.0",
        "audit": {
            "id": "a1b2c3d4",
            "started_at": "2026-03-01T09:00:00Z",
            "finished_at": "2026-03-01T10:42:17Z",
            "corpus": "crawl-2024-10",
            "version": "0.1.0",
            "config_hash": "9f86d081884c7d65",
            "seeds": {"audit": 7},
            "complete": True,
        },
        "estimand": "The share of eligible documents (supported language, at least 100 words) whose text is wholly or "
        "mostly machine-generated.",
        "corpus": _total(rng, rows, kind),
        "shards": rows,
        "strata": _strata(rng, kind, hostile),
        "reservoir": sections.reservoir(rng, rows, kind),
        "anchors": sections.anchors(),
        "detectors": sections.detectors(),
        "findings": sections.findings(rows, kind),
        "skips": [
            {"shard": row["shard"], "reason": "invalid UTF-8", "documents": 3, "row": None, "detail": ""}
            for row in rows[:3]
        ],
        "provenance": {
            "command": "auditor audit crawl-2024-10 --out run",
            "config": {"level": 0.95},
            "packages": {"polars": "2.1.0", "duckdb": "2.0.0"},
            "files_hash": "ab" * 16,
        },
        "actions": sections.actions(rows),
        "filtering": sections.filtering(rng, rows, kind),
        "clusters": sections.clusters(rng, rows, hostile),
        "overlaps": sections.overlaps(rng, rows),
        "near_duplicates": {
            "permutations": 128,
            "bands": 16,
            "rows": 8,
            "threshold": 0.8,
            "shingle_words": 5,
            "verified": "exact shingle Jaccard",
            "candidates": 51_023,
            "rejected": 4_100,
            "leftover": 0,
        },
        "profile": sections.profile(rng, kind),
        "sensitivity": sections.sensitivity(rng, kind),
        "hosts": [
            {
                "host": HOSTILE[i % len(HOSTILE)] if hostile else f"host{i}.example",
                "documents": 9_000 // (i + 1),
                "tokens": 5_000_000 // (i + 1),
            }
            for i in range(12)
        ],
        "method": sections.method(),
        "limits": [
            "Not evidence about a person: a score of one text proves nothing, and non-native writers are flagged more.",
            "No upper bound covers machine text that no detector can tell from human text.",
            "Short texts, templates, code and machine translation are judged badly.",
        ],
        "citations": ["Lang and Reiczigel 2014, Preventive Veterinary Medicine 113", "Chao and Jost 2012, Ecology 93"],
        "excerpts": [],
        "verdict": None,
    }
    if kind != "not_measured":
        _with_coverage(report, rng, hostile)
    if hostile:
        report["audit"]["corpus"] = "".join(HOSTILE[:5])
        report["limits"] += list(HOSTILE)
        report["findings"] += [
            {
                "kind": text,
                "severity": "warning",
                "scope_kind": "shard",
                "scope": text,
                "message": text,
                "advice": text,
                "evidence": {text[:40]: text},
                "estimate": None,
            }
            for text in HOSTILE
        ]
        report["excerpts"] = [{"shard": text, "row": 1, "doc_id": text, "excerpt": text} for text in HOSTILE]
    return report


def _with_coverage(report: dict[str, Any], rng: random.Random, hostile: bool) -> None:
    """Kinds of text with their anchors, and the scores of the worst shards."""
    kinds = list(HOSTILE[:5]) if hostile else ["court rulings", "encyclopaedia", "manuals", "news", "recipes"]
    rows = [{"kind": k, "documents": 400 * (i + 1), "anchors": 90 * i, "trust": 0.9} for i, k in enumerate(kinds)]
    report["corpus"]["anchor_coverage"] = {"share": 0.93, "anchors": 900, "kinds": rows}
    for shard in report["shards"]:
        shard["anchor_coverage"] = {"share": round(rng.random(), 3), "anchors": 90, "kinds": rows[:2]}
    bins = [
        {"lower": b / 2, "upper": (b + 1) / 2, "observed": 0.1, "human": 0.08 - 0.006 * b, "machine": 0.007 * b}
        for b in range(10)
    ]
    report["sensitivity"]["histograms"] = [
        {"scope_kind": "shard", "scope": shard["shard"], "bins": bins} for shard in report["shards"][:3]
    ]


def _fraction(rng: random.Random, kind: str, value: float, spread: float, n: int) -> dict[str, Any]:
    if kind == "not_measured":
        return missing("no detector applies to this language")
    out = number(value, spread, n)
    if kind == "inconclusive":
        out |= {
            "lower": 0.0,
            "upper": min(1.0, value + 0.4),
            "status": "inconclusive",
            "reason": "human and machine scores overlap everywhere",
        }
    return out


def _quantities(rng: random.Random, kind: str, level: float, n: int) -> dict[str, Any]:
    within, across = 0.02 + 0.06 * rng.random() ** 2, 0.03 + 0.25 * rng.random() ** 4
    loss = 0.03 + 0.6 * level * rng.random()
    hill = {
        f"q{q}": number(size, size * 0.02, n, "hill_equal_coverage", signed=True)
        for q, size in enumerate((184_000.0 * (1 - loss), 9_100.0 * (1 - loss / 2), 610.0))
    }
    lost = {f"q{q}": number(loss / (1 + q), 0.012, n, "hill_equal_coverage", signed=True) for q in range(3)}
    parts = {
        name: {
            f"q{q}": number(part * math.log(1 - loss) / (1 + q), 0.006, n, "log_ratio", signed=True) for q in range(3)
        }
        for name, part in (("from_duplication", 0.2), ("from_synthetic", 0.6), ("rest", 0.2))
    }
    tail = number(1 - 1.3 * loss, 0.02, n, "tail_mass_ratio")
    if kind == "not_measured":
        hill = dict.fromkeys(hill, missing())
        lost = dict.fromkeys(lost, missing())
        parts = {name: dict.fromkeys(lost, missing()) for name in parts}
        tail = missing()
    return {
        "synthetic_fraction": _fraction(rng, kind, level, 0.006 + 0.08 * math.sqrt(level) * rng.random(), n),
        "synthetic_fraction_tokens": _fraction(rng, kind, level * 0.9, 0.02, n),
        "mixed_fraction": missing("partly machine-written text is not measured"),
        "duplicate_fraction": census(min(1.0, within + across), n),
        "duplicate_fraction_within": census(within, n),
        "duplicate_fraction_across": census(across, n),
        "diversity": hill | {"tail_retention": tail, "levels": {}},
        "diversity_loss": lost | parts,
    }


def _shard(rng: random.Random, index: int, kind: str) -> dict[str, Any]:
    documents = int(20_000 * rng.lognormvariate(0, 0.5))
    level = 0.0 if kind == "clean" or rng.random() < 0.08 else min(0.95, rng.lognormvariate(-2.6, 0.9))
    name = f"CC-MAIN-2024-{10 + index // 1000 * 8:02d}/000_{index:05d}.parquet"
    return {
        "shard": name,
        "path": f"data/{name}",
        "documents": documents,
        "eligible_documents": int(documents * rng.uniform(0.6, 0.95)),
        "tokens": documents * rng.randint(380, 620),
        "bytes": documents * rng.randint(2200, 3900),
        "skipped": rng.choice([0, 0, 0, 1, 3]),
        **_quantities(rng, kind, level, documents),
        "drift": {},
        "flags": ["over 25% machine-written"] if level > 0.25 else [],
    }


def _total(rng: random.Random, rows: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    sums = {
        key: sum(row[key] for row in rows) for key in ("documents", "eligible_documents", "tokens", "bytes", "skipped")
    }
    known = [row["synthetic_fraction"]["value"] for row in rows if row["synthetic_fraction"]["value"] is not None]
    level = sum(known) / len(known) if known else 0.1
    drift = {
        "divergence": number(0.02, 0.002, sums["documents"], "Jensen-Shannon divergence", signed=True),
        "p_value": 0.0005,
        "stage": "early",
        "stage_evidence": "q0 lost 12% [9%, 14%]; tail retained 85% [82%, 88%]",
    }
    quantities = _quantities(rng, kind, level, sums["eligible_documents"])
    return {"shards": len(rows), **sums, **quantities, "drift": {} if kind == "not_measured" else drift}


def _strata(rng: random.Random, kind: str, hostile: bool) -> list[dict[str, Any]]:
    def stratum(group: str, name: str, level: float, documents: int) -> dict[str, Any]:
        spread = 0.004 + 0.5 * math.sqrt(max(level, 0.01) / documents)
        return {
            "kind": group,
            "name": name,
            "documents": documents,
            "eligible_documents": documents * 4 // 5,
            "tokens": documents * 510,
            "synthetic_fraction": _fraction(rng, kind, level, spread, documents),
        }

    out = []
    for year in range(2013, 2026):
        rise = 0.0 if year < 2022 else (0.03, 0.12, 0.24, 0.36)[year - 2022]
        out.append(stratum("year", str(year), 0.0 if kind == "clean" else rise, 2_000 + 900 * (year - 2012)))
    for group, names in (("language", LANGUAGES), ("topic", TOPICS), ("length", LENGTHS)):
        out += [stratum(group, name, rng.random() ** 2 * 0.4, rng.randint(900, 60_000)) for name in names]
    hosts = (
        list(HOSTILE)
        if hostile
        else [f"{word}.example" for word in ("blog", "wiki", "shop", "forum", "daily-news", "seo-farm")]
    )
    out += [stratum("host", name, rng.random() ** 2 * 0.8, rng.randint(300, 9_000)) for name in hosts]
    return out
