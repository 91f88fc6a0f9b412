"""The deep sample: drawn as it says, read once, unbiased, and quiet where it cannot run."""

import shutil
import time
from dataclasses import dataclass
from types import SimpleNamespace

import duckdb
import numpy as np
import polars as pl
import pytest

from auditor.cli.main import run as command
from auditor.detectors import registry, second_tier
from auditor.detectors.interface import Description, Obstacle
from auditor.detectors.second_tier import Cell, SecondTier
from auditor.detectors.stack import Stack
from auditor.errors import DetectorError
from auditor.estimate.fraction.twophase import difference_estimate
from auditor.manifest import read_json, write_json
from auditor.pipeline.documents.view import open_view
from auditor.pipeline.finalise import finalise
from auditor.pipeline.fraction import deep_sample
from auditor.pipeline.fraction.deep_estimate import _strata, measure_deep
from auditor.pipeline.fraction.deep_sample import CELL, draw
from auditor.pipeline.map.batch import score_bins
from auditor.pipeline.run.ownership import sealed
from auditor.pipeline.run.plan import ROLES
from auditor.pipeline.run.reopen import read_report
from auditor.pipeline.run.run import load_run
from auditor.records import Estimate
from auditor.run_columns import SAMPLE_BINS
from auditor.text.batch import TextBatch

LOUD = Description("loud", "1", tier=1, revision="r1")


@dataclass(frozen=True)
class Loud:
    """A deep detector that is fast and counts what it reads."""

    read: list
    description: Description = LOUD

    def score(self, batch: TextBatch) -> np.ndarray:
        self.read.append(len(batch))
        return np.zeros(len(batch), np.float32)


def known(family, label, low, high):
    return Cell(family, label, 2, 0, np.array([low, high]))


@pytest.fixture
def loud(monkeypatch):
    """Its stack is the first tier's score; on foreign families it finds 80% at 5% false alarms."""
    detector = Loud([])
    cells = [known(f, *kind) for f in "abcd" for kind in (("ai", 200, 800), ("human", 950, 50))]
    found = SecondTier((detector,), Stack(("loud", second_tier.FIRST), 1.0, (1.0, 1.0)), tuple(cells))
    monkeypatch.setattr(second_tier, "load", lambda names: found)
    return detector


@pytest.fixture
def opened(audited, tmp_path):
    """A finished run without a deep sample, in a copy: connection with `docs`, folder, plan, configuration."""
    run = tmp_path / "run"
    shutil.copytree(audited, run)
    opened = load_run(run)
    plan, config = opened.plan, opened.config
    schema = {
        "document": pl.UInt64,
        "cluster": pl.UInt64,
        "representative": pl.Boolean,
        "kind": pl.String,
        "jaccard": pl.Float32,
    }
    with duckdb.connect() as connection:
        open_view(
            connection, run, plan.tasks, pl.DataFrame(schema=schema), pl.DataFrame(schema={"document": pl.UInt64})
        )
        yield connection, run, plan, config


def measured(opened, **settings):
    connection, run, plan, config = opened
    clock = settings.pop("clock", time.monotonic)
    main = Estimate(0.05, 0.0, 0.2, method="main", n=1)
    chosen = config.model_copy(update=settings)
    return measure_deep(connection, run, plan, chosen, main, lambda text: None, clock=clock)


def cells(spec):
    """within and sizes from {(role, language, stratum): (size, cheap mean, documents kept)}."""
    sizes = [
        {"role": r, "language": lang, "stratum": s, "size": n, "cheap_mean": p}
        for (r, lang, s), (n, p, _) in spec.items()
    ]
    rng = np.random.default_rng(0)
    within = [
        {"role": r, "language": lang, "stratum": s, "stable_id": int(i)}
        for (r, lang, s), (_, _, k) in spec.items()
        for i in rng.choice(10**9, k, replace=False)
    ]
    types = {"stratum": pl.Int32, "stable_id": pl.UInt64}
    return pl.DataFrame(within, schema_overrides=types), pl.DataFrame(sizes, schema_overrides={"stratum": pl.Int32})


def test_strata_get_documents_by_size_times_spread_and_never_more_than_they_kept():
    within, sizes = cells(
        {
            ("corpus", "en", 0): (9000, 0.02, 400),
            ("corpus", "en", 4): (1000, 0.5, 400),
            ("corpus", "en", 7): (100, 0.99, 20),
            ("human", "en", 0): (500, 0.02, 300),
        }
    )
    taken = draw(within, sizes, 200)
    counted = dict(taken.group_by("role", "stratum").len().select(pl.concat_str("role", "stratum"), "len").iter_rows())
    assert counted["corpus0"] + counted["corpus4"] + counted["corpus7"] == 200
    assert counted["human0"] == 100
    expected = 9000 * 0.14 / (1000 * 0.5)
    assert counted["corpus0"] / counted["corpus4"] == pytest.approx(expected, rel=0.1)
    lowest = within.filter(role="corpus", stratum=4)["stable_id"].sort()[: counted["corpus4"]]
    assert sorted(taken.filter(role="corpus", stratum=4)["stable_id"]) == lowest.to_list()


def test_all_means_all_that_was_kept():
    within, sizes = cells({("corpus", "en", 0): (900, 0.1, 40), ("human", "en", 1): (80, 0.1, 7)})
    assert draw(within, sizes, "all").height == 47


def test_a_split_that_kept_only_its_lowest_hashes_bounds_the_sample(monkeypatch):
    monkeypatch.setattr(deep_sample, "SAMPLE_PER_CELL", 3)
    kept = pl.DataFrame(
        {"role": "corpus", "language": "en", "stratum": 1, "part": [0, 0, 0, 1, 1], "stable_id": [1, 5, 9, 8, 30]}
    )
    assert sorted(deep_sample._complete_prefix(kept)["stable_id"]) == [1, 5, 8, 9]


def test_the_sample_is_read_once_and_the_documents_say_so(opened, tmp_path, loud):
    manifest = read_json(tmp_path / "run" / "manifest.json")
    manifest["config"]["deep_sample"] = 120
    write_json(tmp_path / "run" / "manifest.json", sealed(manifest))
    finalise(tmp_path / "run")
    first = sum(loud.read)
    finalise(tmp_path / "run")
    scores = pl.read_parquet(tmp_path / "run" / "deep.parquet")
    assert scores.filter(role="corpus").height == 120 and scores.filter(role="human").height == 60
    assert sum(loud.read) == first == scores.height
    with duckdb.connect(str(tmp_path / "run" / "audit.duckdb"), read_only=True) as connection:
        rows = connection.sql("SELECT probability, score_loud FROM documents WHERE probability_tier = 1").pl()
    assert rows.height == 120 and rows["score_loud"].null_count() == 0 and rows["probability"].is_between(0, 1).all()
    report = read_report(tmp_path / "run")
    check = next(c for c in report["sensitivity"]["cross_checks"] if c["name"] == "two_phase")
    assert check["estimate"]["n"] == 120 and check["estimate"]["status"] == "inconclusive"
    assert "hits are known from other generators only" in check["estimate"]["reason"]
    found = next(f for f in report["findings"] if f["kind"] == "deep_sample")
    assert found["evidence"]["sampling_width_of_twice_as_many"] <= found["evidence"]["sampling_width"]
    assert "loud" in [card["name"] for card in report["detectors"]]


@pytest.mark.parametrize("option", [["--deep-sample", "many"], ["--deep-budget", "soon"]])
def test_a_deep_sample_that_is_no_number_stops_before_reading(sample, tmp_path, option, capsys):
    assert command(["audit", str(sample), "--out", str(tmp_path / "run"), *option]) == 2
    assert option[0][2:].replace("-", "_") in capsys.readouterr().err


def test_a_budget_stops_the_reading_and_what_was_read_is_used(opened, loud):
    ticks = iter(range(10**6))
    found = measured(opened, deep_budget="20s", clock=lambda: float(next(ticks)))
    n = found.findings[0].evidence["documents"]
    assert "limited by the budget of 20s" in found.findings[0].message
    assert deep_sample.PILOT <= n < found.findings[0].evidence["retained"] and found.estimate.n == n


def test_another_setting_or_input_is_read_anew_and_the_same_is_not(opened, loud):
    measured(opened, deep_sample=40)
    once = sum(loud.read)
    measured(opened, deep_sample=40)
    assert sum(loud.read) == once == 60
    measured(opened, deep_sample=50)
    assert sum(loud.read) > once


def test_a_broken_file_of_scores_is_read_anew(opened, loud):
    first = measured(opened, deep_sample=40)
    (opened[1] / deep_sample.SCORES).write_bytes(b"PAR1")
    assert measured(opened, deep_sample=40).estimate == first.estimate


def test_without_the_extra_the_audit_runs_and_says_so(opened, monkeypatch):
    monkeypatch.setattr(second_tier, "load", lambda names: None)
    monkeypatch.setattr(
        second_tier, "obstacles", lambda: ("lm: torch not installed (run: pip install 'corpus-auditor[lm]')",)
    )
    found = measured(opened, deep_sample=50)
    assert found.estimate is None and not found.checks
    assert found.findings[0].message == (
        "the audit ran without deep detectors: lm: torch not installed (run: pip install 'corpus-auditor[lm]')"
    )


def test_without_retained_texts_nothing_is_read(opened, loud):
    found = measured(opened, deep_sample=50, retain="none")
    assert not loud.read and "--retain none" in found.findings[0].message


def test_nothing_happens_unless_it_was_asked_for(opened, loud):
    found = measured(opened)
    assert not loud.read and found.estimate is None and not found.findings


def test_documents_without_a_score_leave_no_number(opened, loud, monkeypatch):
    monkeypatch.setattr(Loud, "score", lambda self, batch: np.full(len(batch), np.nan, np.float32))
    found = measured(opened, deep_sample=50)
    assert str(found.estimate.status) == "not_measured" and not found.checks


def test_the_drawn_sample_estimates_the_flagged_share_with_the_coverage_it_claims():
    rng = np.random.default_rng(1)
    n, covered, widths, plain = 6000, 0, [], []
    score = np.round(rng.normal(-2, 2.5, n), 3)
    stratum = score_bins(score, SAMPLE_BINS).astype(np.int32)
    logit = score + rng.normal(0, 2, n) - 1
    frame = pl.DataFrame({"role": "corpus", "language": "en", "stratum": stratum, "score": score, "logit": logit})
    cheap = (pl.lit(1.0) / (1 + (-pl.col("score")).exp())).mean()
    sizes = frame.group_by(CELL).agg(size=pl.len().cast(pl.Int64), cheap_mean=cheap).sort(CELL)
    truth = float((logit > 0).mean())
    for _ in range(150):
        hashed = frame.with_columns(stable_id=pl.Series(rng.permutation(n).astype(np.uint64)))
        taken = draw(hashed, sizes, 300)
        found = difference_estimate(_strata(taken, sizes, "corpus", 0.0))
        covered += found.lower <= truth <= found.upper
        widths.append(found.upper - found.lower)
        plain.append(2 * 1.96 * np.sqrt(truth * (1 - truth) / 300))
    assert 0.9 <= covered / 150 <= 0.995
    assert np.mean(widths) < 0.85 * np.mean(plain)


def test_a_deep_detector_among_the_names_is_left_to_the_sample(monkeypatch):
    slow = Description("slow", "1", tier=1)
    listing = registry.Listing(slow, "plugged", Obstacle("no"))
    monkeypatch.setattr(registry, "listings", lambda: [listing])
    assert registry.deep_names(("ngrams", "slow", "hf:x/y", "lm:z")) == ("slow", "hf:x/y", "lm:z")


def test_two_models_that_nothing_combines_are_refused(monkeypatch):
    monkeypatch.setattr(registry, "load", lambda name: SimpleNamespace(description=Description(name, "1", tier=1)))
    with pytest.raises(DetectorError, match="no shipped stack combines"):
        second_tier.load(("hf:a", "hf:b"))
    assert second_tier.load(("hf:a",)).stack == Stack(("hf:a",), 0.0, (1.0,))


def test_rates_of_foreign_families_count_families_not_documents():
    alike = [known(f, "ai", 200, 800) for f in "abcde"]
    unlike = [known(f, "ai", 1000 - n, n) for f, n in zip("abcde", (600, 700, 800, 900, 1000), strict=True)]
    for cells, most in ((alike, 5000), (unlike, 40)):
        flagged, tested = second_tier.rates(cells, "ai", 0.0)
        assert flagged / tested == pytest.approx(0.8)
        assert tested <= most
    assert second_tier.rates(alike, "ai", 0.0)[1] == 5000
    assert second_tier.rates(alike[:2], "ai", 0.0) == (0.0, 0.0)


def test_cells_of_the_sample_are_those_of_the_corpus(opened):
    connection, run, plan, _ = opened
    tasks = {role: plan.of_role(role) for role in ROLES}
    kept = deep_sample.retained_documents(run, tasks).group_by(CELL).len()
    joined = kept.join(deep_sample.stratum_sizes(connection), on=CELL, how="full")
    assert joined["len"].null_count() == 0 and joined["size"].null_count() == 0
    assert (joined["len"] <= joined["size"]).all()
