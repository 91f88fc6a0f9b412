"""What to keep: human tokens with their interval, shards best first, what is left out and why."""

from dataclasses import replace

import pytest

from auditor.collapse.keep import human_estimate, keep_shards, kept_tokens, worth
from auditor.collapse.options import ReservoirOptions
from auditor.records import Estimate, Status
from tests.collapse.strata import estimate, shards, stratum


def test_human_tokens_have_the_interval_of_the_fraction_turned_round():
    found = human_estimate(1000, estimate(0.25, 0.1))
    assert (found.lower, found.value, found.upper) == pytest.approx((650, 750, 850))
    doubt = human_estimate(1000, estimate(0.25, 0.1).but(Status.INCONCLUSIVE, "few anchors"))
    assert doubt.status == Status.INCONCLUSIVE and doubt.reason == "few anchors"
    assert human_estimate(1000, Estimate.not_measured("no anchors")).value is None


def test_strata_add_up_and_one_in_doubt_puts_the_sum_in_doubt():
    sure, doubt = stratum("a"), stratum("b", fraction=estimate(0.5, 0.2).but(Status.INCONCLUSIVE, "odd kind"))
    found = kept_tokens([sure, doubt], ReservoirOptions(), {})
    assert found.value == pytest.approx(0.9 * 2e9 + 0.5 * 2e9) and found.reason == "odd kind"
    assert kept_tokens([], ReservoirOptions(), {"en": "no anchors"}).reason == "en: no anchors"


def test_the_best_shard_is_clean_unique_rich_in_tail_and_covered_by_anchors():
    base = shards()[0]
    worse = [
        replace(base, name="machine", fraction=estimate(0.5, 0.05)),
        replace(base, name="copies", duplicate_fraction=estimate(0.6)),
        replace(base, name="thin", tail_retention=estimate(0.5)),
        replace(base, name="uncovered", anchor_coverage=0.2),
    ]
    rows, left_out = keep_shards([*worse, base])
    assert rows[0].shard == base.name and not left_out
    assert all(worth(shard) < worth(base) for shard in worse)
    assert rows[-1].cumulative_share == pytest.approx(1)


def test_shards_without_human_text_or_without_a_figure_are_left_out_with_the_reason():
    base = shards()[0]
    made = replace(base, name="made", fraction=estimate(0.98, 0.01))
    unknown = replace(base, name="unknown", fraction=Estimate.not_measured("too short"))
    rows, left_out = keep_shards([base, made, unknown])
    assert [row.shard for row in rows] == [base.name]
    assert {row.shard: row.reason for row in left_out} == {
        "made": "less than 5% of it is human text",
        "unknown": "its synthetic fraction is not measured (too short)",
    }
