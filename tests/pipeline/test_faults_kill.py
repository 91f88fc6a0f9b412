"""The short form of tests/harness/kill.py."""

import random

from tests.harness.kill import survives, undisturbed
from tests.pipeline.runs import write_corpus


def test_a_run_killed_anywhere_goes_on_to_the_same_bytes(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", files=2, documents=40)
    course = undisturbed(corpus, tmp_path / "whole", 1)
    assert (course.run / "clusters").is_dir()
    assert survives(corpus, tmp_path / "cut", course, random.Random(), kills=4, workers=1)
