"""What a file beside a shard states of its origin."""

from __future__ import annotations

import json
from pathlib import Path

from auditor.errors import ConfigError
from auditor.records import Json
from auditor.sources.find.files import is_url
from auditor.sources.read.interface import Shard

SIDECARS = ("{}.provenance.json", "provenance.json")
LARGEST_SIDECAR = 1 << 20


def sidecar(shard: Shard, *, strict: bool = True) -> Json:
    """licence, origin, generator, verifier from SHARD.provenance.json, else from provenance.json in its folder."""
    if is_url(shard.path):
        return {}
    path = Path(shard.path)
    for pattern in SIDECARS:
        beside = path.with_name(pattern.format(path.name))
        if not beside.is_file() or beside.stat().st_size > LARGEST_SIDECAR:
            continue
        try:
            found = json.loads(beside.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as wrong:
            if not strict:
                return {}
            raise ConfigError(f"{beside} cannot be read: {wrong}; repair or remove it") from None
        if not isinstance(found, dict):
            if not strict:
                return {}
            raise ConfigError(f"{beside} is not a table of licence, origin, generator, verifier")
        return found
    return {}
