"""One document in detail: its cluster, what it shares with the representative and where it differs."""

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
    assert found["cluster"]["size"] >= 2
    assert found["differences"]
    assert all(pair["here"] != pair["representative"] for pair in found["differences"])
    assert len(found["shared"].split()) >= 5
    assert 0.75 <= jaccard < 1
    assert command(["inspect", str(audited), f"{shard}:{row}"]) == 0
    assert "differs from the representative" in capsys.readouterr().out
