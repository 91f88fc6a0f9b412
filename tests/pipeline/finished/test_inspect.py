"""One document in detail: its cluster, what it shares with the representative and where it differs."""

import json

import duckdb

from auditor.cli.main import run as command
from auditor.pipeline.finished.inspect import inspect_document


def test_a_near_duplicate_shows_what_it_shares_and_where_it_differs(audited, capsys):
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as connection:
        rows = connection.sql(
            "SELECT shard, row, jaccard FROM clusters WHERE kind = 'near' AND NOT representative AND jaccard < 1"
        ).fetchall()
    shard, row, jaccard = rows[0]
    found = inspect_document(audited, f"{shard}:{row}")
    assert found.cluster.size >= 2
    assert found.differences
    assert all(pair.here != pair.representative for pair in found.differences)
    assert len(found.shared.split()) >= 5
    assert 0.75 <= jaccard < 1
    assert command(["inspect", str(audited), f"{shard}:{row}"]) == 0
    assert "differs from the representative" in capsys.readouterr().out


def test_a_document_with_a_date_is_json_too(audited, capsys):
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as connection:
        ((shard, row, day),) = connection.sql(
            "SELECT shard, row, date::VARCHAR FROM documents WHERE date IS NOT NULL ORDER BY ALL LIMIT 1"
        ).fetchall()
    assert command(["inspect", str(audited), f"{shard}:{row}", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["document"]["date"] == day
    assert "text" not in found and all("begins" not in passage for passage in found["passages"])
