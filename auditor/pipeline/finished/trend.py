"""Contamination over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from auditor.errors import ConfigError
from auditor.gate.policy import matches
from auditor.pipeline.finished.compare import AUDITS, QUANTITIES, _estimates, _series
from auditor.store.database import query
from auditor.store.shared import open_store


def trend(store: Path, *, corpus: Sequence[str] = ("*",)) -> dict[str, Any]:
    """Every quantity over the audits of a store, over the documents' own years, and early warnings.

    A series breaks where detectors, calibration or the settings behind a figure change; the last unbroken stretch is
    charted.
    Raises: ConfigError where no audit matches; StoreError
    """
    with open_store(store) as connection:
        audits = query(connection, AUDITS).to_dicts()
        audits = [audit for audit in audits if matches(audit["corpus"], corpus)]
        if not audits:
            raise ConfigError(f"{store} holds no audit of {', '.join(corpus)}")
        found = _estimates(connection, "scope_kind IN ('corpus', 'year')")
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
            "finished_at": a["finished_at"].isoformat(),
            "version": a["version"],
            "calibration": a["calibration"],
            "complete": a["complete"],
        }
        for a in audits
    ]
    return {"schema_version": "1.0", "audits": listed, "series": series, "years": years}
