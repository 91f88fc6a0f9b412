"""The command line: parse, call one function, print. Nothing heavy is imported until a command runs."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

import typer

from auditor.cli import audit, collapse, compare, detectors, export, finished, gate, provenance, sample, steps
from auditor.cli.app import app
from auditor.cli.output.costs import tell_costs
from auditor.cli.output.help import import_help
from auditor.cli.output.printing import say
from auditor.cli.output.streams import lost, prepare
from auditor.errors import EXIT_INCOMPLETE, EXIT_USAGE, EXIT_WORDS, AuditError, address_space, exhausted, worst

# Importing a module of commands puts them on the app.
COMMANDS = (audit, collapse, compare, detectors, export, finished, gate, provenance, sample, steps)
tell_costs(app)
SHELL_INTERRUPTED = 130
GOES_ON = f"the same command goes on from here (exit status {EXIT_INCOMPLETE})"
LEAST_SPACE = 1 << 30  # below it libraries fail to load in unpredictable ways; one never returned
# Some releases of typer carry click inside, others depend on it; either way its usage error is this class.
UsageError: Any = typer.BadParameter.__mro__[1]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The console script: every error is one line, and the exit code says which kind."""
    if arguments is None:
        _names_as_utf8()
    # Most objects made at the start stay alive; searching them for garbage again and again takes half a second.
    gc.set_threshold(50_000)
    out, _ = prepare()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's end is an interruption like Ctrl-C
    code = run(list(sys.argv[1:] if arguments is None else arguments))
    with suppress(BaseException):
        atexit._run_exitfuncs()
    sys.stdout.flush()
    if (reason := lost(out)) is not None:
        _complain(f"standard output could not be written ({reason})")
        code = worst([code, EXIT_INCOMPLETE])
    sys.stderr.flush()
    # Everything is written. Python's own exit would first tear down all imported libraries, which takes half a second.
    os._exit(code)


def _names_as_utf8() -> None:
    """Begin again in Python's UTF-8 mode where the locale is of another encoding (LC_ALL=C without its coercion).

    Otherwise file names that are not ASCII would be read as lone surrogates, which no table and no JSON file can hold.
    What is printed stays in the terminal's encoding.
    """
    if sys.getfilesystemencoding().replace("-", "").lower() == "utf8":
        return
    if sys.stdout is not None:
        os.environ.setdefault("PYTHONIOENCODING", f"{sys.stdout.encoding}:{sys.stdout.errors}")
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; a command's own code depends on its work alone."""
    allowed = address_space()
    if allowed is not None and allowed < LEAST_SPACE and not {"-h", "--help", "--version"} & set(arguments):
        _complain(
            f"this process may have {allowed >> 20:,} MiB of address space (ulimit -v); {LEAST_SPACE >> 20:,} MiB are "
            "the least that its libraries can be loaded in, and an audit takes more"
        )
        return EXIT_INCOMPLETE
    if not arguments or {"-h", "--help"} & set(arguments):
        import_help()
    try:
        result = typer.main.get_command(app).main(arguments, prog_name="auditor", standalone_mode=False)
        # Typer turns Ctrl-C into the code that shells use for it.
        return _interrupted() if result == SHELL_INTERRUPTED else _ended(result if isinstance(result, int) else 0)
    except AuditError as error:
        _complain(f"{error} (exit status {error.exit_code})")
        return error.exit_code
    except typer.Exit as stop:
        return _interrupted() if stop.exit_code == SHELL_INTERRUPTED else stop.exit_code
    except UsageError as error:
        error.show()  # type: ignore[attr-defined]
        return EXIT_USAGE
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BaseException as error:  # a panic in a Rust library is not an Exception
        said = exhausted(error)
        if said is None:
            return _our_fault(error)
        _complain(f"{said}; nothing finished was lost, {GOES_ON}")
        return EXIT_INCOMPLETE


def _ended(code: int) -> int:
    """The code of a command that did its work; a code other than 0 is explained."""
    if code in EXIT_WORDS:
        say(f"exit status {code}: {EXIT_WORDS[code]}", error=True)
    return code


def _interrupted() -> int:
    _complain(f"interrupted; {GOES_ON}")
    return EXIT_INCOMPLETE


def _complain(text: str) -> None:
    say("auditor: " + " ".join(text.split()), error=True)


def _our_fault(error: BaseException) -> int:
    if os.environ.get("AUDITOR_TRACEBACK"):
        traceback.print_exc()
    places = traceback.extract_tb(error.__traceback__)
    where = f"{os.path.basename(places[-1].filename)}:{places[-1].lineno}" if places else "main.py"
    _complain(
        f"internal error: {type(error).__name__}: {error} ({where}); "
        "this is a defect of auditor; set AUDITOR_TRACEBACK=1 for the details and report it"
    )
    return EXIT_INCOMPLETE
