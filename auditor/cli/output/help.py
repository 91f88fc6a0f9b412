"""Help without the libraries that it never uses: they are a quarter of the processor time of `auditor --help`."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

# Typer imports these with its help, for Markdown in help texts (ours have rich's markup) and for pretty tracebacks.
UNUSED = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}


def import_help() -> None:
    """Import what prints help, with empty classes for those that are not used; other modules get the real ones."""
    absent = {name: kind for name, kind in UNUSED.items() if name not in sys.modules}
    for name, kind in absent.items():
        sys.modules[name] = ModuleType(name)
        setattr(sys.modules[name], kind, type(kind, (), {}))
    try:
        import_module("typer.rich_utils")
    except ImportError:  # another release of typer, which brings its help otherwise
        pass
    finally:
        for name in absent:
            del sys.modules[name]
