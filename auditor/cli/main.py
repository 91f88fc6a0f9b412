"""The command line: parse, call one function, print. Nothing heavy is imported until a command runs."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

import typer

from auditor.cli import audit, collapse, compare, detectors, export, finished, gate, provenance, sample, steps
from auditor.cli.app import app
from auditor.errors import EXIT_INCOMPLETE, EXIT_USAGE, AuditError

# Importing a module of commands puts them on the app.
COMMANDS = (audit, collapse, compare, detectors, export, finished, gate, provenance, sample, steps)
# Some releases of typer carry click inside, others depend on it; either way its usage error is this class.
UsageError: Any = typer.BadParameter.__mro__[1]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The console script: every error is one line, and the exit code says which kind."""
    # Most of what is made at first stays: looking it through for garbage again and again takes half a second.
    gc.set_threshold(50_000)
    code = run(list(sys.argv[1:] if arguments is None else arguments))
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads any more
            stream.flush()
    # Everything is written. Python's own way out takes all imported libraries apart first, half a second of an audit.
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        result = typer.main.get_command(app).main(arguments, prog_name="auditor", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except AuditError as error:
        _complain(str(error))
        return error.exit_code
    except typer.Exit as stop:
        return stop.exit_code
    except UsageError as error:
        error.show()  # type: ignore[attr-defined]
        return EXIT_USAGE
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted; the same command goes on from here")
        return EXIT_INCOMPLETE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, MemoryError) as error:
        _complain(f"{error or type(error).__name__}; nothing finished was lost, the same command goes on from here")
        return EXIT_INCOMPLETE
    except Exception as error:
        return _our_fault(error)


def _complain(text: str) -> None:
    print("auditor: " + " ".join(text.split()), file=sys.stderr)


def _our_fault(error: Exception) -> int:
    if os.environ.get("AUDITOR_TRACEBACK"):
        traceback.print_exc()
    place = traceback.extract_tb(error.__traceback__)[-1]
    _complain(
        f"internal error: {type(error).__name__}: {error} ({os.path.basename(place.filename)}:{place.lineno}); "
        "this is a defect of auditor; set AUDITOR_TRACEBACK=1 for the details and report it"
    )
    return EXIT_INCOMPLETE
