"""The input of the estimators: the measured documents as one view in DuckDB, and score counts for any scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from auditor.pipeline.run.markers import Counts
from auditor.pipeline.run.parts import done, part_folder
from auditor.pipeline.run.plan import CORPUS, Task
from auditor.store.database import query, quoted

# Up to this many documents are held in memory, at 200 bytes each: an audit's fifty to eighty queries are then twice as
# fast.
FEW = 1_000_000
# Length bands in words; the lowest is what eligibility asks for.
LENGTH_BANDS = ((100, 200), (200, 400), (400, 1000), (1000, None))
LENGTH = (
    "CASE "
    + " ".join(f"WHEN words < {stop} THEN '{start}-{stop - 1} words'" for start, stop in LENGTH_BANDS[:-1] if stop)
    + f" ELSE '{LENGTH_BANDS[-1][0]} words and more' END"
)
# The columns of the view that define scopes, by the name of their kind.
SCOPES = {
    "shard": "shard",
    "language": "language",
    "kind": "kind",
    "source": "source",
    "topic": "topic",
    "category": "category",
    "host": "host",
    "year": "CAST(year(date) AS VARCHAR)",
    "length": LENGTH,
}


def open_view(
    connection: Any, run: Path, tasks: Sequence[Task], clusters: pl.DataFrame, near_references: pl.DataFrame
) -> None:
    """Make the view `docs`: all measured documents of all roles, with cluster and resampling unit.

    `in_corpus` marks the references' documents whose text, or nearly the same text, also stands in the corpus: they are
    no independent witnesses, and no estimate reads them.

    If there are many documents, the parts stay where they are and each query streams over the columns it names; few
    documents are copied once. A near-duplicate cluster is one resampling unit, wherever its members stand; other
    documents keep the unit that the map gave them.

    Parameters: clusters, of reduce.cluster.members; near_references (document), documents of the references that nearly
        equal one of the corpus
    """
    files = _files(run, tasks)
    names = pl.DataFrame(
        {
            "filename": [str(path) for path, _, _ in files],
            "role": [task.role for _, task, _ in files],
            "shard": [task.shard.name for _, task, _ in files],
        },
        schema={"filename": pl.String, "role": pl.String, "shard": pl.String},
    )
    register(connection, "part_files", names)
    register(connection, "members", clusters)
    register(connection, "near_references", near_references)
    if files:
        _mark_overlaps(connection, files)
        few = sum(documents for _, _, documents in files) <= FEW
        chosen = _selected(path for path, _, _ in files)
        connection.execute(f"CREATE TEMP {'TABLE' if few else 'VIEW'} docs AS {chosen}")


def _mark_overlaps(connection: Any, files: Sequence[tuple[Path, Task, int]]) -> None:
    """The table `overlaps_corpus`: stable ids of the references' documents that stand in the corpus, or nearly."""
    corpus, others = ([path for path, task, _ in files if (task.role == CORPUS) is wanted] for wanted in (True, False))
    exact = "SELECT NULL::UBIGINT AS stable_id WHERE false"
    if corpus and others:
        exact = f"SELECT r.stable_id FROM {_read(others)} r JOIN {_read(corpus)} c USING (content_1, content_2)"
    connection.execute(
        f"CREATE TEMP TABLE overlaps_corpus AS {exact} UNION SELECT document::UBIGINT FROM near_references"
    )


def pieces(run: Path, tasks: Sequence[Task]) -> Iterator[str]:
    """Selections of the corpus' documents with the columns of `docs`, about FEW each, in order of shard and split."""
    if sum(documents for _, _, documents in _files(run, tasks)) <= FEW:
        yield f"SELECT * FROM docs WHERE role = {quoted(CORPUS)}"
        return
    files, held = _files(run, [task for task in tasks if task.role == CORPUS]), 0
    chosen: list[Path] = []
    for path, _, documents in files:
        if chosen and held + documents > FEW:
            yield _selected(chosen)
            chosen, held = [], 0
        chosen.append(path)
        held += documents
    if chosen:
        yield _selected(chosen)


def _files(run: Path, tasks: Sequence[Task]) -> list[tuple[Path, Task, int]]:
    """The documents parts of what is finished, with their numbers of documents."""
    finished = [(task, marker.counts.documents) for task in tasks if (marker := done(run, task.key))]
    found = [(part_folder(run, task.key) / "documents.parquet", task, documents) for task, documents in finished]
    return [file for file in found if file[0].exists()]


def _read(files: Iterable[Path]) -> str:
    listed = ", ".join(quoted(str(path)) for path in files)
    return f"read_parquet([{listed}], union_by_name = true, filename = true)"


def _selected(files: Iterable[Path]) -> str:
    return f"""SELECT f.role, f.shard, d.* EXCLUDE (filename),
               m.cluster AS cluster_id, m.representative, m.kind AS copy_kind, m.jaccard,
               o.stable_id IS NOT NULL AS in_corpus,
               CASE WHEN m.cluster IS NULL THEN d."group" ELSE (m.cluster >> 59)::UTINYINT END AS unit
        FROM {_read(files)} d
        JOIN part_files f USING (filename)
        LEFT JOIN members m ON m.document = d.stable_id
        LEFT JOIN overlaps_corpus o ON o.stable_id = d.stable_id"""


def register(connection: Any, name: str, frame: pl.DataFrame) -> None:
    """A frame as a temporary table."""
    connection.register("_frame", frame.to_arrow())
    connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM _frame")
    connection.unregister("_frame")


def large_scopes(connection: Any, kind: str, *, least: int, most: int) -> list[str]:
    """Names of the scopes of one kind with at least `least` eligible documents, the largest `most` of them."""
    rows = query(
        connection,
        f"""SELECT {SCOPES[kind]} AS scope, count(*) AS n
            FROM docs WHERE role = ? AND eligible AND ({SCOPES[kind]}) IS NOT NULL
            GROUP BY 1 HAVING count(*) >= ? ORDER BY n DESC, scope LIMIT ?""",
        [CORPUS, least, most],
    )
    return sorted(rows["scope"].to_list())


@dataclass(frozen=True, slots=True)
class HostVolume:
    """How much text of a web host there is; a row of `hosts` in report.json."""

    host: str
    documents: int
    tokens: int


def largest_hosts(connection: Any, most: int = 20) -> list[HostVolume]:
    """The hosts with most word tokens, as a public summary of training data requires."""
    rows = query(
        connection,
        """SELECT host, count(*) AS documents, sum(words)::BIGINT AS tokens FROM docs
           WHERE role = ? AND host IS NOT NULL GROUP BY host ORDER BY tokens DESC, host LIMIT ?""",
        [CORPUS, most],
    )
    return [HostVolume(*row) for row in rows.iter_rows()]


def totals(connection: Any, kind: str, names: Iterable[str]) -> dict[str, Counts]:
    """The counts of each named scope, without what was left out of it."""
    rows = query(
        connection,
        f"""SELECT {SCOPES[kind]} AS scope, count(*) AS documents,
                   count(*) FILTER (eligible) AS eligible_documents,
                   coalesce(sum(words) FILTER (eligible), 0)::BIGINT AS tokens, sum(bytes)::BIGINT AS bytes
            FROM docs WHERE role = ? GROUP BY ALL""",
        [CORPUS],
    )
    found = {scope: Counts(0, *numbers) for scope, *numbers in rows.iter_rows()}
    return {name: found.get(name, Counts()) for name in names}
