"""Findings rest on measured figures alone, and give each figure with its one interval."""

from dataclasses import replace

import duckdb
import pytest

from auditor.estimate.diversity.lost import Loss
from auditor.estimate.diversity.meaning.figures import Meaning
from auditor.estimate.diversity.measure import Measures
from auditor.pipeline.diversity.results import (
    CorpusResult,
    Figures,
    ScopeDiversity,
    ScopeDrift,
    ScopeLoss,
    ShardResult,
)
from auditor.pipeline.documents.duplicates import Clusters, Duplication
from auditor.pipeline.documents.shard_counts import ShardCounts
from auditor.pipeline.fraction.coverage import AnchorCoverage
from auditor.pipeline.report.findings import actions, find, with_documents
from auditor.pipeline.run.markers import Counts
from auditor.records import Estimate, Severity, Status

MEASURED = Estimate(0.4, 0.35, 0.45, 0.95, "mixture", 500)
UNPROMISED = Estimate(0.99, 0.9, 1.0, 0.95, "mixture", 500, Status.INCONCLUSIVE, "no reference covers this kind")
NOTHING = Clusters(0, 0, [], [])


def figures(fraction: Estimate, lost: Estimate | None = None) -> Figures:
    nothing = Estimate.not_measured("no reference")
    return Figures(
        {"synthetic_fraction": fraction},
        None,
        AnchorCoverage(None, 0),
        Duplication.of(500),
        ScopeDiversity(Measures(*[nothing] * 6), nothing, {}),
        ScopeLoss(replace(Loss.nothing("no reference"), q0=lost) if lost else Loss.nothing("no reference"), {}),
        ScopeDrift(nothing, None, "unclear", "", "none"),
    )


def shard(name: str, fraction: Estimate, lost: Estimate | None = None) -> ShardResult:
    counts = ShardCounts(
        name,
        f"/{name}",
        Counts(500, 500, 490, 90_000, 600_000),
        None,
        {},
        {},
        {},
        (),
        "0" * 16,
        "0" * 16,
        "jsonl",
        None,
    )
    return ShardResult(counts, figures(fraction, lost))


def findings_of(*shards: ShardResult, lost: Estimate | None = None) -> list:
    sizes = sum((shard.counts.counts for shard in shards), Counts())
    return find(
        CorpusResult(len(shards), sizes, figures(MEASURED, lost), Meaning.nothing("not asked for")), shards, NOTHING
    )


def test_an_inconclusive_share_makes_no_finding_and_no_advice_to_leave_the_shard_out():
    """Pure human text of an unknown kind was called 90% machine-written, with the advice to drop it."""
    unknown = shard("recipes", UNPROMISED)
    assert findings_of(unknown) == []
    assert [(a.shard, a.action) for a in actions([unknown])] == [("recipes", "review")]


def test_a_finding_carries_the_interval_of_its_shard_and_the_adjusted_one_apart():
    crowd = [shard(f"clean-{i}", Estimate(0.01, 0.0, 0.03, 0.95, "mixture", 500)) for i in range(19)]
    (found,) = findings_of(shard("bad", MEASURED), *crowd)
    assert found.estimate == MEASURED
    assert "at least 35%" in found.message
    adjusted = found.evidence["adjusted"]
    assert adjusted["lower"] < MEASURED.lower < MEASURED.upper < adjusted["upper"]
    assert adjusted["level"] == pytest.approx(1 - 0.05 / 20)


@pytest.mark.parametrize(
    ("whole", "shards", "severity"),
    [((-0.02, 0.03), 3, Severity.NOTE), ((0.02, 0.3), 3, Severity.WARNING), ((-0.02, 0.03), 1, Severity.WARNING)],
)
def test_a_shard_poorer_than_a_reference_of_many_kinds_is_no_warning_where_the_corpus_has_lost_nothing(
    whole, shards, severity
):
    poor = Estimate(0.6, 0.55, 0.65, 0.95, "jackknife", 500)
    clean = Estimate(0.0, 0.0, 0.02, 0.95, "mixture", 500)
    corpus = Estimate(sum(whole) / 2, *whole, 0.95, "jackknife", 500)
    found = findings_of(*[shard(f"{i}", clean, poor) for i in range(shards)], lost=corpus)
    assert [(f.kind, f.severity) for f in found] == [("diversity", severity)] * shards
    assert ("as a whole has lost none" in found[0].message) == (severity == Severity.NOTE)


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
