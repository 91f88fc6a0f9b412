"""What a filter would keep and lose: one count for the report, the dry run and the export."""

import json

import numpy as np
import polars as pl
import pytest

from auditor.cli.main import run as command
from auditor.errors import ConfigError
from auditor.gate.selection import Choice
from auditor.pipeline.finished.export import forecast_by_weights, forecast_choice, write_manifests
from auditor.pipeline.report.filters import THRESHOLD
from auditor.pipeline.report.tail import Tail
from auditor.pipeline.run.parts import part_folder
from auditor.pipeline.run.plan import CORPUS
from auditor.pipeline.run.reopen import open_database
from auditor.pipeline.run.run import load_run
from auditor.records import plain
from auditor.sketch.types_kernel import key_of

COUNTS = ("documents_kept", "documents_dropped", "human_tokens_lost", "lost_by_kind", "tail_types", "tail_types_lost")


@pytest.fixture
def rows(report) -> dict:
    return {row["name"]: row for row in report["filtering"]}


def dry_run(run, capsys, *options: str) -> dict:
    capsys.readouterr()
    assert command(["export", str(run), *options, "--dry-run", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def same(row: dict, foretold: dict) -> None:
    """The report and the dry run say the same; report.json rounds fractions."""
    for name in (*COUNTS, "tail_lost_by_kind", "tokens_kept"):
        assert row[name] == foretold[name], name
    for end in ("value", "lower", "upper"):
        ours, theirs = row["after"]["synthetic_fraction"][end], foretold["fraction_after"][end]
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-6)


def test_the_report_and_the_dry_run_print_the_same_figures_for_every_filter(audited, rows, report, capsys):
    same(rows["threshold"], dry_run(audited, capsys, "--probability", str(THRESHOLD)))
    same(rows["deduplicate"], dry_run(audited, capsys))
    for name, foretold in dry_run(audited, capsys, "--weights", "none.parquet").items():
        same(rows[name], foretold)
    dropped = [name.removeprefix("drop ") for name in rows if name.startswith("drop ")]
    assert dropped and set(dropped) <= {shard["shard"] for shard in report["shards"]}
    for shard in dropped:
        same(rows[f"drop {shard}"], dry_run(audited, capsys, "--drop-shard", shard))


def test_the_dry_run_and_the_export_keep_the_same_documents(audited, rows, tmp_path):
    choice = Choice(THRESHOLD)
    foretold = forecast_choice(audited, choice)
    written = write_manifests(audited, choice, keep=tmp_path / "keep.parquet")
    assert (foretold.counts.documents_kept, foretold.counts.documents_dropped) == (written.kept, written.dropped)
    assert rows["threshold"]["documents_kept"] == written.kept


def test_weights_are_foretold_as_the_export_draws_them(audited, rows, tmp_path, capsys):
    assert command(["export", str(audited), "--weights", str(tmp_path / "w.parquet"), "--json"]) == 0
    done = {row["choice"]: row for row in json.loads(capsys.readouterr().out)["weights"]["choices"]}
    assert rows["weights"]["documents_kept"] == pytest.approx(done["weights"]["documents"], abs=1)
    assert rows["weights"]["tokens_kept"] == pytest.approx(done["weights"]["words"], abs=1)
    # ... where the tail is protected, from the first words of the drawn documents
    protected = rows["weights that keep the tail"]
    assert protected["documents_kept"] == pytest.approx(done["protected"]["documents"], rel=0.03)


def test_what_keeps_more_of_the_tail_loses_fewer_rare_words(rows):
    lost = {name: row["tail_types_lost"] for name, row in rows.items()}
    assert lost["deduplicate"] < lost["weights that keep the tail"] < lost["weights"]
    for row in rows.values():
        assert 0 <= row["tail_types_lost"] <= row["tail_types"]
        assert all(0 <= kind <= row["tail_types_lost"] for kind in row["tail_lost_by_kind"].values())
        # a word may stand in several kinds: together they hold at least what is lost
        assert sum(row["tail_lost_by_kind"].values()) >= 0.8 * row["tail_types_lost"] - 5
    assert rows["weights"]["human_tokens_lost"] > rows["weights that keep the tail"]["human_tokens_lost"]


def test_a_dropped_shard_goes_as_a_whole_and_takes_its_own_rare_types_along(audited, report):
    shard = report["shards"][0]
    found = plain(forecast_choice(audited, Choice(duplicates=False, shards=(shard["shard"],))))
    assert found["documents_dropped"] == shard["documents"]
    assert 0 <= found["human_tokens_lost"] <= found["tokens_dropped"]
    assert 0 < found["tail_types_lost"] < found["tail_types"]
    everything = tuple(row["shard"] for row in report["shards"])
    gone = plain(forecast_choice(audited, Choice(duplicates=False, shards=everything)))
    assert gone["documents_kept"] == 0 and gone["fraction_after"]["value"] is None
    assert gone["tail_types_lost"] == gone["tail_types"]


def test_rare_words_lost_with_a_shard_are_those_of_no_other_shard(audited, report):
    """The same counted by sets, over the words of all documents, which of so small a corpus are all kept."""
    plan = load_run(audited).plan
    shard, held = report["shards"][0]["shard"], {}
    with open_database(audited) as connection:
        rare = Tail.of_run(connection, audited, plan).sample.keys
    for task in plan.of_role(CORPUS):
        words = pl.read_parquet(part_folder(audited, task.key) / "words.parquet")["words"].explode()
        held.setdefault(task.shard.name, set()).update(np.intersect1d(key_of(words.to_numpy()), rare).tolist())
    alone = held[shard] - set().union(*(words for name, words in held.items() if name != shard))
    found = plain(forecast_choice(audited, Choice(duplicates=False, shards=(shard,))))
    assert found["tail_types"] == rare.size and len(alone) > 50
    # words beyond the first of long documents, and of documents that are not eligible, keep a few of them
    assert 0.9 * len(alone) <= found["tail_types_lost"] <= len(alone)


def test_a_shard_that_is_not_of_the_run_is_named(audited):
    with pytest.raises(ConfigError, match=r"nothing\.jsonl"):
        forecast_choice(audited, Choice(shards=("nothing.jsonl",)))


def test_a_shard_with_quotes_in_its_name_is_no_sql(audited):
    with pytest.raises(ConfigError):
        forecast_choice(audited, Choice(shards=("a' OR '1'='1",)))


def test_copies_of_what_stays_are_no_loss(audited):
    found = plain(forecast_choice(audited, Choice()))
    assert found["human_tokens_lost"] == 0 and found["tail_types_lost"] == 0
    assert set(forecast_by_weights(audited)) == {"weights", "weights that keep the tail"}
