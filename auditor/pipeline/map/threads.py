"""Work on a stream with a few threads, results in the stream's order, never more in flight than threads + 1."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ordered(function: Callable[[T], R], stream: Iterable[T], threads: int) -> Iterator[R]:
    """function of each item, in order. The kernels hold no interpreter lock, so threads use all cores on one file.

    An error of the stream is raised after the results of all items that came before it.
    """
    if threads <= 1:
        yield from map(function, stream)
        return
    waiting: deque[Future[R]] = deque()
    failure: Exception | None = None
    items = iter(stream)
    with ThreadPoolExecutor(threads) as pool:
        while failure is None:
            try:
                waiting.append(pool.submit(function, next(items)))
            except StopIteration:
                break
            except Exception as error:  # raised again below
                failure = error
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    if failure is not None:
        raise failure
