"""Results come in the order of the stream, whatever the threads do, and never more are in flight than may be."""

import threading
import time

import pytest

from auditor.pipeline.map.threads import ordered


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_keep_the_order_of_the_stream(threads):
    def slow_at_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert list(ordered(slow_at_first, range(20), threads)) == [item * item for item in range(20)]


def test_no_more_items_are_taken_than_threads_and_one():
    taken, given = 0, 0

    def stream():
        nonlocal taken
        for item in range(30):
            taken += 1
            assert taken - given <= 4
            yield item

    for _ in ordered(lambda item: item, stream(), 3):
        given += 1
    assert given == 30


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_of_the_stream_comes_after_everything_before_it(threads):
    def broken():
        yield from (1, 2, 3)
        raise ValueError("the file ends here")

    results = ordered(lambda item: item, broken(), threads)
    found = [next(results) for _ in range(3)]
    with pytest.raises(ValueError, match="ends here"):
        next(results)
    assert found == [1, 2, 3]


def test_an_error_of_the_function_is_raised_in_its_place():
    def fails_at_two(item: int) -> int:
        if item == 2:
            raise KeyError(item)
        return item

    results = ordered(fails_at_two, range(5), 2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(KeyError):
        next(results)
    assert threading.active_count() < 50
