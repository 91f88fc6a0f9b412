"""Contamination over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from auditor.errors import ConfigError
from auditor.gate.early_warning import ALLOWANCE, FIRST, early_warning
from auditor.gate.policy import matches
from auditor.pipeline.finished.sides import AUDITS, DOWNWARD, QUANTITIES, barriers, stored_estimates
from auditor.records import Estimate, Status
from auditor.store.database import query
from auditor.store.shared import open_store


def trend(store: Path, *, corpus: Sequence[str] = ()) -> dict[str, Any]:
    """Every quantity over the audits of a store, over the documents' own years, and early warnings.

    A series breaks where detectors, calibration or the settings behind a figure change; the last unbroken stretch is
    charted. Audits stand in the order in which they were begun.

    Parameters: corpus, names or patterns; audits of several corpora are put into one series only where it is given
    Raises: ConfigError where no audit matches, or the store holds several corpora and none was named; StoreError
    """
    with open_store(store) as connection:
        audits = query(connection, AUDITS).to_dicts()
        audits = [audit for audit in audits if matches(audit["corpus"], tuple(corpus) or ("*",))]
        if not audits:
            raise ConfigError(f"{store} holds no audit" + (f" of {', '.join(corpus)}" if corpus else ""))
        names = sorted({audit["corpus"] for audit in audits})
        if len(names) > 1 and not corpus:
            shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
            raise ConfigError(
                f"{store} holds audits of {len(names)} corpora ({shown}), and a series of different corpora shows no "
                "trend: name one with --corpus NAME, or mix them with --corpus '*'"
            )
        found = stored_estimates(connection, "scope_kind IN ('corpus', 'year')")
    series = [_series(quantity, audits, found) for quantity in QUANTITIES]
    last = audits[-1]["audit_id"]
    years = [
        {"year": scope, "estimate": e.as_dict()}
        for (audit, kind, scope, quantity), e in sorted(found.items())
        if audit == last and kind == "year" and quantity == "synthetic_fraction"
    ]
    listed = [
        {
            "audit_id": a["audit_id"],
            "corpus": a["corpus"],
            "started_at": a["started_at"].isoformat(),
            "finished_at": a["finished_at"].isoformat(),
            "version": a["version"],
            "calibration": a["calibration"],
            "complete": a["complete"],
        }
        for a in audits
    ]
    return {"schema_version": "1.0", "audits": listed, "series": series, "years": years}


def _series(quantity: str, audits: Sequence[dict[str, Any]], found: Mapping[Any, Estimate]) -> dict[str, Any]:
    absent = Estimate.not_measured("not in this audit")
    points = [found.get((a["audit_id"], "corpus", "corpus", quantity), absent) for a in audits]
    start, breaks = 0, []
    for place in range(1, len(audits)):
        reason = barriers(audits[place - 1], audits[place]).get(quantity)
        if reason:
            start = place
            breaks.append({"before": audits[place]["audit_id"], "reason": reason})
    values = np.array([float("nan") if e.value is None or e.status == Status.NOT_MEASURED else e.value for e in points])
    chart = early_warning(values[start:], upward=quantity not in DOWNWARD)
    alarm = None
    if chart.alarm is not None and chart.since is not None:
        alarm = {"audit_id": audits[start + chart.alarm]["audit_id"], "since": audits[start + chart.since]["audit_id"]}
    scores = [None] * start + [None if np.isnan(s) else float(s) for s in chart.score]
    return {
        "quantity": quantity,
        "words": QUANTITIES[quantity],
        "breaks": breaks,
        "alarm": alarm,
        "audits": int(np.isfinite(values[start:]).sum()),
        "chart": {
            "needed": FIRST,
            "method": "self-starting CUSUM",
            "allowance": ALLOWANCE,
            "limit": chart.limit,
            "false_alarm_rate": chart.rate,
            "audits": chart.horizon,
        },
        "points": [
            {"audit_id": a["audit_id"], "estimate": e.as_dict(), "score": score}
            for a, e, score in zip(audits, points, scores, strict=True)
        ],
    }
