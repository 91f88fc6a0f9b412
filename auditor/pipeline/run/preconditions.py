"""Checks before an audit begins: its detectors, and that it replaces no finished run of other settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from auditor.config import APART, Config
from auditor.errors import ConfigError, DetectorError, StoreError, nearest
from auditor.manifest import MANIFEST, read_json
from auditor.sources.find.files import is_url

PATHS = ("corpus", "human_reference", "known_ai", "against")
SHOWN = 5  # differing settings that a refusal names


def check_detectors(config: Config) -> None:
    """Raises: DetectorError for a name that no detector has; ConfigError for deep detectors that would read nothing"""
    if not config.detectors:
        return
    from auditor.detectors.registry import SCHEMES, deep_names, listings, look  # late: it imports numba and scipy

    known = {listing.description.name: listing for listing in listings()}
    for name in config.detectors:
        scheme, colon, path = name.partition(":")
        if colon and (scheme not in SCHEMES or not path):
            raise DetectorError(f"--detector {name}: write hf:PATH or lm:PATH with a model folder or a hub id")
        if not colon and name not in known:
            raise DetectorError(
                f"--detector {name}: there is no such detector{nearest(name, known)}; known are {', '.join(known)}: "
                "`auditor detectors list` shows all"
            )
        obstacle = None if colon else known[name].obstacle
        if obstacle is not None:
            command = f"; run: {obstacle.command}" if obstacle.command else ""
            raise DetectorError(f"--detector {name} cannot be used here: {obstacle.reason}{command}")
    deep = deep_names(config.detectors)
    if deep and config.deep_sample == 0 and config.deep_budget is None:
        raise ConfigError(
            f"--detector {', '.join(deep)} is too slow for every document and reads a sample of them: say how many "
            "with --deep-sample N, or for how long with --deep-budget 5m"
        )
    if deep and config.retain == "none":
        raise ConfigError(
            f"--detector {', '.join(deep)} reads retained texts, and --retain none keeps none: leave one of them out"
        )
    for name in deep:
        if ":" in name:
            look(name)


def refuse_replacing(run: Path, config: Config) -> None:
    """A finished run is not replaced by one of other settings unless that was asked for.

    Raises: ConfigError that names the settings which differ
    """
    if not (run / "report.json").exists():
        return
    try:
        manifest = read_json(run / MANIFEST)
        before = manifest["config"]
        changes = [
            f"{name} was {before[name]!r} and is {value!r}"
            for name, value in config.model_dump(mode="json").items()
            if name not in APART and name in before and _meant(name, before[name]) != _meant(name, value)
        ]
    except (StoreError, KeyError, TypeError, AttributeError):
        return  # no manifest to compare with: it is written again
    if changes:
        more = f" and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
        raise ConfigError(
            f"{run} is a finished run of other settings ({'; '.join(changes[:SHOWN])}{more}): give --fresh to replace "
            "it, or another --out"
        )


def _meant(name: str, value: Any) -> Any:
    """Paths resolved: crawl/ and ./crawl are one corpus."""
    if name not in PATHS:
        return value
    return [path if path == "-" or is_url(path) else os.path.abspath(path) for path in value]
