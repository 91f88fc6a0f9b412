"""The acquisition plan and the sensitivity table."""

import tomllib
from dataclasses import replace

import polars as pl
import pytest

from auditor.collapse.acquisition import as_toml, plan_of
from auditor.collapse.keep import ExistingReservoir, existing_reservoirs
from auditor.collapse.options import ReservoirOptions
from auditor.collapse.reservoir import recommend
from auditor.collapse.sensitivity import narrower, sensitivity
from auditor.collapse.stratum import Admitted
from auditor.records import Estimate, plain
from tests.collapse.strata import estimate, shards, stratum, zipf_spectrum

OPTIONS = ReservoirOptions()


def test_a_plan_can_be_read_back_from_toml_whatever_strata_are_called():
    names = ['en "quoted" \\ line\nbreak', "日本語", "a.b = c", "\x7f"]
    reservoir = recommend([stratum(n) for n in names], shards(), OPTIONS)
    found = plan_of(reservoir)
    read = tomllib.loads(as_toml(found))
    assert list(read["mix"]) == names
    assert read == plain(found)


def test_the_mix_of_every_stratum_sums_to_one_and_admits_only_what_passes():
    made = Admitted("proofs", 4e8, "checker", 0.2, 0.9, 0.1, horizon=10)
    found = plan_of(recommend([stratum("a", declared=(made,)), stratum("b")], shards(), OPTIONS)).mixes[""]
    for shares in found.values():
        assert shares.human + shares.admitted_synthetic + shares.rest == pytest.approx(1)
    assert found["a"].admitted_synthetic == pytest.approx(0.2)
    assert found["b"].admitted_synthetic == 0


def test_clean_unique_shards_are_the_best_reservoirs_and_unmeasured_ones_are_none():
    base = shards()[0]
    dirty = replace(base, name="dirty", fraction=estimate(0.6, 0.1))
    copied = replace(base, name="copied", duplicate_fraction=estimate(0.7))
    unknown = replace(base, name="unknown", fraction=Estimate.not_measured("too short"))
    rows = existing_reservoirs([dirty, unknown, copied, base])
    assert rows[0].shard == base.name and rows[-1] == ExistingReservoir("unknown", 0.0, 0)
    assert rows[0].human_tokens == pytest.approx(2.5e8 * 0.97 * 0.89, rel=1e-6)


def test_strata_that_discover_most_are_collected_first():
    strata = [stratum("poor", spectrum=zipf_spectrum(200)), stratum("rich", spectrum=zipf_spectrum(90_000))]
    assert [row.stratum for row in plan_of(recommend(strata, [], OPTIONS)).collect] == ["rich", "poor"]


def test_sensitivity_moves_the_way_it_must_and_a_narrower_interval_narrows_the_bands():
    table = sensitivity([stratum(fraction=estimate(0.8, 0.1))], shards(), ReservoirOptions())
    assert set(table["varied"]) == {"fraction", "width", "tolerance", "horizon", "verification_precision"}
    adverse = table.filter(pl.col("band") == "pessimistic")
    for varied, descending in (("fraction", False), ("tolerance", True), ("horizon", False), ("width", True)):
        tokens = adverse.filter(pl.col("varied") == varied)["tokens"]
        assert tokens.is_sorted(descending=descending), varied
        assert tokens.n_unique() > 1, varied


def test_sensitivity_of_what_cannot_be_sized_has_reasons_and_no_numbers():
    table = sensitivity([stratum(fraction=Estimate.not_measured("no anchors"))], [], OPTIONS)
    assert table["tokens"].null_count() == table.height
    assert table["reason"].str.contains("no anchors").all()
    assert "cannot be sized" in narrower(table)


def test_what_a_narrower_estimate_changes_is_said_in_tokens():
    wide = stratum(fraction=estimate(0.7, 0.2))
    moving = sensitivity([wide], shards(), ReservoirOptions())
    assert "the pessimistic figure from" in narrower(moving)
    fixed = sensitivity([stratum(fraction=estimate(0.1, 0.01), tokens=1e5)], [], ReservoirOptions())
    assert "would change nothing" in narrower(fixed)


def test_a_plan_collects_from_every_cut_of_the_corpus():
    topics = recommend([stratum("law", kind="topic"), stratum("sport", kind="topic")], [], OPTIONS)
    found = plan_of(recommend([stratum("en")], shards(), OPTIONS), parts={"topic": topics})
    assert {(row.kind, row.stratum) for row in found.collect} == {
        ("corpus", "en"),
        ("topic", "law"),
        ("topic", "sport"),
    }
    assert set(found.mixes["topic"]) == {"law", "sport"} and tomllib.loads(as_toml(found)) == plain(found)
