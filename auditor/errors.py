"""Errors that a user can act on: each message says what went wrong, where, and what to do."""

EXIT_PASS, EXIT_FAIL, EXIT_USAGE, EXIT_INCOMPLETE, EXIT_INCONCLUSIVE, EXIT_NOTHING = range(6)

# Where several codes apply the first of these wins: usage, nothing audited, incomplete, failed, inconclusive.
EXIT_ORDER = (EXIT_USAGE, EXIT_NOTHING, EXIT_INCOMPLETE, EXIT_FAIL, EXIT_INCONCLUSIVE, EXIT_PASS)


class AuditError(Exception):
    """Base of every error that is shown to the user as one line, without a traceback."""

    exit_code = EXIT_INCOMPLETE


class ConfigError(AuditError):
    """Wrong usage, wrong configuration, or a path that is not there; raised before anything is read."""

    exit_code = EXIT_USAGE


class SourceError(AuditError):
    """A shard that cannot be read, or can be read only in part."""


class NothingAudited(AuditError):
    """No readable document at all."""

    exit_code = EXIT_NOTHING


class DetectorError(AuditError):
    """A detector that cannot be loaded or does not apply."""

    exit_code = EXIT_USAGE


class StoreError(AuditError):
    """The run folder or the store cannot be read or written."""


def worst(codes: list[int]) -> int:
    """The exit code to return where several apply (the order is fixed in the documentation)."""
    return next((code for code in EXIT_ORDER if code in codes), EXIT_PASS)
