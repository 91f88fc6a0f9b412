"""How much of a training corpus is machine-written, what diversity that has cost, and how much human text it needs.

import auditor

run = auditor.audit("crawl/", out="run", human_reference="books/")
run.corpus["synthetic_fraction"]        # Estimate(value=..., lower=..., upper=...)
run.documents().filter(...)             # polars LazyFrame
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auditor.api import Run, audit, open_run
    from auditor.records import Estimate

__all__ = ["Estimate", "Run", "audit", "open_run"]


def __getattr__(name: str) -> Any:
    """Names are imported when first used, so `import auditor` costs nothing."""
    if name == "Estimate":
        from auditor.records import Estimate

        return Estimate
    if name in __all__:
        from auditor import api

        return getattr(api, name)
    raise AttributeError(f"module 'auditor' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
