"""The whole audit on the sample corpus: what it says against the known truth and the frozen contract."""

import json
from importlib import resources

import duckdb
import jsonschema
import polars as pl
import pytest

from auditor.store.database import TABLES


def estimates(node, path=""):
    if isinstance(node, dict) and {"value", "lower", "upper", "status"} <= node.keys():
        yield path, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from estimates(value, f"{path}.{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from estimates(value, f"{path}[{i}]")


def test_the_report_validates_against_its_published_schema(report):
    schema = json.loads(resources.files("auditor.reports.model").joinpath("report.schema.json").read_text())
    jsonschema.validate(report, schema)


def test_every_number_carries_its_interval_method_and_status(report):
    found = list(estimates(report))
    assert len(found) > 100
    for path, e in found:
        if e["status"] == "not_measured":
            assert e["value"] is None, path
            assert e["reason"], path
        else:
            assert e["lower"] <= e["value"] <= e["upper"], (path, e)
            assert e["method"], path
        if e["status"] == "inconclusive":
            assert e["reason"], path


def test_documents_are_counted_as_they_are(report, truth, audited):
    by_name = {shard["shard"]: shard for shard in report["shards"]}
    for shard in truth["shards"]:
        assert by_name[shard["shard"]]["documents"] == shard["documents"]
        assert by_name[shard["shard"]]["eligible_documents"] == shard["eligible_documents"]
    documents = sum(shard["documents"] for shard in truth["shards"])
    assert report["corpus"]["documents"] == documents
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as connection:
        assert connection.sql("SELECT count(*) FROM documents").fetchall() == [(documents,)]


def test_planted_duplicates_are_found_and_nothing_else(truth, audited):
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as connection:
        rows = connection.sql("SELECT cluster_id, shard, row FROM clusters").fetchall()
    found: dict = {}
    for cluster, shard, row in rows:
        found.setdefault(cluster, set()).add((shard, row))
    planted = [{(shard, row) for shard, row in cluster["members"]} for cluster in truth["clusters"]]
    reachable = [members for members, c in zip(planted, truth["clusters"], strict=True) if c["jaccard"] >= 0.85]
    assert reachable
    missed = [members for members in reachable if members not in found.values()]
    assert len(missed) <= 0.05 * len(reachable)
    assert all(any(members <= cluster for cluster in planted) for members in found.values())


def test_shards_rank_by_their_true_fraction(report, truth):
    true = {shard["shard"]: shard["synthetic_fraction"] for shard in truth["shards"]}
    scored = {s["shard"]: s["synthetic_fraction"]["upper"] for s in report["shards"]}
    lowest, highest = min(true, key=true.get), max(true, key=true.get)
    assert scored[highest] > scored[lowest]


def test_intervals_hold_the_truth_of_the_sample(report, truth):
    true = {shard["shard"]: shard["synthetic_fraction"] for shard in truth["shards"]}
    inside = [
        s["synthetic_fraction"]["lower"] - 1e-9 <= true[s["shard"]] <= s["synthetic_fraction"]["upper"] + 1e-9
        for s in report["shards"]
        if s["synthetic_fraction"]["value"] is not None
    ]
    assert sum(inside) >= len(inside) - 1


def test_the_store_has_every_table_with_rows_of_this_audit(report, audited):
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as connection:
        names = {name for (name,) in connection.sql("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert set(TABLES) <= names
        ids = connection.sql("SELECT DISTINCT audit_id FROM estimates").fetchall()
        stored = connection.sql(
            "SELECT value, lower, upper FROM estimates WHERE scope_kind='corpus' AND quantity='duplicate_fraction'"
        ).fetchall()
        draws = connection.sql("SELECT scope, count(*) FROM replicates GROUP BY ALL").fetchall()
    assert ids == [(report["audit"]["id"],)]
    e = report["corpus"]["duplicate_fraction"]
    assert stored[0] == pytest.approx((e["value"], e["lower"], e["upper"]))
    assert len({count for _, count in draws}) <= 2


def test_references_never_count_as_documents(report, audited, sample):
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as connection:
        shards = {name for (name,) in connection.sql("SELECT DISTINCT shard FROM documents").fetchall()}
    assert shards == {path.name for path in sample.iterdir()}
    reference = [a for a in report["anchors"] if a["kind"] == "human" and a["origin"] == "reference"]
    assert reference[0]["used"] > 0


def test_probabilities_follow_the_scores(audited):
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as connection:
        rows = connection.sql("SELECT shard, score, probability, eligible FROM documents").pl()
    assert rows.filter(pl.col("eligible"))["probability"].null_count() == 0
    assert rows.filter(~pl.col("eligible"))["probability"].null_count() == rows.filter(~pl.col("eligible")).height
    assert rows.filter("eligible")["probability"].is_between(0, 1).all()
