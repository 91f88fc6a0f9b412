"""The provenance of a run, written in several formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from auditor.errors import ConfigError, nearest
from auditor.pipeline.finished.verify import file_hash
from auditor.pipeline.report.ledger import VOLUME, ledger_of
from auditor.pipeline.run.plan import Plan
from auditor.pipeline.run.reopen import open_database, read_report
from auditor.pipeline.run.run import load_run, need_corpus
from auditor.provenance.croissant import croissant
from auditor.provenance.ledger import top_hosts
from auditor.provenance.prov import prov_json
from auditor.provenance.record import Record
from auditor.records import Json, plain
from auditor.sources.find.plan import FOLDERS
from auditor.store.database import query

FORMATS = ("json", "croissant", "prov")


def write_record(run: Path, format: str, corpus: Sequence[str] = ()) -> Json:
    """The provenance of a finished run: the ledger itself (json), Croissant with RAI terms, or W3C PROV-JSON.

    Raises: ConfigError for another format, or where the files that Croissant hashes are no longer there
    """
    if format not in FORMATS:
        raise ConfigError(f"--format {format}: choose from {', '.join(FORMATS)}{nearest(format, FORMATS)}")
    plan = load_run(run, corpus).plan
    found = record(run, plan)
    if format == "prov":
        return prov_json(found)
    if format == "json":
        return plain(found)
    need_corpus(plan)
    return croissant(
        found, {shard.name: file_hash(shard) for shard in plan.corpus.shards if shard.format not in FOLDERS}
    )


def record(run: Path, plan: Plan) -> Record:
    """Everything known about the origin of the corpus, and what was measured in it."""
    report = read_report(run)
    with open_database(run) as connection:
        ledger = ledger_of(connection, report, plan)
        hosts = query(connection, f"SELECT host, {VOLUME} FROM documents WHERE host IS NOT NULL GROUP BY 1")
    return Record.of(report, ledger, top_hosts(hosts.rows()))
