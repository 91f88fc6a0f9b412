"""Measures of style: against a slow count, and the shipped frequency classes against wordfreq's."""

import re

import numpy as np
import polars as pl
import pytest

from auditor.detectors.first import style_measures
from auditor.text.batch import TextBatch

TEXT = (
    "It rained. “Shall we go?” he asked; nobody - not one of them - answered him! The well-known 3,500 steps "
    "(don't count) took hours: slowly, very slowly, they went up. "
)


def measured(text: str) -> dict[str, float]:
    values = style_measures.measures(TextBatch.of(pl.Series([text])))[0]
    return dict(zip(style_measures.NAMES, values.tolist(), strict=True))


def test_the_shipped_frequency_classes_are_wordfreqs():
    table = np.zeros_like(style_measures.rarity())
    listed = style_measures.listed_rarity()
    table[listed["places"]] = listed["values"]
    assert (table == style_measures.rarity()).all()
    assert len(listed["places"]) > 50_000


def test_rates_are_those_of_a_slow_count():
    text = TEXT * 3
    words = re.findall(r"[A-Za-z0-9]+(?:['’][A-Za-z0-9]+)*", text)
    found = measured(text)
    assert found["word_length"] == pytest.approx(np.mean([len(re.sub("['’]", "", w)) for w in words]), rel=1e-5)
    for name, count in {"commas": 3, "semicolons": 1, "questions": 1, "exclamations": 1, "colons": 1}.items():
        assert found[name] == pytest.approx(np.sqrt(3 * count / len(words)), rel=1e-5), name
    assert found["quotes"] == pytest.approx(np.sqrt(6 / len(words)), rel=1e-5)
    assert found["dashes"] == pytest.approx(np.sqrt(9 / len(words)), rel=1e-5)
    assert found["brackets"] == pytest.approx(np.sqrt(6 / len(words)), rel=1e-5)


def test_sentence_lengths_are_counted_in_words():
    found = measured("One two three. Four five six seven eight. " * 4)
    assert found["sentence_length"] == pytest.approx(np.log(4.0), rel=1e-5)
    assert found["sentence_spread"] == pytest.approx(0.25, rel=1e-5)
    assert found["sentence_change"] == pytest.approx(0.5, rel=1e-5)


def test_only_the_beginning_of_a_long_document_is_read():
    start = TEXT * (style_measures.READ_BYTES // len(TEXT.encode()) + 1)
    assert measured(start + "x, " * 5000) == pytest.approx(measured(start + "y; " * 9000), rel=1e-6)


def test_rarity_counts_every_word_read_once():
    found = measured(TEXT * 20)
    assert sum(found[f"rarity_{k}"] ** 2 for k in range(style_measures.RARITY)) == pytest.approx(1.0, rel=1e-5)
