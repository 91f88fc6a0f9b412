"""What an estimate was made from, as rows of the store, so that two audits can be fitted together."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from auditor.estimate.fraction.anchors import AnchorSet, Trust
from auditor.estimate.fraction.atoms import Atoms
from auditor.estimate.fraction.counts import BINS, ScoreCounts
from auditor.estimate.fraction.joint_fit import Evidence
from auditor.estimate.fraction.kind_units import REST, UNKNOWN_VARIANCE, KindUnits
from auditor.pipeline.fraction.measure import Synthetic
from auditor.store.database import append, query

TRUST = {"reference": Trust.REFERENCE, "dated": Trust.DATED}
KNOWN = ("known_human", "labelled_human", "labelled_machine")


def store_evidence(connection: Any, audit_id: str, synthetic: Synthetic) -> None:
    """The score counts of an audit that is being finalised, in the table `score_counts`; its kinds in `kinds`."""
    frames = [_rows("human", a.origin, a.counts) for a in synthetic.anchors.human]
    frames += [_rows("ai", a.origin, a.counts) for a in synthetic.anchors.machine]
    for atoms in synthetic.atoms.values():
        frames.append(_rows("target", "", atoms.counts))
        for role in KNOWN:
            known = getattr(atoms, role)
            if known.any():
                frames.append(_rows(role, "", _as_counts(atoms.counts.scopes, known)))
    if frames:
        append(connection, "score_counts", pl.concat(frames).with_columns(audit_id=pl.lit(audit_id)))
    append(connection, "kinds", kind_rows(connection, synthetic.units).with_columns(audit_id=pl.lit(audit_id)))


def kind_rows(connection: Any, units: KindUnits) -> pl.DataFrame:
    """The kinds of text of the corpus: documents, anchors, and how scores become human units."""
    sizes = query(
        connection,
        """SELECT coalesce(kind, language || '/other', 'und/other') AS kind, count(*) AS documents,
                  sum(words)::BIGINT AS tokens FROM docs WHERE role = 'corpus' AND eligible GROUP BY 1""",
    )
    frame = units.frame().join(sizes, on="kind", how="left").with_columns(pl.col("documents", "tokens").fill_null(0))
    return frame.sort("kind")


def read_evidence(connection: Any) -> Evidence | None:
    """The score counts of a run, None where it was finalised before they were kept."""
    tables = set(query(connection, "SELECT table_name FROM duckdb_tables()")["table_name"])
    if not {"score_counts", "kinds"} <= tables:
        return None
    rows = query(connection, "SELECT * EXCLUDE (audit_id) FROM score_counts")
    parts = rows.partition_by("role", "origin", as_dict=True)
    if ("target", "") not in parts:
        return None
    kinds = query(connection, "SELECT * EXCLUDE (audit_id) FROM kinds ORDER BY kind")
    target = _counts(parts["target", ""])
    known = {role: _counts(parts[role, ""], target.scopes) for role in KNOWN if (role, "") in parts}
    shards = tuple(query(connection, "SELECT shard FROM shards ORDER BY shard")["shard"])
    human, machine = (
        tuple(
            AnchorSet(origin, TRUST[origin], _counts(part), "known-ai" if role == "ai" else "")
            for (role, origin), part in sorted(parts.items())
            if role == wanted
        )
        for wanted in ("human", "ai")
    )
    shift = dict(kinds.select("kind", "shift").iter_rows())
    return Evidence(shards, _atoms(target, known, shards, kinds), human, machine, shift)


def _atoms(
    target: ScoreCounts, known: dict[str, ScoreCounts], shards: tuple[str, ...], kinds: pl.DataFrame
) -> dict[str, Atoms]:
    place = {name: i for i, name in enumerate(shards)}
    covered = dict(kinds.select("kind", "covered").iter_rows())
    variance = dict(kinds.select("kind", "variance").iter_rows())
    split = [name.rpartition("\t") for name in target.scopes]
    out = {}
    for language in sorted({group.partition("/")[0] for _, _, group in split}):
        at = np.array([i for i, part in enumerate(split) if part[2].partition("/")[0] == language])
        own = [kind for kind in variance if kind.partition("/")[0] == language]
        mean = float(np.mean([variance[kind] for kind in own])) if own else UNKNOWN_VARIANCE
        average = float(np.mean([covered[kind] for kind in own])) if own else 0.0
        groups = tuple(dict.fromkeys(split[i][2] for i in at))
        variances = [mean / 2 if name.endswith(f"/{REST}") else variance.get(name, mean) for name in groups]
        none = np.zeros((len(at), BINS))
        out[language] = Atoms(
            target.take(at),
            np.array([place[split[i][0]] for i in at], np.int64),
            np.array([groups.index(split[i][2]) for i in at], np.int64),
            groups,
            np.array(variances),
            1 - np.array([covered.get(split[i][2], average) for i in at]),
            *(known[role].histogram[at].astype(float) if role in known else none for role in KNOWN),
        )
    return out


def _as_counts(scopes: tuple[str, ...], histogram: np.ndarray) -> ScoreCounts:
    counts = ScoreCounts.empty(scopes)
    counts.documents[:, 0] = np.round(histogram).astype(np.int64)
    return counts


def _rows(role: str, origin: str, counts: ScoreCounts) -> pl.DataFrame:
    scope, unit, column = np.nonzero(counts.documents)
    names = pl.Series(list(counts.scopes), dtype=pl.String)
    return pl.DataFrame(
        {
            "role": pl.repeat(role, len(scope), eager=True, dtype=pl.String),
            "origin": pl.repeat(origin, len(scope), eager=True, dtype=pl.String),
            "scope": names.gather(scope),
            "unit": unit.astype(np.uint8),
            "bin": column.astype(np.uint8),
            "documents": counts.documents[scope, unit, column].astype(float),
            "tokens": counts.tokens[scope, unit, column].astype(float),
        }
    )


def _counts(rows: pl.DataFrame, names: tuple[str, ...] | None = None) -> ScoreCounts:
    scopes = tuple(sorted(rows["scope"].unique().to_list())) if names is None else names
    counts = ScoreCounts.empty(scopes)
    place = {name: i for i, name in enumerate(scopes)}
    at = (np.array([place[name] for name in rows["scope"]], np.int64), rows["unit"].to_numpy(), rows["bin"].to_numpy())
    counts.documents[at], counts.tokens[at] = rows["documents"].to_numpy(), rows["tokens"].to_numpy()
    return counts
