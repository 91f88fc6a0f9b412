"""Tell-tale phrases: found whatever the case and line breaks, counted by category, hidden marks in the bytes."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.detectors.first import phrases
from auditor.text.batch import TextBatch
from auditor.text.spans import spans

LIST = phrases.load()


def counts(*texts: str) -> list[dict[str, int]]:
    table = LIST.counts(TextBatch.of(pl.Series(texts, dtype=pl.String)))
    return [{name: int(k) for name, k in zip(LIST.categories, row, strict=True) if k} for row in table]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Well, AS AN AI\nlanguage   model, I have no opinion.", "self_reference"),
        ("As of my last knowledge update in 2021", "knowledge_cutoff"),
        ("I’m sorry, but I can’t assist with that.", "refusal"),
        ("Certainly! Here is the text:", "preface"),
        ("Revenue rose citeturn0search3 in May", "citation"),
        ("https://example.org/?utm_source=chatgpt.com", "citation"),
        ("<|im_start|>assistant hello", "template"),
        ("cafe" + "\U000e0101\U000e0110" * 8, "marks"),
        ("as said \ue200cite\ue202x\ue201", "marks"),
    ],
)
def test_each_kind_of_left_over_is_found(text: str, category: str):
    assert category in counts(text)[0]


@pytest.mark.parametrize("text", ["", "❤️ 👍🏽 ☺️ plain", "An AI language lesson", "turn 0 search 3", "क्षि नमस्ते می‌خواهم"])
def test_ordinary_text_has_no_marks(text: str):
    assert counts(text) == [{}] and LIST.score(TextBatch.of(pl.Series([text])))[0] == 0


def test_a_phrase_does_not_reach_over_the_end_of_a_document():
    assert counts("as an ai", "language model") == [{}, {}]


PIECES = st.lists(st.sampled_from("as an AI language model I delve into the text oaicite rich tapestry of".split()))


@given(PIECES)
def test_the_kernel_counts_like_a_naive_search(words: list[str]):
    text = " ".join(words)
    naive = dict.fromkeys(LIST.categories, 0)
    listed = {
        p: c for c, entry in LIST.listed.items() for pattern in entry["phrases"] for p in phrases._expand(pattern)
    }
    tokens = [span.word for span in spans(text)]
    at = 0
    while at < len(tokens):
        sizes = [k for k in range(1, 12) if at + k <= len(tokens) and " ".join(tokens[at : at + k]) in listed]
        if sizes:
            naive[listed[" ".join(tokens[at : at + sizes[-1]])]] += 1
        at += sizes[-1] if sizes else 1
    assert counts(text)[0] == {name: k for name, k in naive.items() if k}


def test_the_explanation_adds_up_to_the_hits_and_points_into_the_text():
    text = "Certainly! Here is a rich tapestry. As an AI language model, I delve into it."
    found = LIST.explain(text)
    assert len(found) == sum(counts(text)[0].values()) == 4
    assert [text[e.start : e.end] for e in found][-1] == "delve into"


def test_the_list_holds_no_phrase_twice_and_none_without_a_word():
    entries = [p for entry in LIST.listed.values() for pattern in entry["phrases"] for p in phrases._expand(pattern)]
    forms = [tuple(span.word for span in spans(p)) for p in entries]
    assert all(forms) and len(set(forms)) == len(forms)
    assert np.all(LIST.weights > 0)
