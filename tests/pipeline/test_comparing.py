"""Comparisons and trends: noise is no change, other calibrations are never compared, pages are whole."""

import json
import shutil

import duckdb
import pytest

from auditor.cli import commands
from auditor.cli.main import run as command
from auditor.pipeline.comparing import compare, trend
from auditor.store.shared import copy_audit

assert commands


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
    return {row["quantity"]: row for row in found["rows"]}


def test_a_run_and_its_twin_differ_by_no_more_than_noise(audited, tmp_path):
    twin = changed(audited, tmp_path / "twin")
    found = compare(str(audited), str(twin))
    row = by_quantity(found)["synthetic_fraction"]
    assert row["verdict"] == "no more than noise"
    # One seed draws both with the same random numbers: that must not make the interval vanish.
    own = row["a"]["upper"] - row["a"]["lower"]
    assert row["change"]["upper"] - row["change"]["lower"] > own
    assert len(found["shards"]) == 12


def test_shards_of_one_run_are_compared_jointly(audited):
    found = compare(f"{audited}::part-0.parquet", f"{audited}::part-4.jsonl.gz")
    assert by_quantity(found)["synthetic_fraction"]["change"]["method"] == "joint_replicates"
    assert "joint" in found["method"]


def test_other_calibrations_references_and_settings_are_never_compared_in_silence(audited, tmp_path):
    patch = json.dumps({"near_dup_threshold": 0.7, "human_reference": ["y"]})
    settings = f"UPDATE audits SET config = json_merge_patch(config, '{patch}')"
    other = changed(audited, tmp_path / "other", "UPDATE audits SET calibration = 'x'", settings)
    rows = by_quantity(compare(str(audited), str(other)))
    for quantity in rows:
        assert rows[quantity]["verdict"] == "not compared"
    assert "calibration" in rows["synthetic_fraction"]["change"]["reason"]
    assert "near_dup_threshold" in rows["duplicate_fraction"]["change"]["reason"]


def test_a_store_shows_a_trend_with_its_warning_and_its_break(audited, tmp_path):
    store = tmp_path / "store.duckdb"
    for month in range(10):
        value = 0.05 + 0.002 * (month % 3) + (0.1 if month >= 7 else 0)
        run = changed(
            audited, tmp_path / f"m{month}", f"UPDATE audits SET finished_at = '2026-{month + 1:02}-01'",
            f"UPDATE estimates SET value = {value} WHERE quantity = 'synthetic_fraction' AND scope_kind = 'corpus'",
        )  # fmt: skip
        copy_audit(run / "audit.duckdb", store)
    series = {s["quantity"]: s for s in trend(store)["series"]}
    assert series["synthetic_fraction"]["alarm"]["since"] in ("m6", "m7")
    assert series["duplicate_fraction"]["alarm"] is None
    other = changed(audited, tmp_path / "m99", "UPDATE audits SET finished_at = '2027-01-01', calibration = 'new'")
    copy_audit(other / "audit.duckdb", store)
    broken = {s["quantity"]: s for s in trend(store)["series"]}["synthetic_fraction"]
    assert broken["breaks"][0]["before"] == "m99"
    assert broken["alarm"] is None
    page = tmp_path / "trend.html"
    assert command(["trend", str(store), "--html", str(page)]) == 0
    assert "not comparable with before" in page.read_text()


def test_pages_are_offline_and_json_is_strict(audited, tmp_path, capsys):
    for arguments in (["compare", str(audited), str(audited)], ["simulate", "--zipf", "500", "--replicates", "2"]):
        page = tmp_path / f"{arguments[0]}.html"
        assert command([*arguments, "--html", str(page), "--json"]) == 0
        json.loads(capsys.readouterr().out)
        text = page.read_text()
        assert "Content-Security-Policy" in text
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "https://" not in text


def test_mistakes_are_said(audited, tmp_path, capsys):
    assert command(["trend", str(tmp_path / "none.duckdb")]) == 3
    assert command(["compare", str(audited), str(tmp_path / "none")]) == 2
    assert command(["compare", str(audited), f"{audited}::nothing"]) == 2
    store = tmp_path / "s.duckdb"
    copy_audit(audited / "audit.duckdb", store)
    assert command(["trend", str(store), "--corpus", "other*"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("side", ["a", "b"])
def test_both_sides_name_their_versions(audited, side):
    assert compare(str(audited), str(audited))[side]["version"]
