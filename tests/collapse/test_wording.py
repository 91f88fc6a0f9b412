"""The sentence to act on: its figures, its range where the fraction is in doubt, no figure where it is unmeasured."""

import re
from dataclasses import replace

import pytest

from auditor.collapse.options import ReservoirOptions, Sizing
from auditor.collapse.reservoir import recommend
from auditor.collapse.wording import answer, explain_band, explain_choices, span, spoken
from auditor.records import Estimate, Status
from tests.collapse.strata import estimate, shards, stratum

OPTIONS = ReservoirOptions()
PRIOR = {"tail_retention": Estimate.not_measured("no reference")}


def said(fraction: Estimate, options: ReservoirOptions = OPTIONS, kinds: tuple[str, ...] = (), **changes) -> str:
    eleven = [replace(shard, fraction=fraction, **PRIOR) for shard in shards(count=11)]
    found = recommend([stratum(fraction=fraction, **(PRIOR | changes))], eleven, options)
    advice = found.advise()
    return answer(found, advice.kept, advice.bands, kinds)


def test_the_sentence_says_what_to_keep_what_to_add_and_what_follows():
    text = said(estimate(0.75, 0.04), kinds=("recipes", "forum posts"), tokens=36e6)
    assert text.startswith("Keep the 9 million (7.56-10.4) human tokens of these 11 shards, and add ")
    assert "tokens of verified human text, most of it recipes and forum posts. The tail of rare words then" in text
    assert re.search(
        r"keeps 90% of its share over 10 generations if each generation mixes at least \d\d% human text\.$", text
    )


def test_nothing_is_asked_for_where_nothing_is_needed():
    text = said(estimate(0.02, 0.01))
    assert "; no further human text is needed. The tail of rare words then keeps 90%" in text and "add" not in text


def test_where_only_adverse_assumptions_ask_for_human_text_the_share_is_called_a_precaution():
    text = said(estimate(0.3, 0.02), tail_retention=Estimate(1.05, 0.93, 1.17, method="given"))
    share = re.search(r"mixes at least (\d+%) human text\.", text)[1]
    assert share != "0%"
    assert text.endswith(f"The {share} is a precaution for adverse assumptions: no loss of the tail was measured here.")


def test_where_nothing_thins_the_tail_no_share_of_zero_is_asked_for():
    text = said(estimate(0.3, 0.02), tail_retention=Estimate(1.2, 1.19, 1.21, method="given"))
    assert "at least" not in text and text.endswith("over 10 generations whatever the share of human text.")


def test_no_finite_answer_under_adverse_assumptions_is_said_beside_the_figure():
    text = said(estimate(0.9, 0.08), replace(OPTIONS, sizing=Sizing.APPENDED, verification_precision=0.6))
    assert "no finite" in text


def test_a_doubtful_fraction_gives_a_range_with_its_reason_and_no_single_figure():
    text = said(estimate(0.75, 0.15).but(Status.INCONCLUSIVE, "anchors cover 12% of it"))
    assert "These are ranges because the machine-written share is inconclusive: anchors cover 12% of it." in text
    assert "Keep the 200-800 million human tokens" in text and "(" not in text


def test_an_unmeasured_fraction_gives_no_figure():
    text = said(Estimate.not_measured("no anchors"))
    assert text.startswith("No figure can be given") and not any(c.isdigit() for c in text)


def test_a_corpus_without_human_text_has_nothing_to_keep():
    assert said(estimate(1.0)).startswith("The corpus holds no human text to keep; add ")


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (812, "812"), (999_999, "1 million"), (9_123_456, "9.12 million"), (3e9, "3 billion")],
)
def test_counts_read_aloud(number, shown):
    assert spoken(number) == shown


def test_an_interval_takes_the_unit_of_its_upper_end():
    assert span(900_000, 6e6) == "0.9-6 million" and span(5, 5) == "5" and span(1e6, 1.0001e6) == "1 million"


def test_every_band_says_what_it_assumes_and_chosen_coverage_is_named():
    found = recommend([stratum()], [], OPTIONS)
    words = {explain_band(name, found) for name in ("optimistic", "central", "pessimistic")}
    assert len(words) == 3 and all("interval" in text or "as estimated" in text for text in words)
    assert "was not asked for" in explain_choices(found)
    assert "99.0% of human text" in explain_choices(recommend([stratum()], [], replace(OPTIONS, coverage_share=0.99)))
