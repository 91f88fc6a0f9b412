"""The pages that the browser is shown: every kind of report, and the trend, compare and simulation pages."""

from __future__ import annotations

import math
from typing import Any

from auditor.reports.model.over_time import Comparison, Simulation, Trend
from auditor.reports.model.schema import check
from auditor.reports.render import pages
from auditor.reports.render.html import render_html
from tests.reports.fixture import build_report
from tests.reports.sections import missing, number, verdict

LISTED = {
    "synthetic_fraction": "machine-written share of documents",
    "duplicate_fraction": "repeated documents",
    "diversity_loss.q0": "types lost against the human reference",
    "diversity.tail_retention": "human tail kept",
    "drift.divergence": "drift from the human reference",
}
RISING = (0.03, 0.04, 0.03, 0.05, 0.04, 0.11, 0.17, 0.22)


def long_names() -> dict[str, Any]:
    """Shards named as FineWeb's, in folders of folders; one name is a single word of 200 letters."""
    report = build_report(30, seed=12)
    for i, shard in enumerate(report["shards"]):
        shard["shard"] = (
            f"HuggingFaceFW/fineweb/data/CC-MAIN-20{13 + i % 12}-{i:02}/train/language=en/000_{i:05}.parquet"
        )
    report["shards"][3]["shard"] = "w" * 200
    return report


def made_pages(name: str = "crawl") -> dict[str, str]:
    """Each page by its name. name: of corpora, shards and runs, to try hostile ones"""
    judged = {"verdict": verdict("fail", "fail")}
    quoted = {"shard": "part-0", "row": 7, "doc_id": "d7", "excerpt": "The river rose again.", "why": "reads human"}
    return {
        "report": render_html(check(build_report(6) | {"excerpts": [quoted]})),
        "one shard": render_html(check(build_report(1) | judged)),
        "many shards": render_html(check(build_report(400))),
        "ten thousand": render_html(check(build_report(10_000))),
        "long names": render_html(check(long_names())),
        "inconclusive": render_html(check(build_report(6, kind="inconclusive"))),
        "not measured": render_html(check(build_report(6, kind="not_measured"))),
        "trend": pages.render_trend(Trend.model_validate(trend(name))),
        "compare": pages.render_compare(Comparison.model_validate(compare(name))),
        "simulation": pages.render_simulation(Simulation.model_validate(simulation(name))),
    }


def trend(name: str = "crawl") -> dict[str, Any]:
    """What `auditor trend` finds: a rise with a warning, a break, a quantity that was never measured."""
    audits = [
        {
            "audit_id": f"a{i}",
            "corpus": f"{name}-{i}",
            "finished_at": f"2026-{i + 1:02d}-01T08:00:00+00:00",
            "version": "0.1.0",
            "calibration": "9f86d081884c7d65",
            "complete": i != 2,
        }
        for i in range(len(RISING))
    ]
    series = []
    for quantity, words in LISTED.items():
        rises = quantity == "synthetic_fraction"
        points = [
            missing("not in this audit")
            if quantity.startswith("drift")
            else number(value if rises else 0.1 + value / 9, 0.012, 9000)
            for value in RISING
        ]
        series.append(
            {
                "quantity": quantity,
                "words": words,
                "alarm": {"audit_id": "a6", "since": "a5"} if rises else None,
                "breaks": [{"before": "a2", "reason": f"another calibration of {name}"}] if rises else [],
                "chart": {
                    "method": "self-starting CUSUM",
                    "allowance": 0.5,
                    "limit": 4.1,
                    "false_alarm_rate": 0.05,
                    "audits": 24,
                },
                "points": [{"audit_id": f"a{i}", "estimate": point, "score": None} for i, point in enumerate(points)],
            }
        )
    years = [{"year": str(2018 + i), "estimate": number(value, 0.01, 2000)} for i, value in enumerate(RISING)]
    return {"schema_version": "1.0", "audits": audits, "series": series, "years": years}


def compare(name: str = "crawl") -> dict[str, Any]:
    """What `auditor compare` finds: one quantity worse, one better, one not compared, shards of both sides."""

    def row(quantity: str, words: str, scope: str, rise: float | None) -> dict[str, Any]:
        before, now = number(0.1, 0.01, 900), number(0.1 + (rise or 0), 0.01, 900)
        change = missing("another calibration") if rise is None else number(rise, 0.01, 900, "difference", signed=True)
        verdict = "not compared" if rise is None else "no more than noise"
        if rise is not None and abs(rise) > 0.02:
            verdict = ("worse" if rise > 0 else "better") + " by more than noise"
        return {
            "quantity": quantity,
            "words": words,
            "scope_kind": "shard",
            "scope": scope,
            "a": before,
            "b": now,
            "change": change,
            "verdict": verdict,
        }

    rises = (0.09, -0.04, 0.01, -0.01, None)
    rows = [row(q, words, "corpus", rise) for (q, words), rise in zip(LISTED.items(), rises, strict=True)]
    side = {"corpus": name, "finished_at": "2026-03-01T08:00:00+00:00", "version": "0.1.0"}
    shards = [
        row("synthetic_fraction", LISTED["synthetic_fraction"], f"{name}/{i}.parquet", math.sin(i) / 9)
        for i in range(130)
    ]
    return {
        "schema_version": "1.0",
        "a": {"name": f"runs/{name}-1", **side},
        "b": {"name": f"runs/{name}-2", **side},
        "method": "Two audits: their errors are taken as independent. `auditor merge` makes one audit of both.",
        "not_compared": {"drift.divergence": "another calibration"},
        "rows": rows,
        "shards": shards,
    }


def simulation(name: str = "crawl") -> dict[str, Any]:
    """What `auditor simulate` finds: counts and shares that fall over the generations."""
    starts = {"types": 81_230.0, "tail_presence": 0.21, "tail_mass": 1.0, "simpson_types": 99.5, "heterozygosity": 0.99}
    rows = [
        {
            "generation": g,
            "quantity": quantity,
            "value": start * math.exp(-g / 12),
            "lower": 0.93 * start * math.exp(-g / 12),
            "upper": 1.07 * start * math.exp(-g / 12),
        }
        for g in range(11)
        for quantity, start in starts.items()
    ]
    settings = {
        "generations": 10,
        "share": 0.1,
        "regime": "replace_fresh",
        "decoding": "none",
        "decoding_value": 1.0,
        "replicates": 20,
    }
    return {"source": f"the spectrum of {name}", "settings": settings, "rows": rows}
