"""Broken files that once were a finding, or easily could be: each keeps the outcome that was judged right."""

import json
from pathlib import Path

import pytest

from tests.sources.corpora import plan, read

CORPUS = Path(__file__).parent / "corpus"
EXPECTED = json.loads((CORPUS / "expected.json").read_text())


@pytest.mark.parametrize("name", EXPECTED)
def test_a_broken_file_ends_as_it_was_judged(name):
    expected = EXPECTED[name]
    if "planned" in expected:
        assert not plan(CORPUS / name).shards
        return
    frame, skips, _, failure = read(CORPUS / name)
    found = {"texts": frame["text"].to_list() if frame.height else [], "skips": skips, "complete": failure is None}
    assert found == expected


def test_every_file_of_the_corpus_is_judged():
    assert {path.name for path in CORPUS.iterdir()} == {*EXPECTED, "expected.json"}
