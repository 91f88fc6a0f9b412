"""The name under which this program is installed, which is not the name under which it is imported, and its version.

`auditor` on the package index belongs to somebody else: a user told to install that would run a stranger's code.
"""

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "corpus-auditor"
UNINSTALLED = "0+unknown"  # a source tree on the import path that was never installed


def program_version() -> str:
    """The version as the installed distribution states it; `pyproject.toml` is the only place that sets it."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return UNINSTALLED


def install_command(extra: str) -> str:
    """The command that installs an optional part."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"
