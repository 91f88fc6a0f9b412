"""Documents counted by scope, kind of text, resampling unit and score bin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from auditor.estimate.fraction.atoms import Atoms, atoms_of
from auditor.estimate.fraction.counts import BINS, ScoreCounts
from auditor.estimate.fraction.kind_units import ANCHOR_STATISTICS, REST, KindUnits
from auditor.pipeline.documents.view import register
from auditor.pipeline.run.plan import CORPUS
from auditor.run_columns import HIGHEST, LOWEST
from auditor.store.database import query

# Bin of the score in human units of this audit (the column `units` of the view `scored`).
SCORE_BIN = f"least({BINS - 1}, greatest(0, floor((units - {LOWEST}) / {(HIGHEST - LOWEST) / BINS})))::INTEGER"
# The same bin of the column `score` of the table `documents`, which is in these units.
STORED_BIN = SCORE_BIN.replace("units", "score")
# The kind of text of a document; the content model knows none for some.
KIND = "coalesce(kind, language || '/other', 'und/other')"
# Score in human units of the kind in this audit, of a document `d` joined to its row `u` of `kind_units`.
UNITS = f"greatest({LOWEST}, least({HIGHEST}, (d.score - coalesce(u.shift, 0)) / coalesce(u.scale, 1)))"


def kind_of(alias: str) -> str:
    """The expression KIND over the columns of a named table."""
    return KIND.replace("kind,", f"{alias}.kind,").replace("lang", f"{alias}.lang")


def kinds_of(connection: Any) -> list[str]:
    """Every kind of text among the eligible documents, in order of its name."""
    rows = query(connection, f"SELECT DISTINCT {KIND} AS kind FROM docs WHERE eligible ORDER BY 1")
    return rows["kind"].to_list()


def anchor_statistics(connection: Any, where: str, *, role: str = CORPUS) -> pl.DataFrame:
    """Number and 16, 50 and 84% quantiles of the mapped scores of known human documents, by kind of text."""
    rows = query(
        connection,
        f"""SELECT {KIND} AS kind, count(*)::DOUBLE AS n, quantile_cont(score::DOUBLE, 0.16) AS low,
                   quantile_cont(score::DOUBLE, 0.5) AS middle, quantile_cont(score::DOUBLE, 0.84) AS high
            FROM docs WHERE role = ? AND eligible AND score IS NOT NULL AND ({where}) GROUP BY 1 ORDER BY 1""",
        [role],
    )
    return rows.cast(ANCHOR_STATISTICS)  # type: ignore[arg-type]


def open_scored(connection: Any, units: KindUnits) -> None:
    """Make the view `scored`: `docs` with `units`, the score in human units of the document's kind in this audit."""
    register(connection, "kind_units", units.frame())
    connection.execute(
        f"""CREATE OR REPLACE TEMP VIEW scored AS
            SELECT d.*, {UNITS} AS units FROM docs d LEFT JOIN kind_units u ON u.kind = {kind_of("d")}"""
    )


def count_scores(
    connection: Any, scope: str, *, where: str = "true", role: str = CORPUS, scopes: Sequence[str] | None = None
) -> ScoreCounts:
    """Score counts of eligible documents by the SQL expression `scope`; `scopes` fixes their order and completeness."""
    rows = query(
        connection,
        f"""SELECT {scope} AS scope, unit % 32 AS unit, {SCORE_BIN} AS bin,
                   count(*) AS documents, sum(words)::BIGINT AS tokens
            FROM scored WHERE role = ? AND eligible AND ({scope}) IS NOT NULL AND ({where})
            GROUP BY ALL ORDER BY ALL""",
        [role],
    )
    return _counts(rows, sorted(rows["scope"].unique().to_list()) if scopes is None else list(scopes))


def count_atoms(
    connection: Any,
    scope: str,
    scopes: Sequence[str],
    units: KindUnits,
    *,
    where: str = "true",
    human: str | None = None,
    labelled: bool = False,
) -> dict[str, Atoms]:
    """The atoms of some scopes, by language.

    Parameters: scope, an SQL expression over `scored`; human, a condition that documents known to be human by their
        date meet; labelled, whether people's labels (table `labelled`) are taken into account
    """
    listed = pl.DataFrame({"scope": list(scopes)}, schema={"scope": pl.String})
    eligible = f"role = '{CORPUS}' AND eligible AND ({scope}) IS NOT NULL AND ({where})"
    sizes = query(
        connection,
        f"""SELECT ({scope})::VARCHAR AS scope, split_part({KIND}, '/', 1) AS language, {KIND} AS kind,
                   count(*) AS n FROM scored WHERE {eligible} GROUP BY ALL ORDER BY ALL""",
    )
    plan = atoms_of(sizes.join(listed, on="scope", how="semi"))
    connection.execute("DROP TABLE IF EXISTS atom_plan")
    register(
        connection,
        "atom_plan",
        plan.select(of_scope="scope", of_language="language", of_kind="kind", atom="atom"),
    )
    joined = f"""(SELECT s.*, a.atom FROM scored s JOIN atom_plan a ON a.of_scope = ({scope})::VARCHAR
                  AND a.of_language = split_part({kind_of("s")}, '/', 1) AND a.of_kind = {kind_of("s")}
                  WHERE {eligible})"""
    names = plan["atom"].unique(maintain_order=True).to_list()
    rows = query(
        connection,
        f"""SELECT atom AS scope, unit % 32 AS unit, {SCORE_BIN} AS bin, count(*) AS documents,
                   sum(words)::BIGINT AS tokens FROM {joined} GROUP BY ALL ORDER BY ALL""",
    )
    conditions = [human or "false"]
    for label in ("human", "ai"):
        said = f"(shard, row) IN (SELECT (shard, row) FROM labelled WHERE label = '{label}')"
        conditions.append(said if labelled else "false")
    known = tuple(_binned(connection, joined, condition, names) for condition in conditions)
    return _by_language(plan, names, scopes, _counts(rows, names), known, units)


def _binned(connection: Any, joined: str, condition: str, names: list[str]) -> np.ndarray:
    """Documents (atoms, BINS) that meet a condition: by atom and bin alone, a thirty-second of the memory."""
    out = np.zeros((len(names), BINS))
    if condition == "false":
        return out
    rows = query(
        connection,
        f"""SELECT atom AS scope, {SCORE_BIN} AS bin, count(*) AS documents FROM {joined}
            WHERE {condition} GROUP BY ALL ORDER BY ALL""",
    ).drop_nulls("bin")
    place = dict(zip(names, range(len(names)), strict=True))
    out[[place[name] for name in rows["scope"]], rows["bin"].to_numpy()] = rows["documents"].to_numpy()
    return out


def _by_language(
    plan: pl.DataFrame,
    names: list[str],
    scopes: Sequence[str],
    whole: ScoreCounts,
    known: tuple[np.ndarray, ...],
    units: KindUnits,
) -> dict[str, Atoms]:
    place = {name: i for i, name in enumerate(scopes)}
    frame = plan.join(units.frame().select("kind", "covered"), on="kind", how="left")
    weight = pl.col("n") / pl.col("n").sum()
    described = frame.group_by("atom", maintain_order=True).agg(
        pl.col("scope").first(),
        pl.col("language").first(),
        pl.col("group").first(),
        covered=(pl.col("covered").fill_null(0.0) * weight).sum(),
    )
    groups = _groups(units)
    out = {}
    for (language,), rows in described.with_row_index("at").group_by("language", maintain_order=True):
        at = rows["at"].to_numpy().astype(np.int64)
        variance = groups[str(language)]
        order = {name: i for i, name in enumerate(variance)}
        out[str(language)] = Atoms(
            whole.take(at),
            np.array([place[name] for name in rows["scope"]], np.int64),
            np.array([order[name] for name in rows["group"]], np.int64),
            tuple(variance),
            np.array(list(variance.values())),
            1 - rows["covered"].to_numpy(),
            *(part[at] for part in known),
        )
    return out


def _groups(units: KindUnits) -> dict[str, dict[str, float]]:
    """Every group of atoms by language with the variance of its location: the kinds, and the rest.

    All groups, whatever the scopes: one posterior serves every choice of scopes.
    """
    out: dict[str, dict[str, float]] = {}
    for kind, variance in zip(units.kinds, units.variance, strict=True):
        out.setdefault(kind.partition("/")[0], {})[kind] = float(variance)
    for language, kinds in out.items():
        # errors average out over documents of many kinds, but not over neighbouring kinds
        kinds[f"{language}/{REST}"] = float(np.mean(list(kinds.values()))) / 2
    return out


def _counts(rows: pl.DataFrame, names: Sequence[str]) -> ScoreCounts:
    counts = ScoreCounts.empty(names)
    place = {name: i for i, name in enumerate(names)}
    at = np.array([place[name] for name in rows["scope"]], np.int64)
    scored = rows["bin"].is_not_null().to_numpy()
    cell = (at[scored], rows["unit"].to_numpy()[scored].astype(np.int64), rows["bin"].drop_nulls().to_numpy())
    counts.documents[cell] += rows["documents"].to_numpy()[scored]
    counts.tokens[cell] += rows["tokens"].to_numpy()[scored]
    np.add.at(counts.unscored, at[~scored], rows["documents"].to_numpy()[~scored])
    return counts
