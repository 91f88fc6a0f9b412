"""Exports: lists that agree with the corpus written again, weights that keep the tail, samples that are blind."""

import csv
import json
import shutil

import polars as pl
import pytest

from auditor.cli.main import run as command
from auditor.errors import ConfigError
from auditor.gate.selection import Choice
from auditor.pipeline.finished.export import write_corpus, write_manifests
from auditor.pipeline.run.plan import source_options
from auditor.pipeline.run.reopen import open_database
from auditor.pipeline.run.run import load_run
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.chooser import read_split
from auditor.store.database import query


def texts(roots, options) -> dict:
    found = {}
    for shard in plan_corpus(roots, options).shards:
        for split in shard.splits:
            for batch in read_split(shard, split, options):
                found |= {(shard.name, row): text for row, text in batch.frame.select("row", "text").iter_rows()}
    return found


def test_the_filtered_corpus_is_the_keep_list_in_its_own_formats(audited, tmp_path):
    choice = Choice(0.8)
    keep, folder = tmp_path / "keep.parquet", tmp_path / "clean"
    listed = write_manifests(audited, choice, keep=keep, drop=tmp_path / "drop.parquet")
    written = write_corpus(audited, choice, folder)
    assert (written.kept, written.dropped) == (listed.kept, listed.dropped)
    assert listed.dropped > 50
    with open_database(audited) as connection:
        records = query(connection, "SELECT sum(documents + skipped) AS n FROM shards").item()
    assert written.kept + written.dropped + written.unread + written.not_written == records
    assert sum(shard.records for shard in written.shards) == records and written.problems == ()
    opened = load_run(audited)
    plan, config = opened.plan, opened.config
    before, after = (texts(roots, source_options(config)) for roots in (plan.corpus.roots, [str(folder)]))
    kept = pl.read_parquet(keep)
    wanted = {shard: part.sort("row")["row"].to_list() for (shard,), part in kept.group_by("shard")}
    for shard, rows in wanted.items():
        written_texts = [text for (name, _), text in sorted(after.items()) if name == shard]
        assert written_texts == [before[shard, row] for row in rows]
    drop = pl.read_parquet(tmp_path / "drop.parquet")
    assert keep.exists()
    assert kept.columns == drop.columns == ["id", "shard", "row", "reason"]
    assert kept.height + drop.height == len(before)


def test_of_each_cluster_exactly_one_stays(audited, tmp_path):
    keep = tmp_path / "keep.parquet"
    for choice in (Choice(), Choice(0.5)):
        write_manifests(audited, choice, keep=keep)
        with open_database(audited) as connection:
            members = query(
                connection, "SELECT shard, row, cluster_id, probability FROM documents WHERE cluster_id IS NOT NULL"
            )
        kept = members.join(pl.read_parquet(keep), on=["shard", "row"], how="semi")
        assert kept["cluster_id"].is_unique().all()
        fine = members.filter((pl.col("probability").fill_null(0) < 0.5) | (choice.probability is None))
        assert set(kept["cluster_id"]) == set(fine["cluster_id"])


def test_a_drop_list_says_why(audited, tmp_path):
    drop = tmp_path / "drop.parquet"
    write_manifests(audited, Choice(0.8, ineligible=True), drop=drop)
    reasons = pl.read_parquet(drop)["reason"].str.split(" ").list.first().unique().sort().to_list()
    assert reasons == ["duplicate", "machine-written", "not"]


def test_a_changed_corpus_is_not_filtered(sample, tmp_path, capsys):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    shutil.copy(next(sample.glob("*.jsonl.gz")), corpus)
    run = tmp_path / "run"
    assert command(["audit", str(corpus), "--out", str(run), "--quiet"]) == 0
    (path,) = corpus.iterdir()
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ConfigError, match="changed since the audit"):
        write_corpus(run, Choice(), tmp_path / "clean")
    assert not (tmp_path / "clean").exists()
    assert command(["export", str(run), "--filtered", str(corpus)]) == 2
    assert command(["export", str(run), "--filtered", str(tmp_path)]) == 2


def test_weights_keep_more_of_the_tail_than_they_cost(audited, tmp_path, capsys):
    path = tmp_path / "weights.parquet"
    assert command(["export", str(audited), "--weights", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["weights"]
    by = {row["choice"]: row for row in found["choices"]}
    frame = pl.read_parquet(path)
    assert frame["weight"].is_between(0, 1).all()
    assert by["weights"]["machine_share"] < by["everything"]["machine_share"]
    assert by["weights"]["tail_retention"] < by["protected"]["tail_retention"] <= 1
    assert by["protected"]["documents"] == pytest.approx(frame["weight"].sum(), rel=1e-4)


def test_people_see_neither_scores_nor_formulas_and_their_labels_come_back(audited, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(audited, run)
    review = tmp_path / "review.csv"
    assert command(["export", str(run), "--review", "40", "--out", str(review)]) == 0
    with review.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    assert list(rows[0]) == ["id", "text", "label", "rater"]
    assert len({row["id"] for row in rows}) == 40
    for row in rows:
        row["label"], row["rater"] = "human", "a"
    rows[0]["label"] = ""
    rows += [rows[1] | {"rater": "b", "label": "ai"}]
    write(review, rows)
    assert command(["label", str(run), str(review), "--quiet", "--json"]) == 0
    said = json.loads(capsys.readouterr().out.split("\n", 2)[2])
    assert (said["labels"], said["left_out"], said["rated_twice"]) == (38, 2, 1)
    labels = pl.read_parquet(run / "labels.parquet")
    assert labels.height == 38
    assert set(labels["label"]) == {"human"}
    with open_database(run) as connection:
        assert query(connection, "SELECT count(*) FROM labels").item() == 38


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "d0000000000000000"}, "unknown id"),
        ({"id": "=cmd"}, "unknown id"),
        ({"label": "robot"}, "unknown answer"),
    ],
)
def test_labels_that_cannot_be_used_exit_2_and_nothing_is_kept(audited, tmp_path, capsys, change, said):
    review = tmp_path / "review.jsonl"
    assert command(["export", str(audited), "--review", "5", "--out", str(review)]) == 0
    rows = [json.loads(line) | {"label": "human"} for line in review.read_text().splitlines()]
    rows[2] |= change
    review.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert command(["label", str(audited), str(review), "--quiet"]) == 2
    assert said in capsys.readouterr().err
    assert not (audited / "labels.parquet").exists()


def test_mistakes_exit_2(audited, tmp_path, capsys):
    assert command(["export", str(audited)]) == 2
    assert command(["export", str(audited), "--keep", "x", "--probability", "1.5"]) == 2
    assert command(["export", str(audited), "--keep", "x", "--keep-duplicates"]) == 2
    assert command(["export", str(audited), "--review", "5"]) == 2
    assert command(["export", str(audited), "--review", "5", "--out", str(tmp_path / "x.xlsx")]) == 2
    assert command(["label", str(audited), str(tmp_path / "none.csv")]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("line", ['{"id": "\\ud800", "label": "human"}', "[" * 100_000, '{"id": 9', "\x00"])
def test_lines_of_labels_that_a_fuzzer_found_end_with_a_word_and_code_2(audited, tmp_path, capsys, line):
    path = tmp_path / "labels.jsonl"
    path.write_text(line + "\n")
    assert command(["label", str(audited), str(path), "--quiet"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_mix_plan_is_toml(audited, tmp_path):
    import tomllib

    assert command(["export", str(audited), "--mix", str(tmp_path / "mix.toml")]) == 0
    assert tomllib.loads((tmp_path / "mix.toml").read_text())


def write(path, rows) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
