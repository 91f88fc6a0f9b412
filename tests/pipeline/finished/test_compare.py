"""Comparisons and trends: noise is no change, other calibrations are never compared, pages are whole."""

import csv
import json
import shutil

import duckdb
import numpy as np
import pytest

from auditor.cli.main import run as command
from auditor.errors import ConfigError
from auditor.pipeline.audit import finish
from auditor.pipeline.finished.compare import compare
from auditor.pipeline.finished.sides import QUANTITIES, as_sample
from auditor.pipeline.finished.trend import trend
from auditor.pipeline.run.ownership import sealed
from auditor.pipeline.run.progress import Outcome, Silent
from auditor.records import Estimate
from auditor.store.shared import copy_audit


def changed(audited, folder, *statements):
    """The run again as another audit, its database altered."""
    folder.mkdir()
    for name in ("audit.duckdb", "report.json", "manifest.json"):
        shutil.copy(audited / name, folder)
    with duckdb.connect(str(folder / "audit.duckdb")) as connection:
        tables = [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        for table in tables:
            if table != "schema_version":
                connection.execute(f"UPDATE \"{table}\" SET audit_id = '{folder.name}'")
        for statement in statements:
            connection.execute(statement)
    return folder


def by_quantity(found) -> dict:
    return {row.quantity: row for row in found.rows}


def width(row) -> float:
    return row.change.upper - row.change.lower


def test_an_unchanged_corpus_audited_again_has_not_changed_at_all(audited, tmp_path):
    found = compare(str(audited), str(changed(audited, tmp_path / "twin")))
    for quantity in ("synthetic_fraction", "synthetic_fraction_tokens"):
        row = by_quantity(found)[quantity]
        assert row.change.method == "joint_fit"
        assert (row.change.lower, row.change.upper, row.verdict) == (0, 0, "no more than noise")
    assert found.paired
    assert len(found.shards) == 12


def test_error_that_two_audits_share_cancels_and_what_they_do_not_share_stays(audited, tmp_path):
    other = "UPDATE provenance SET value = 'x' WHERE name = 'text_digest' AND shard = 'part-0.parquet'"
    paired = compare(str(audited), str(changed(audited, tmp_path / "paired", other)))
    apart = compare(str(audited), str(changed(audited, tmp_path / "apart", other, "DELETE FROM score_counts")))
    assert (paired.paired, apart.paired) == (True, False)
    rows = [by_quantity(found)["synthetic_fraction"] for found in (paired, apart)]
    assert 0 < width(rows[0]) < width(rows[1]) / 3
    # One seed draws both with the same random numbers: that must not make the interval vanish.
    assert width(rows[1]) > rows[1].a.upper - rows[1].a.lower


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM score_counts", "finalised before"),
        ("DELETE FROM score_counts WHERE role = 'human' AND bin < 40", "not the same documents"),
        ("UPDATE audits SET calibration = 'old'", "calibration"),
    ],
)
def test_audits_that_cannot_be_paired_say_why(audited, tmp_path, statement, said, capsys):
    found = compare(str(audited), str(changed(audited, tmp_path / "other", statement)))
    assert not found.paired
    assert said in json.dumps(found.not_compared) + str(found.not_paired)
    assert "independent" in found.method


def test_the_same_reference_elsewhere_is_the_same_reference(audited, tmp_path):
    moved = 'UPDATE audits SET config = json_merge_patch(config, \'{"human_reference": ["elsewhere"]}\')'
    found = compare(str(audited), str(changed(audited, tmp_path / "moved", moved)))
    assert not found.not_compared
    other = "UPDATE provenance SET value = 'x' WHERE name = 'human_reference'"
    found = compare(str(audited), str(changed(audited, tmp_path / "other", other)))
    assert "reference" in found.not_compared["drift.divergence"]


def test_every_quantity_of_a_trend_is_in_the_store(audited):
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as connection:
        held = {row[0] for row in connection.execute("SELECT DISTINCT quantity FROM estimates").fetchall()}
    assert set(QUANTITIES) <= held


def test_shards_of_one_run_are_compared_jointly(audited):
    found = compare(f"{audited}::part-0.parquet", f"{audited}::part-4.jsonl.gz")
    assert by_quantity(found)["synthetic_fraction"].change.method == "joint_replicates"
    assert "joint" in found.method


def test_other_calibrations_references_and_settings_are_never_compared_in_silence(audited, tmp_path):
    settings = "UPDATE audits SET config = json_merge_patch(config, '{\"near_dup_threshold\": 0.7}')"
    reference = "UPDATE provenance SET value = 'x' WHERE name = 'human_reference'"
    other = changed(audited, tmp_path / "other", "UPDATE audits SET calibration = 'x'", settings, reference)
    rows = by_quantity(compare(str(audited), str(other)))
    for quantity in rows:
        assert rows[quantity].verdict == "not compared"
    assert "calibration" in rows["synthetic_fraction"].change.reason
    assert "near_dup_threshold" in rows["duplicate_fraction"].change.reason


def test_a_store_shows_a_trend_with_its_warning_and_its_break(audited, tmp_path):
    store = tmp_path / "store.duckdb"
    for month in range(10):
        value = 0.05 + 0.002 * (month % 3) + (0.1 if month >= 7 else 0)
        run = changed(
            audited,
            tmp_path / f"m{month}",
            f"UPDATE audits SET finished_at = '2026-{month + 1:02}-01'",
            f"UPDATE estimates SET value = {value} WHERE quantity = 'synthetic_fraction' AND scope_kind = 'corpus'",
        )
        copy_audit(run / "audit.duckdb", store)
    series = {s.quantity: s for s in trend(store).series}
    assert series["synthetic_fraction"].alarm.since in ("m6", "m7")
    assert series["duplicate_fraction"].alarm is None
    other = changed(audited, tmp_path / "m99", "UPDATE audits SET finished_at = '2027-01-01', calibration = 'new'")
    copy_audit(other / "audit.duckdb", store)
    broken = {s.quantity: s for s in trend(store).series}["synthetic_fraction"]
    assert broken.breaks[0].before == "m99"
    assert broken.alarm is None
    page = tmp_path / "trend.html"
    assert command(["trend", str(store), "--html", str(page)]) == 0
    assert "not comparable with before" in page.read_text()


def test_a_store_of_several_corpora_is_not_mixed_into_one_series_unless_asked(audited, tmp_path, capsys):
    store = tmp_path / "store.duckdb"
    for name in ("web", "books"):
        run = changed(audited, tmp_path / name, f"UPDATE audits SET corpus = '{name}'")
        copy_audit(run / "audit.duckdb", store)
    assert command(["trend", str(store)]) == 2
    assert "books, web" in capsys.readouterr().err
    assert command(["trend", str(store), "--corpus", "web"]) == 0
    assert "needs 3 comparable audits" in capsys.readouterr().out
    assert len(trend(store, corpus=("*",)).audits) == 2


def test_audits_of_a_trend_stand_in_the_order_in_which_they_were_begun(audited, tmp_path):
    store = tmp_path / "store.duckdb"
    for name, begun, finished in (("late", "2026-03-01", "2026-03-02"), ("early", "2026-01-01", "2026-06-01")):
        dates = f"UPDATE audits SET started_at = '{begun}', finished_at = '{finished}'"
        copy_audit(changed(audited, tmp_path / name, dates) / "audit.duckdb", store)
    assert [audit.audit_id for audit in trend(store).audits] == ["early", "late"]


def test_a_few_repeats_more_of_another_corpus_are_no_more_than_noise(audited, tmp_path):
    """1.3% and 1.4% of 300 documents were called worse by more than noise."""
    other = "UPDATE provenance SET value = 'x' WHERE name = 'text_digest'"
    moved = ", ".join(f"{end} = {end} + {{0}}" for end in ("value", "lower", "upper"))
    value = f"UPDATE estimates SET {moved} WHERE quantity = 'duplicate_fraction'"
    near = compare(str(audited), str(changed(audited, tmp_path / "near", other, value.format(0.002))))
    far = compare(str(audited), str(changed(audited, tmp_path / "far", other, value.format(0.2))))
    same = compare(str(audited), str(changed(audited, tmp_path / "same", value.format(0.002))))
    rows = [by_quantity(found)["duplicate_fraction"] for found in (near, far, same)]
    assert [row.verdict for row in rows] == [
        "no more than noise",
        "worse by more than noise",
        "worse by more than noise",
    ]
    assert rows[0].a.lower == rows[0].a.upper, "the figures themselves stay full counts"


def test_the_sampling_interval_of_repeats_holds_the_rate_of_the_corpora_behind_it():
    """Clusters of 1 to 20 repeats fall into corpora of 2,000 documents at one rate: 95% intervals hold it."""
    rng = np.random.default_rng(5)
    sizes, rate, n, held = rng.integers(1, 21, 4000), 0.05, 2000, 0
    for _ in range(400):
        drawn = rng.choice(sizes, rng.poisson(rate * n / sizes.mean()))
        e = as_sample(Estimate.census(drawn.sum() / n, n), float((drawn**2).sum()))
        held += e.lower <= rate <= e.upper
    assert 0.92 * 400 <= held <= 0.985 * 400


def test_pages_are_offline_and_json_is_strict(audited, tmp_path, capsys):
    for arguments in (["compare", str(audited), str(audited)], ["simulate", "--zipf", "500", "--replicates", "2"]):
        page = tmp_path / f"{arguments[0]}.html"
        assert command([*arguments, "--html", str(page), "--json"]) == 0
        json.loads(capsys.readouterr().out)
        text = page.read_text()
        assert "Content-Security-Policy" in text
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "https://" not in text


def audits(store) -> list:
    with duckdb.connect(str(store), read_only=True) as connection:
        found = "SELECT audit_id, (SELECT count(*) FROM labels l WHERE l.audit_id = a.audit_id) FROM audits a"
        return connection.execute(found).fetchall()


def test_a_run_that_is_labelled_later_replaces_itself_in_its_store(audited, tmp_path):
    run, store, review = tmp_path / "run", tmp_path / "shared" / "s.duckdb", tmp_path / "review.csv"
    shutil.copytree(audited, run)
    store.parent.mkdir()
    assert command(["finalise", str(run), "--store", str(store), "--quiet"]) == 0
    assert [labels for _, labels in audits(store)] == [0]
    assert command(["export", str(run), "--review", "10", "--out", str(review)]) == 0
    with review.open(newline="") as file:
        rows = list(csv.DictReader(file))
    review.write_text("id,label\n" + "".join(f"{row['id']},human\n" for row in rows))
    assert command(["label", str(run), str(review), "--quiet"]) == 0
    assert [labels for _, labels in audits(store)] == [10]


def test_a_store_that_is_gone_is_said_and_a_named_one_must_be_there(audited, tmp_path, monkeypatch):
    notes: list[str] = []
    listener = Silent()
    monkeypatch.setattr(Silent, "note", lambda self, text: notes.append(text))
    monkeypatch.setattr("auditor.pipeline.finalise.finalise", lambda run, **_: Outcome({}, 0))
    manifest = json.loads((audited / "manifest.json").read_text())
    manifest["config"]["store"] = str(tmp_path / "gone" / "s.duckdb")
    run = shutil.copytree(audited, tmp_path / "run")
    (run / "manifest.json").write_text(json.dumps(sealed(manifest)))
    assert finish(run, progress=listener).exit_code == 0
    assert "shared store was not brought up to date" in notes[-1]
    with pytest.raises(ConfigError, match="no folder"):
        finish(run, store=str(tmp_path / "gone" / "s.duckdb"))


def test_mistakes_are_said(audited, tmp_path, capsys):
    assert command(["trend", str(tmp_path / "none.duckdb")]) == 2
    assert command(["compare", str(audited), str(tmp_path / "none")]) == 2
    assert command(["compare", str(audited), f"{audited}::nothing"]) == 2
    store = tmp_path / "s.duckdb"
    copy_audit(audited / "audit.duckdb", store)
    assert command(["trend", str(store), "--corpus", "other*"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("side", ["a", "b"])
def test_both_sides_name_their_versions(audited, side):
    assert getattr(compare(str(audited), str(audited)), side).audit.version
