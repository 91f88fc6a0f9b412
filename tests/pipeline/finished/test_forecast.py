"""What a filter would keep and lose: one count for the report, the dry run and the export."""

import pytest

from auditor.errors import ConfigError
from auditor.gate.selection import Choice
from auditor.pipeline.finished.export import forecast_choice, write_manifests
from auditor.pipeline.report.forecast import THRESHOLD


def test_the_report_the_dry_run_and_the_export_keep_the_same_documents(audited, report, tmp_path):
    choice = Choice(THRESHOLD)
    foretold = forecast_choice(audited, choice)
    written = write_manifests(audited, choice, keep=tmp_path / "keep.parquet")
    assert (foretold["documents_kept"], foretold["documents_dropped"]) == (written.kept, written.dropped)
    for row in report["filtering"]:
        if row["name"] == "threshold":
            assert row["documents_kept"] == written.kept
            assert row["human_tokens_lost"] == foretold["human_tokens_lost"]
            after = foretold["fraction_after"]["value"]
            assert row["after"]["synthetic_fraction"]["value"] == pytest.approx(after, rel=1e-5)


def test_a_dropped_shard_goes_as_a_whole_and_takes_its_own_rare_types_along(audited, report):
    shard = report["shards"][0]
    found = forecast_choice(audited, Choice(duplicates=False, shards=(shard["shard"],)))
    assert found["documents_dropped"] == shard["documents"]
    assert 0 <= found["human_tokens_lost"] <= found["tokens_dropped"]
    assert found["tail_types"] is None or 0 <= found["tail_types_lost"] <= found["tail_types"]
    everything = tuple(row["shard"] for row in report["shards"])
    gone = forecast_choice(audited, Choice(duplicates=False, shards=everything))
    assert gone["documents_kept"] == 0 and gone["fraction_after"]["value"] is None
    if gone["tail_types"] is not None:
        assert gone["tail_types_lost"] == gone["tail_types"]


def test_a_shard_that_is_not_of_the_run_is_named(audited):
    with pytest.raises(ConfigError, match=r"nothing\.jsonl"):
        forecast_choice(audited, Choice(shards=("nothing.jsonl",)))


def test_a_shard_with_quotes_in_its_name_is_no_sql(audited):
    with pytest.raises(ConfigError):
        forecast_choice(audited, Choice(shards=("a' OR '1'='1",)))


def test_copies_of_what_stays_are_no_loss(audited):
    found = forecast_choice(audited, Choice())
    assert found["human_tokens_lost"] == 0
