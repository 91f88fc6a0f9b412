"""Counting documents at hand is what the stream's type samples do, where these keep everything."""

import numpy as np
import pytest

from auditor.estimate.diversity.spectrum import Body
from auditor.pipeline.diversity.exact_counts import count_documents
from auditor.run_columns import LEVELS
from auditor.sketch.types import TypeSample
from auditor.text.tokens import Tokens


@pytest.fixture
def tokens() -> Tokens:
    rng = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 700, 60))])
    return Tokens(rng.zipf(1.4, offsets[-1]).astype(np.uint64), offsets, np.zeros(60, np.int64))


@pytest.mark.parametrize("level", LEVELS.values())
def test_the_cells_are_those_of_the_type_samples(tokens, level):
    rng = np.random.default_rng(1)
    group, bin = rng.integers(0, 32, 60).astype(np.uint8), rng.choice([0, 2, 255], 60).astype(np.uint8)
    sample = TypeSample(cap=2**17)
    sample.add(tokens, group, bin, np.ones(60, bool))
    stream, counted = Body(sample.frame()), count_documents(tokens, group, bin)
    for groups_of in (None, {0: np.arange(32), 2: np.arange(5)}):
        ours, theirs = (body.cells(level).spectrum(groups_of) for body in (counted, stream))
        for name in ("types", "fixed", "index", "group", "count", "blocks", "tokens", "block_totals", "rate"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
