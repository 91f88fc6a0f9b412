"""The short form of tests/harness/mutate.py."""

import random

from tests.harness.mutate import survives


def test_damaged_files_cost_whole_ones_nothing_and_none_is_passed_over(tmp_path):
    assert survives(tmp_path, random.Random(1), inputs=25)
