"""Jobs that misbehave, for workers to run; imported by them, so it must stay light."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from auditor.errors import SourceError


class Panic(BaseException):
    """As a Rust library's panic: no Exception."""


class Unsendable(Exception):
    def __reduce__(self):
        raise TypeError("cannot be pickled")


def misbehave(job, report):
    """job: (what, a file that says it was begun)."""
    what, path = job
    begun = Path(path).exists()
    Path(path).touch()
    report(1, 1)
    if what == "killed" or (what == "killed once" and not begun):
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "hangs":
        time.sleep(600)
    if what == "raises":
        raise ZeroDivisionError("of ours")
    if what == "panics":
        raise Panic("called `Option::unwrap()` on a `None` value")
    if what == "exits":
        sys.exit(7)
    if what == "is interrupted":
        raise KeyboardInterrupt
    if what == "generator ends":
        raise GeneratorExit
    if what == "raises what cannot be sent":
        raise Unsendable
    if what == "returns what cannot be sent":
        return lambda: None
    if what == "exits at once":
        os._exit(3)
    if what == "aborts":
        os.abort()
    if what == "segfaults":
        ctypes.string_at(0)
    if what == "no thread":
        raise RuntimeError("can't start new thread")
    if what == "no memory":
        raise MemoryError
    if what == "refuses":
        raise SourceError("a shard is broken")
    if what == "disk full":
        raise OSError(28, "No space left on device", "parts")
    return os.environ["POLARS_MAX_THREADS"] if what == "threads" else what
