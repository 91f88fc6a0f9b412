"""The token kernel against its slow twin, on any text and on any bytes."""

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.text.arrow import buffers
from auditor.text.batch import TextBatch
from auditor.text.spans import spans
from auditor.text.tokens import token_hash, tokenise

TEXTS = st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), max_size=5)


def words(text: str) -> list[str]:
    return [span.word for span in spans(text)]


@given(TEXTS)
@example(
    ["Don’t — it's O'Neill's 'quoted' rock''n'roll'", "e\u0301te\u0301 ÉTÉ", "中文和English混排", "ไทย", "a" * 100]
)
@example(["", " ", "\x00a\x00", "\U0002a6d6\U000e0100x", "x\u0301\u0327y'"])
def test_the_kernel_agrees_with_its_slow_twin(texts):
    tokens = tokenise(*buffers(pl.Series(texts, dtype=pl.String)))
    expected = [[span.hash for span in spans(text)] for text in texts]
    got = [tokens.hashes[a:b].tolist() for a, b in zip(tokens.offsets, tokens.offsets[1:], strict=False)]
    assert got == expected
    assert tokens.characters.tolist() == [len(text) for text in texts]
    place = [
        [(len(text[: span.start].encode()), len(text[: span.end].encode())) for span in spans(text)] for text in texts
    ]
    found = [tokens.bounds[a:b].tolist() for a, b in zip(tokens.offsets, tokens.offsets[1:], strict=False)]
    assert found == [[list(bound) for bound in own] for own in place]


@given(st.binary(max_size=200))
def test_any_bytes_give_tokens_and_malformed_ones_are_gaps(raw):
    array = np.frombuffer(raw, np.uint8)
    tokens = tokenise(array, np.array([0, len(raw)], np.int64))
    assert len(tokens.hashes) <= (len(raw) + 1) // 2
    expected = [span.hash for span in spans(raw.decode("utf-8", "replace"))]
    assert tokens.hashes.tolist() == expected


def test_words_are_what_a_reader_would_call_words():
    assert words("Don’t stop: state-of-the-art, 3.5%!") == ["don't", "stop", "state", "of", "the", "art", "3", "5"]
    assert words("Großes ÉLÉPHANT naïve") == ["großes", "éléphant", "naïve"]
    assert words("我爱北京 и Москва") == ["我", "爱", "北", "京", "и", "москва"]


def test_the_hash_of_a_word_does_not_depend_on_case_or_apostrophe():
    assert token_hash("Don’t") == token_hash("don't")
    with pytest.raises(ValueError, match="2 tokens"):
        token_hash("two words")


def test_hashes_of_real_words_do_not_collide_even_cut_to_32_bits():
    from wordfreq import top_n_list

    vocabulary = [word for word in top_n_list("en", 50_000) if len(spans(word)) == 1]
    tokens = tokenise(*buffers(pl.Series(vocabulary)))
    assert len(np.unique(tokens.hashes)) == len(set(words(" ".join(vocabulary))))
    expected = len(vocabulary) ** 2 / 2**33
    assert len(vocabulary) - len(np.unique(tokens.hashes & 0xFFFFFFFF)) <= expected + 5 * expected**0.5 + 1


def test_slices_nulls_and_chunks_are_read_in_place():
    column = pl.concat([pl.Series(["one two", None]), pl.Series(["three", "", "four five six"])], rechunk=False)
    assert TextBatch.of(column).tokens.words.tolist() == [2, 0, 1, 0, 3]
    assert TextBatch.of(column[2:]).tokens.words.tolist() == [1, 0, 3]
    assert len(TextBatch.of(column[:0])) == 0
    assert TextBatch.of(column).document(4) == "four five six"
