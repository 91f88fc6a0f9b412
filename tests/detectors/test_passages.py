"""Windows of sentences: they cover the text, and mark where it changes hands."""

from itertools import pairwise

import polars as pl
import pytest

from auditor.detectors.first_tier import Ensemble
from auditor.detectors.passages import MOST, WORDS, passages
from auditor.detectors.training.data import mirrors


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return Ensemble.load()


HUMAN = (  # Melville 1851, chapter 1
    "Call me Ishmael. Some years ago--never mind how long precisely--having little or no money in my purse, and "
    "nothing particular to interest me on shore, I thought I would sail about a little and see the watery part of "
    "the world. It is a way I have of driving off the spleen and regulating the circulation. Whenever I find "
    "myself growing grim about the mouth; whenever it is a damp, drizzly November in my soul; whenever I find "
    "myself involuntarily pausing before coffin warehouses, and bringing up the rear of every funeral I meet; and "
    "especially whenever my hypos get such an upper hand of me, that it requires a strong moral principle to "
    "prevent me from deliberately stepping into the street, and methodically knocking people's hats off--then, I "
    "account it high time to get to sea as soon as I can. This is my substitute for pistol and ball. With a "
    "philosophical flourish Cato throws himself upon his sword; I quietly take to the ship. There is nothing "
    "surprising in this. If they but knew it, almost all men in their degree, some time or other, cherish very "
    "nearly the same feelings towards the ocean with me. There now is your insular city of the Manhattoes, belted "
    "round by wharves as Indian isles by coral reefs--commerce surrounds it with her surf. Right and left, the "
    "streets take you waterward. Its extreme downtown is the battery, where that noble mole is washed by waves, "
    "and cooled by breezes, which a few hours previous were out of sight of land. Look at the crowds of "
    "water-gazers there. Circumambulate the city of a dreamy Sabbath afternoon. Go from Corlears Hook to Coenties "
    "Slip, and from thence, by Whitehall, northward. What do you see? Posted like silent sentinels all around the "
    "town, stand thousands upon thousands of mortal men fixed in ocean reveries. "
)


def machine_text() -> str:
    rows = mirrors.read().filter((pl.col("language") == "en") & pl.col("held_out"))
    texts = rows.filter(pl.col("text").str.len_chars().is_between(1800, 4000))["text"]
    return str(texts[0])


def test_windows_are_whole_sentences_in_order_and_leave_no_gap(ensemble):
    found = passages(ensemble, HUMAN)
    assert len(found) >= 3
    assert found[0].start == 0
    assert HUMAN[found[-1].end :].strip() == ""
    for one, after in pairwise(found):
        assert one.start < after.start <= one.end
    assert all(p.words >= WORDS - 1 for p in found)
    assert all(HUMAN[p.start : p.end].strip()[-1] in ".?" for p in found)


def test_a_pasted_half_is_marked_and_the_other_is_not(ensemble):
    made = machine_text()
    whole = HUMAN + "\n\n" + made
    found = passages(ensemble, whole)
    human = [p.score for p in found if p.end <= len(HUMAN)]
    machine = [p for p in found if p.start >= len(HUMAN)]
    assert sum(p.score for p in machine) / len(machine) > max(human) + 1
    assert sum(p.marked for p in machine) > len(machine) / 2
    assert not any(p.marked for p in found if p.end <= len(HUMAN))


@pytest.mark.parametrize("text", ["", "   \n ", "Too short."])
def test_what_has_no_score_has_no_passage(ensemble, text):
    assert passages(ensemble, text) == []


def test_one_sentence_without_an_end_and_very_long_texts(ensemble):
    endless = " ".join(["and then he said that they would see"] * 200)
    assert len(passages(ensemble, endless)) == 1
    assert len(passages(ensemble, HUMAN * 200)) <= MOST


def test_a_short_text_is_one_passage(ensemble):
    short = HUMAN[:500]
    found = passages(ensemble, short)
    assert [(p.start, p.end) for p in found] == [(0, len(short))]
