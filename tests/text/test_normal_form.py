"""Texts that read the same have one form; all others stay as they are."""

import re
import unicodedata
from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given

from auditor.text.arrow import buffers
from auditor.text.batch import TextBatch
from auditor.text.normal_form import look_through, look_up, normal_form

FRENCH = "Le pêcheur a réparé la clôture près de l'église où les élèves étonnés avaient peint une façade."
PLAIN = "The baker walked past the broken bridge before the storm arrived."


def form(*texts: str | None) -> list[str | None]:
    return normal_form(pl.Series(texts, dtype=pl.String)).to_list()


@pytest.mark.parametrize("kind", ["NFC", "NFD"])
@pytest.mark.parametrize("text", [FRENCH, "Ångström", "Việt Nam không có", "한국어 문장", "がぎぐげご", "Ёлка и йод"])
def test_composed_and_decomposed_letters_are_one(text, kind):
    assert form(unicodedata.normalize(kind, text)) == [unicodedata.normalize("NFC", text)]


INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2063\ufeff\u202a\u202c\u2066\u2069\ufe0f\u034f"


@pytest.mark.parametrize("mark", INVISIBLE, ids=lambda mark: f"U+{ord(mark):04X}")
def test_what_nobody_sees_is_left_out(mark):
    assert form(PLAIN.replace("r", f"r{mark}"), FRENCH.replace("é", f"é{mark}")) == [PLAIN, FRENCH]


def test_look_alike_letters_inside_words_are_those_of_the_word():
    assert form(PLAIN.replace("a", "а").replace("o", "о").replace("e", "е")) == [PLAIN]
    assert form("раypal", "Mосkва", "λx", "αβγ") == ["paypal", "Mосkва", "λx", "αβγ"]
    assert form("Моcква стoит") == ["Москва стоит"]


def test_texts_of_other_scripts_stay_as_they_are():
    texts = ["Москва стоит на реке.", "می‌خواهم بروم", "क्ष और क्‍ष", "日本語の文章。", "Ελληνικά", "naïve café", None, ""]
    column = pl.Series(texts)
    assert normal_form(column).to_list() == texts


def test_plain_text_is_given_back_itself():
    column = pl.Series([PLAIN, "déjà vu", None, "Größe 5 µm – “quoted” … 😀"])
    assert normal_form(column) is column


def test_the_tokens_of_copies_are_equal():
    copies = [FRENCH, unicodedata.normalize("NFD", FRENCH), FRENCH.replace("é", "é\u200b"), "\ufeff" + FRENCH]
    batch = TextBatch.of(pl.Series(copies))
    bounds = batch.tokens.offsets.tolist()
    parts = [batch.tokens.hashes[a:b].tolist() for a, b in pairwise(bounds)]
    assert len(parts[0]) == 17 and parts == [parts[0]] * 4


@given(st.lists(st.text(max_size=12), max_size=6))
def test_the_form_of_a_form_is_itself_and_ascii_never_changes(texts):
    once = form(*texts)
    assert form(*once) == once
    assert all(a == b for a, b in zip(texts, once, strict=True) if a.isascii())


SEARCHED = re.compile(
    r"[\u00AD\u034F\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFE00-\uFE0F\uFEFF\U000E0001-\U000E007F"
    r"\U000E0100-\U000E01EF\u0300-\u0345\u0653-\u0655\u093C\u09BE\u09D7\u0B3E\u0B56\u0B57\u0BBE\u0BD7\u0C56\u0CC2\u0CD5"
    r"\u0CD6\u0D3E\u0D57\u0DCA\u0DCF\u0DDF\u102E\u1161-\u1175\u11A8-\u11C2\u1B35\u3099\u309A\u2126\u212A\u212B\uF900-\uFAFF]"
    r"|[A-Za-z][\u0370-\u04FF]|[\u0370-\u04FF][A-Za-z]"
)
STRANGE = st.sampled_from("аβжЯ\u0301\u200b\u200d\u00ad\u093c\u212b\uf900\ufe0f\U000e0041\U000e0100\U0001f600é日")


@given(st.lists(st.text(st.one_of(st.sampled_from("abc xyz.,"), STRANGE, st.characters(exclude_categories=["Cs"])))))
def test_the_kernel_finds_what_a_search_finds(texts):
    found = np.zeros(len(texts), np.bool_)
    look_through(*buffers(pl.Series(texts, dtype=pl.String)), look_up(), found)
    assert found.tolist() == [SEARCHED.search(text) is not None for text in texts]
