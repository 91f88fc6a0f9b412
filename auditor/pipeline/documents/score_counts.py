"""Documents counted by scope, resampling unit and score bin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from auditor.estimate.fraction.counts import BINS, HIGHEST, LOWEST, ScoreCounts
from auditor.pipeline.run.plan import CORPUS
from auditor.store.database import query

SCORE_BIN = f"least({BINS - 1}, greatest(0, floor((score - {LOWEST}) / {(HIGHEST - LOWEST) / BINS})))::INTEGER"
# Anchors are matched to the corpus by language and these lengths (the calibration's bands; words at least).
CELL_BANDS = (100, 200, 400)
CELL = "language || ' ' || CASE WHEN words < 200 THEN '100' WHEN words < 400 THEN '200' ELSE '400' END"


def count_scores(
    connection: Any, scope: str, *, where: str = "true", role: str = CORPUS, scopes: Sequence[str] | None = None
) -> ScoreCounts:
    """Score counts of eligible documents by the SQL expression `scope`; `scopes` fixes their order and completeness."""
    rows = query(
        connection,
        f"""SELECT {scope} AS scope, unit % 32 AS unit, {SCORE_BIN} AS bin,
                   count(*) AS documents, sum(words)::BIGINT AS tokens
            FROM docs WHERE role = ? AND eligible AND ({scope}) IS NOT NULL AND ({where})
            GROUP BY ALL ORDER BY ALL""",
        [role],
    )
    names = sorted(rows["scope"].unique().to_list()) if scopes is None else list(scopes)
    counts = ScoreCounts.empty(names)
    place = {name: i for i, name in enumerate(names)}
    at = np.array([place[name] for name in rows["scope"]], np.int64)
    scored = rows["bin"].is_not_null().to_numpy()
    cell = (at[scored], rows["unit"].to_numpy()[scored].astype(np.int64), rows["bin"].drop_nulls().to_numpy())
    counts.documents[cell] += rows["documents"].to_numpy()[scored]
    counts.tokens[cell] += rows["tokens"].to_numpy()[scored]
    np.add.at(counts.unscored, at[~scored], rows["documents"].to_numpy()[~scored])
    return counts


def cell_weights(connection: Any) -> dict[str, float]:
    """Eligible documents of the corpus by language x length band: what anchors are matched to."""
    rows = query(
        connection,
        f"SELECT {CELL} AS cell, count(*) AS n FROM docs WHERE role = ? AND eligible GROUP BY ALL ORDER BY ALL",
        [CORPUS],
    )
    return {cell: float(n) for cell, n in rows.iter_rows() if cell is not None}
