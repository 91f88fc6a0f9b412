"""Words, marks and forms: the kernel against a slow twin, and what must not move them."""

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wordfreq import top_n_list

from auditor.detectors.first import wordstream
from auditor.detectors.first.word_tables import CHECK, SHIFT
from auditor.detectors.first.wordstream import ENDINGS, LEVELS, WHOLE, classes, places, streams
from auditor.text.batch import TextBatch
from auditor.text.tokens import mix, token_hash, tokenise

TOKEN = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*|[.,;:!?\"()'\-]")
PIECES = st.sampled_from(
    ["the", "Cat's", "don't", "running", "x", " ", ", ", "...", "\n", "\n- ", "-", "12", "'", "(", '"']
)


def naive(text: str) -> list[str]:
    """Tokens of plain ASCII: bullets dropped, numbers one token, a mark once."""
    text = re.sub(r"(^|\n)[ \n-]+", lambda found: re.sub("-", " ", found[0]), text)
    out, before = [], ""
    for token in TOKEN.findall(text):
        mark = not token[0].isalpha()
        token = "0" if token[0].isdigit() else token.lower()
        if not (mark and token == before):
            out.append(token)
        before = token if mark else ""
    return out


def expected(token: str) -> int:
    if token[0].isalpha():
        return token_hash(token)
    return int(mix(wordstream.NUMBER if token == "0" else wordstream.MARKS | np.uint64(ord(token))))


@given(st.lists(PIECES, max_size=40).map("".join))
def test_the_kernel_reads_like_the_slow_twin(text: str):
    assert [place.word for place in places(text)] == [expected(token) for token in naive(text)]


def test_quotes_spaces_bullets_markdown_and_case_do_not_move_the_streams():
    plain = places('He said: "it\'s fine" - really... The end, 12 times.')
    other = places("- He  said:\n\n“IT’S fine” – really… *The* end, 7 times.")
    assert [(p.word, p.form) for p in plain] == [(p.word, p.form) for p in other]


def test_forms_keep_common_words_and_reduce_others_to_ending_and_frequency():
    frequent = [word for word in top_n_list("en", 5600)[5000:] if word.endswith("ing")]
    one, other = frequent[:2]
    found = {word: places(word)[0] for word in ("the", "cat", "zqxv", "wvvzz", "stringing", one, other)}
    assert found["the"].form == found["the"].word and found["cat"].form != found["cat"].word
    assert found[one].form == found[other].form != found["stringing"].form != found["cat"].form
    assert found["zqxv"].form == found["wvvzz"].form


def test_places_are_those_of_the_words():
    text = "naïve “don’t” 你好, 12 km…"
    expected = ["naïve", "“", "don’t", "”", "你", "好", ",", "12", "km", "…"]
    assert [text[p.start : p.end] for p in places(text)] == expected


def test_a_token_that_begins_before_the_end_of_what_is_read_is_whole():
    assert [p.word for p in places("one, 23 three", 9)] == [p.word for p in places("one, 23 three")]
    assert [p.word for p in places("one, 23 three", 8)] == [p.word for p in places("one, 23")]


@given(st.lists(st.text(max_size=60), min_size=1, max_size=6))
def test_a_batch_reads_each_document_alone(texts: list[str]):
    batch = TextBatch.of(pl.Series(texts, dtype=pl.String))
    found = streams(batch, np.arange(len(texts)))
    for d, text in enumerate(texts):
        own = slice(found.offsets[d], found.offsets[d + 1])
        alone = places(text)
        assert found.words[own].tolist() == [p.word for p in alone]
        assert found.forms[own].tolist() == [p.form for p in alone]


@pytest.mark.parametrize("raw", [b"\xff\xfe\x80", b"\xe2\x80", b"abc\xe2", b"\xf0\x9f\x98", b"\xc3", b"it\xe2\x80\x99"])
def test_malformed_bytes_are_read_to_the_end(raw: bytes):
    text, offsets = np.frombuffer(raw, np.uint8), np.array([0, len(raw)])
    batch = TextBatch(text, offsets, tokenise(text, offsets), pl.Series([None], dtype=pl.String))
    assert len(streams(batch, np.array([0])).words) <= len(raw)


def test_the_shipped_forms_are_those_of_the_word_list():
    listed = wordstream.listed_forms()
    table = classes()
    np.testing.assert_array_equal(table[listed["places"]], listed["values"])
    h = token_hash("nationality")
    form, check = table[h >> int(SHIFT)].tolist()
    assert check == h & int(CHECK) and ENDINGS[(form - 1) // LEVELS] == "ity" and form < WHOLE
