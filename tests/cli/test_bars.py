"""Bars and lines of characters: nothing that is there is drawn as nothing, nothing runs out of its space."""

import pytest

from auditor.cli.output.bars import bar, sparkline


@pytest.mark.parametrize(("share", "cells"), [(0.0, 0), (1e-9, 1), (0.5, 12), (1.0, 24), (7.0, 24), (-1.0, 0)])
def test_a_bar_is_as_long_as_its_share(share, cells):
    assert len(bar(share, 24)) == cells


def test_a_line_falls_as_its_values_do():
    line = sparkline([1.0, 0.5, 0.0])
    assert len(line) == 3 and line[0] == "█" and line[-1] == "▁" and line[0] > line[1] > line[2]
    assert sparkline([]) == "" and sparkline([0.0, 0.0]) == "▁▁"
