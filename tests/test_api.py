"""The Python surface: it is small and typed, and whatever goes wrong in a run's store is the project's own error."""

import html
import json
import typing
from dataclasses import is_dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest

import auditor
from auditor.api import Settings
from auditor.config import Config
from auditor.errors import AuditError, ConfigError, StoreError
from auditor.records import Estimate
from auditor.reports.model.schema import check
from auditor.reports.render.notebook import FIGURES
from auditor.reports.view.machine_written import machine_written
from auditor.reports.view.summary import worst_first
from auditor.store.database import DATABASE, TABLES, new_database
from tests.reports.fixture import build_report

OWN = {"corpus", "human_reference", "known_ai"}  # arguments of `audit` itself


@pytest.fixture
def stranger(tmp_path) -> Path:
    """A run whose store someone else made: the right tables, and then what the test does to them."""
    run = tmp_path / "run"
    run.mkdir()
    with new_database(run / DATABASE, memory_bytes=1 << 28, threads=1):
        pass
    return run


def instead(run: Path, table: str, view: str) -> auditor.Run:
    with duckdb.connect(str(run / DATABASE)) as connection:
        connection.execute(f"DROP TABLE {table}")
        connection.execute(view)
    return auditor.Run(run)


def test_the_surface_is_four_names_and_typed():
    assert dir(auditor) == sorted(auditor.__all__) == ["Estimate", "Run", "audit", "open_run"]
    assert is_dataclass(auditor.Run) and is_dataclass(auditor.Estimate)
    assert (Path(auditor.__file__).parent / "py.typed").exists()
    for function in (auditor.audit, auditor.open_run, auditor.Run.sql, auditor.Run.table, auditor.Run.documents):
        assert "return" in typing.get_type_hints(function)


def test_the_typed_settings_are_those_of_the_configuration():
    assert set(Settings.__annotations__) == set(Config.model_fields) - OWN
    hints = typing.get_type_hints(Settings)
    for name, field in Config.model_fields.items():
        if name not in OWN:
            optional = typing.Union[hints[name], None]  # noqa: UP007  (a literal's `| None` is no type here)
            assert field.annotation in (hints[name], optional), name


def test_every_table_is_a_frame(stranger):
    run = auditor.Run(stranger)
    assert all(isinstance(run.table(name), pl.DataFrame) for name in TABLES)
    assert isinstance(run.documents(), pl.LazyFrame)


@pytest.mark.parametrize(
    "view",
    [
        "CREATE VIEW findings AS SELECT * FROM read_text('{secret}')",
        "CREATE VIEW findings AS SELECT * FROM '{secret}'",
        "CREATE VIEW findings AS SELECT error('stop') AS x",
        "CREATE VIEW findings AS SELECT CAST(c AS INTEGER) AS x FROM (VALUES ('a')) t(c)",
        "CREATE TABLE gone (a INT); CREATE VIEW findings AS FROM gone; DROP TABLE gone",
    ],
)
def test_a_strangers_view_is_a_store_error_and_reads_nothing(stranger, tmp_path, view):
    secret = tmp_path / "secret.csv"
    secret.write_text("word\nhidden\n")
    run = instead(stranger, "findings", view.format(secret=secret))
    for ask in (lambda: run.table("findings"), lambda: run.sql("SELECT * FROM findings")):
        with pytest.raises(StoreError, match="holds what auditor never writes") as caught:
            ask()
        assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "SELEC",
        "SELECT * FROM none",
        "DROP TABLE findings",
        "",
        "INSERT INTO skips BY NAME SELECT 1 AS row",
        "SELECT 'a'::INTEGER",
        "COPY (SELECT 1) TO 'out.csv'",
        "ATTACH 'other.duckdb'",
        "INSTALL httpfs",
    ],
)
def test_a_wrong_query_is_our_own_error(stranger, text):
    with pytest.raises(AuditError):
        auditor.Run(stranger).sql(text)


def test_a_table_that_is_none_names_those_that_are(stranger):
    with pytest.raises(ConfigError, match=r"no table 'document'.*documents"):
        auditor.Run(stranger).table("document")


def test_a_run_that_is_none_or_damaged_says_so(tmp_path):
    with pytest.raises(ConfigError, match="there is no run"):
        auditor.open_run(tmp_path / "nowhere")
    (tmp_path / "run").mkdir()
    with pytest.raises(StoreError, match="has not been finished"):
        auditor.open_run(tmp_path / "run")
    (tmp_path / "run" / DATABASE).write_bytes(b"DUCK" * 5000)
    with pytest.raises(StoreError, match="not a readable DuckDB file"):
        auditor.Run(tmp_path / "run").sql("SELECT 1")


def test_a_wrong_setting_stops_before_anything_is_read(tmp_path):
    with pytest.raises(ConfigError, match=r"minimum_word: no such setting .did you mean minimum_words"):
        auditor.audit(tmp_path, out=tmp_path / "run", minimum_word=3)
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def reported(tmp_path_factory) -> auditor.Run:
    """A run whose report.json is the tests' fixture, with hostile names."""
    folder = tmp_path_factory.mktemp("reported")
    (folder / "report.json").write_text(json.dumps(build_report(8, hostile=True)), encoding="utf-8")
    return auditor.Run(folder)


def test_a_run_shows_its_first_screen_in_a_notebook_and_its_headline_elsewhere(reported):
    shown, said = reported._repr_html_(), repr(reported)
    assert shown.startswith('<iframe sandbox="" ') and shown.count("<") == 2, "the page stands escaped in its frame"
    page = html.unescape(shown.partition('srcdoc="')[2].rpartition('" style')[0])
    assert "<script>alert" not in page
    for title in ("Machine-written", "Duplicated"):
        assert title in page and f"  {title}: " in said
    assert said.startswith(f"Run({str(reported.folder)!r}): ")


def test_a_run_that_is_unfinished_can_still_be_printed(tmp_path):
    assert "no finished report" in repr(auditor.Run(tmp_path))


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_every_figure_of_the_report_is_drawn_or_says_why_not(reported, name):
    report = check(reported.report)
    if FIGURES[name](report, report.shards) is None:
        with pytest.raises(ConfigError, match="nothing to show"):
            reported.plot(name)
        return
    picture = reported.plot(name)
    assert "<svg" in picture.page and picture._repr_html_().count("<") == 2
    assert repr(picture).splitlines()[0] in html.unescape(picture.page)


def test_a_plot_is_the_reports_own_figure_and_is_saved_as_a_page(reported, tmp_path):
    picture = reported.plot()
    assert picture.save(tmp_path / "p.html").read_text(encoding="utf-8") == picture.page
    report = check(reported.report)
    drawn = machine_written(report, worst_first(report.shards)).shards
    assert all(str(row.drawing) in picture.page for row in drawn.rows if row.measured)
    assert len(repr(picture).splitlines()) == len(drawn.rows) + 1
    with pytest.raises(ConfigError, match="no figure 'shard'; there are shards"):
        reported.plot("shard")


def test_the_shards_are_a_frame_with_every_estimate_and_its_bounds(reported):
    frame = reported.to_polars()
    assert frame["shard"].to_list() == list(reported.shards)
    for row, figures in zip(frame.iter_rows(named=True), reported.shards.values(), strict=True):
        e = figures["synthetic_fraction"]
        assert (row["synthetic_fraction"], row["synthetic_fraction_upper"]) == (e.value, e.upper)
        assert row["diversity_loss.q0_status"] == figures["diversity_loss"]["q0"].status
        assert row["documents"] == figures["documents"]


def test_an_estimate_prints_its_interval_and_escapes_its_reason():
    e = Estimate(0.0312, 0.02, 0.045, 0.95, "mixture", 300)
    assert str(e) == "0.0312 [0.02, 0.045] at 95%"
    assert e._repr_html_() == "<strong>0.0312</strong> [0.02, 0.045] at 95% <small>(mixture, n = 300)</small>"
    absent = Estimate.not_measured("no <b>anchors</b>")
    assert str(absent) == "not measured: no <b>anchors</b>" and "<b>" not in absent._repr_html_()
