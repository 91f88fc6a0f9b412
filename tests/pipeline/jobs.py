"""Jobs that misbehave, for workers to run; imported by them, so it must stay light."""

import os
import signal
import time
from pathlib import Path

from auditor.errors import SourceError


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
    if what == "refuses":
        raise SourceError("a shard is broken")
    if what == "disk full":
        raise OSError(28, "No space left on device", "parts")
    return os.environ["POLARS_MAX_THREADS"] if what == "threads" else what
