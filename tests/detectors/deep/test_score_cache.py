"""A text is computed once for each revision; a cache that cannot be used costs time only."""

import numpy as np
import pytest

from auditor.detectors.deep.score_cache import CHUNK, ScoreCache, content_key


class Counting:
    """Computes a row from a text's length, and remembers what it was asked."""

    def __init__(self):
        self.asked: list[list[str]] = []

    def __call__(self, texts):
        self.asked.append(list(texts))
        return [np.array([len(text), 1.5], np.float32) for text in texts]


def test_a_text_is_computed_once_and_rows_come_in_the_order_asked(tmp_path):
    compute, cache = Counting(), ScoreCache("r1", tmp_path)
    assert [row.tolist() for row in cache.rows(["bbb", "a", "bbb"], compute)] == [[3, 1.5], [1, 1.5], [3, 1.5]]
    assert compute.asked == [["a", "bbb"]]
    again = ScoreCache("r1", tmp_path).rows(["a", "cc"], compute)
    assert [row.tolist() for row in again] == [[1, 1.5], [2, 1.5]] and compute.asked[-1] == ["cc"]


def test_another_revision_computes_anew(tmp_path):
    compute = Counting()
    for revision in ("r1", "r2"):
        ScoreCache(revision, tmp_path).rows(["a"], compute)
    assert len(compute.asked) == 2


def test_what_was_computed_before_an_error_is_kept(tmp_path):
    texts = ["x" * (n + 1) for n in range(2 * CHUNK)]

    def breaks_in_the_second_chunk(part):
        if len(part[0]) > CHUNK:
            raise MemoryError
        return [np.zeros(1, np.float32) for _ in part]

    cache = ScoreCache("r1", tmp_path)
    with pytest.raises(MemoryError):
        cache.rows(texts, breaks_in_the_second_chunk)
    assert len(cache.known([content_key(text) for text in texts])) == CHUNK


def test_a_broken_or_unwritable_cache_is_no_cache(tmp_path):
    (tmp_path / "r1.sqlite").write_bytes(b"not a database" * 100)
    compute = Counting()
    for _ in range(2):
        assert ScoreCache("r1", tmp_path).rows(["a"], compute)[0].tolist() == [1, 1.5]
    assert len(compute.asked) == 2
    (tmp_path / "file").write_text("")
    assert ScoreCache("r1", tmp_path / "file" / "below").rows(["a"], compute)[0].tolist() == [1, 1.5]


def test_no_text_is_kept(tmp_path):
    ScoreCache("r1", tmp_path).rows(["a secret sentence"], Counting())
    assert b"secret" not in (tmp_path / "r1.sqlite").read_bytes()
