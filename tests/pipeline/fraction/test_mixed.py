"""Assisted and touched shares of a real audit: in the report, the store, policies and comparisons."""

import duckdb
import pytest

from auditor.gate.quantities import is_known, is_share
from auditor.pipeline.finished.compare import compare


def whole(scope: dict, name: str) -> dict:
    found = scope[name]
    assert found["value"] is not None, found["reason"]
    assert 0 <= found["lower"] <= found["value"] <= found["upper"] <= 1
    return found


def test_every_shard_has_both_shares_and_their_intervals_hold_the_truth(report, truth):
    """The sample holds human and wholly machine-written text, no edited one."""
    made = {shard["shard"]: shard["synthetic_fraction"] for shard in truth["shards"]}
    for shard in report["shards"]:
        touched, mixed = whole(shard, "touched_fraction"), whole(shard, "mixed_fraction")
        assert touched["lower"] - 0.01 <= made[shard["shard"]] <= touched["upper"] + 0.01, shard["shard"]
        assert mixed["lower"] <= 0.01
        region = shard["authorship"]
        assert region["touched"] == pytest.approx([touched["lower"], touched["upper"]], abs=1e-6)
        assert region["identified"] == (mixed["status"] == "measured")
        assert len(region["region"]) >= 2
    clean = min(report["shards"], key=lambda shard: made[shard["shard"]])
    assert clean["touched_fraction"]["status"] == clean["mixed_fraction"]["status"] == "measured"


def test_the_corpus_and_its_strata_have_them_and_small_strata_say_why_not(report):
    whole(report["corpus"], "touched_fraction")
    for stratum in report["strata"]:
        found = stratum["mixed_fraction"]
        if stratum["eligible_documents"] < 100:
            assert found["status"] == "not_measured"
        assert found["status"] == "measured" or found["reason"]


def test_what_was_touched_holds_what_was_written_and_what_was_edited(report):
    known = [s for s in (report["corpus"], *report["shards"], *report["strata"]) if s["touched_fraction"]["n"]]
    split = [s for s in known if s["touched_fraction"]["value"] is not None]
    assert len(split) > len(report["shards"])
    for scope in split:
        for name in ("lower", "value", "upper"):
            parts = [scope[part][name] for part in ("synthetic_fraction", "mixed_fraction")]
            assert scope["touched_fraction"][name] >= max(parts) - 1e-9


def test_the_store_keeps_estimates_and_draws(audited, report):
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as connection:
        rows = connection.sql(
            """SELECT scope_kind, quantity, count(DISTINCT scope), count(*) FILTER (value IS NULL OR isnan(value)),
                      min(value), max(value) FROM replicates
               WHERE quantity IN ('mixed_fraction', 'touched_fraction') GROUP BY ALL"""
        ).fetchall()
        estimated = connection.sql(
            "SELECT count(*) FROM estimates WHERE scope_kind = 'shard' AND quantity = 'touched_fraction'"
        ).fetchall()
    found = {(kind, quantity): (scopes, missing) for kind, quantity, scopes, missing, _, _ in rows}
    for quantity in ("mixed_fraction", "touched_fraction"):
        assert found["corpus", quantity] == (1, 0)
        assert found["shard", quantity] == (len(report["shards"]), 0)
    assert all(0 <= low <= high <= 1 for *_, low, high in rows)
    assert estimated == [(len(report["shards"]),)]


def test_policies_bound_them_and_shards_are_compared(audited, report):
    assert all(is_known(name) and is_share(name) for name in ("mixed_fraction", "touched_fraction"))
    names = [shard["shard"] for shard in report["shards"]]
    found = compare(f"{audited}::{names[0]}", f"{audited}::{names[4]}")
    rows = {row.quantity: row for row in found.rows}
    assert rows["touched_fraction"].change.lower > 0  # part-0 is human, part-4 mostly machine-written
    assert "mixed_fraction" in rows
