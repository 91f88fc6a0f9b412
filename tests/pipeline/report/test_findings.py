"""Findings rest on measured figures alone, and give each figure with its one interval."""

import duckdb
import pytest

from auditor.pipeline.report.findings import actions, find, with_documents
from auditor.records import Estimate, Status

MEASURED = Estimate(0.4, 0.35, 0.45, 0.95, "mixture", 500)
UNPROMISED = Estimate(0.99, 0.9, 1.0, 0.95, "mixture", 500, Status.INCONCLUSIVE, "no reference covers this kind")
NOTHING = {"documents": 0, "largest": []}


def shard(name: str, fraction: Estimate) -> dict:
    return {
        "shard": name,
        "documents": 500,
        "eligible_documents": 490,
        "tokens": 90_000,
        "synthetic_fraction": fraction,
        "duplicate_fraction": Estimate.census(0.0, 500),
        "diversity_loss": {"q0": Estimate.not_measured("no reference")},
    }


def findings_of(*shards: dict) -> list:
    return find({"documents": sum(s["documents"] for s in shards)}, shards, NOTHING)


def test_an_inconclusive_share_makes_no_finding_and_no_advice_to_leave_the_shard_out():
    """Pure human text of an unknown kind was called 90% machine-written, with the advice to drop it."""
    unknown = shard("recipes", UNPROMISED)
    assert findings_of(unknown) == []
    assert [(a["shard"], a["action"]) for a in actions([unknown])] == [("recipes", "review")]


def test_a_finding_carries_the_interval_of_its_shard_and_the_adjusted_one_apart():
    crowd = [shard(f"clean-{i}", Estimate(0.01, 0.0, 0.03, 0.95, "mixture", 500)) for i in range(19)]
    (found,) = findings_of(shard("bad", MEASURED), *crowd)
    assert found.estimate == MEASURED
    assert "at least 35%" in found.message
    adjusted = found.evidence["adjusted"]
    assert adjusted["lower"] < MEASURED.lower < MEASURED.upper < adjusted["upper"]
    assert adjusted["level"] == pytest.approx(1 - 0.05 / 20)


def test_a_finding_names_the_documents_behind_it_the_highest_score_first():
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE docs AS SELECT 'bad''s' AS shard, i AS row, 'd' || i AS doc_id, i / 100.0 AS score, "
        "i != 39 AS eligible FROM range(40) t(i)"
    )
    (found,) = with_documents(connection, findings_of(shard("bad's", MEASURED)))
    documents = found.evidence["documents"]
    assert [d["row"] for d in documents] == [38, 37, 36, 35, 34]
    assert documents[0] == {"shard": "bad's", "row": 38, "doc_id": "d38", "score": pytest.approx(0.38)}
