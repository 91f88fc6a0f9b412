"""Named random streams: every draw of an audit comes from one, and their numbers stay."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from auditor import streams

ROOT = Path(__file__).parents[1] / "auditor"
SEEDED_ELSEWHERE = {
    "simulation",
    "topic vectors",
    "topics",
    "possible worlds",
}  # by the seed alone, each by a command or step of its own


def test_a_stream_is_the_seed_and_its_numbers():
    for name, numbers in streams.STREAMS.items():
        expected = np.random.default_rng([3, *numbers, 2]).random(5)
        assert np.array_equal(streams.rng(3, name, 2).random(5), expected)


def test_the_streams_of_one_audit_are_all_different():
    names = [name for name in streams.STREAMS if name not in SEEDED_ELSEWHERE]
    first = {(name, place): streams.rng(0, name, *place).random(4).tobytes() for name in names for place in ((), (0,))}
    # numpy pads seeds with zeros: place 0 of a stream is the stream itself, so two names must not share a number.
    for (a, _), (b, _) in itertools.combinations(first, 2):
        if a != b:
            assert not {first[a, p] for p in ((), (0,))} & {first[b, p] for p in ((), (0,))}, f"{a} draws as {b} does"


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError):
        streams.rng(0, "dice")


def test_no_module_makes_a_generator_of_its_own():
    for file in ROOT.rglob("*.py"):
        if file.name != "streams.py":
            assert not re.search(r"default_rng\(|^import random$", file.read_text("utf-8"), re.M), file
