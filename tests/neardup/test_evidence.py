"""Passages rebuild both texts, and say the same words only where the words are the same."""

from hypothesis import example, given
from hypothesis import strategies as st

from auditor.neardup.evidence import CHARACTERS, differences, longest_shared
from auditor.text.spans import spans

WORDS = st.lists(st.sampled_from(["the", "cat", "Sat,", "on", "a", "mat.", "我", "don’t", "—"]), max_size=60).map(
    " ".join
)


def words(text: str) -> list[str]:
    return [span.word for span in spans(text)]


@given(st.one_of(WORDS, st.text(max_size=80)), st.one_of(WORDS, st.text(max_size=80)))
@example("a a a a a a a a a", "a a a a a a")
@example("", "one")
def test_passages_joined_are_the_texts_and_shared_ones_have_the_same_words(left, right):
    passages = differences(left, right)
    if words(left) or words(right):
        assert "".join(p.left for p in passages) == left
        assert "".join(p.right for p in passages) == right
    place = [0, 0]
    for passage in passages:
        assert [passage.left_start, passage.right_start] == place
        place = [place[0] + len(passage.left), place[1] + len(passage.right)]
        assert not passage.same or words(passage.left) == words(passage.right) != []


@given(WORDS)
def test_a_text_shares_all_with_itself_in_other_case_and_punctuation(text):
    passages = differences(text, text.upper().replace(" ", " ; "))
    assert [p.same for p in passages] == ([True] if words(text) else [])


def test_a_replaced_an_added_and_a_dropped_passage_are_told_apart():
    left = "We meet on Monday at nine in the big hall. Bring your own lunch please. Thanks to all of you who came."
    right = "We meet on Friday at nine in the big hall. Bring please. Thanks to all of you who came. See you soon!"
    told = [(p.left.strip(), p.right.strip()) for p in differences(left, right) if not p.same]
    assert told[0] == ("Monday", "Friday")
    assert ("your own lunch", "") in told and ("", "See you soon!") in told


def test_the_longest_shared_passage_is_the_evidence_of_a_template():
    page = "Posted under section nine of the act. {} Comments are due within thirty days after its posting."
    shared = longest_shared(page.format("Bridge works in Ohio."), page.format("A new school for Maine is planned."))
    assert shared == "Comments are due within thirty days after its posting."
    assert longest_shared("one two three", "four five six") == ""


def test_long_and_degenerate_texts_end_soon():
    passages = differences("spam " * 50_000 + "ham", "spam " * 30_000 + "eggs")
    assert sum(len(p.left) for p in passages) == CHARACTERS
