"""Is the corpus still what was audited?"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from auditor.errors import AuditError, ConfigError, SourceError
from auditor.pipeline.run.plan import load_plan, source_options
from auditor.pipeline.run.reopen import read_report
from auditor.provenance.ledger import total_digest
from auditor.sketch.content import content_hashes
from auditor.sources.find.files import blocks
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.chooser import read_split
from auditor.sources.read.interface import Shard, SourceOptions
from auditor.text.arrow import buffers
from auditor.text.normal_form import normal_form


def file_hash(shard: Shard) -> str:
    """SHA-256 of a shard's file.

    Raises: ConfigError where it is no longer there
    """
    digest = hashlib.sha256()
    try:
        for block in blocks(shard.path, {}):
            digest.update(block)
    except SourceError as wrong:
        raise ConfigError(f"Croissant needs the hash of every file: {wrong}") from None
    return digest.hexdigest()


def verify(run: Path, corpus: list[str], *, quick: bool = False) -> dict[str, Any]:
    """Whether a corpus is still what was audited: shard by shard, and as a whole whatever the order of its documents.

    Parameters: quick, trust files whose size, time of change, head and tail are those audited
    Returns: verdict same | rearranged | changed | unreadable, and lists of changed, missing, new and moved shards
    """
    _, config, _ = load_plan(run)
    options = source_options(config)
    audited = {line["shard"]: line for line in read_report(run)["provenance"]["inputs"]}
    now = plan_corpus(corpus, options, sample=config.shards_sample, seed=config.seed)
    digests: dict[str, str] = {}
    unreadable = {unread.name: unread.reason for unread in now.failed}
    for shard in now.shards:
        before = audited.get(shard.name)
        if quick and before is not None and before["fingerprint"] == shard.fingerprint:
            digests[shard.name] = before["digest"]
            continue
        try:
            digests[shard.name] = content_digest(shard, options)
        except AuditError as wrong:
            unreadable[shard.name] = str(wrong)
    held = {name: line["digest"] for name, line in audited.items()}
    new = [name for name in digests if name not in held]
    missing = [name for name in held if name not in digests and name not in unreadable]
    moved = {
        name: next(n for n in missing if held[n] == digests[name])
        for name in new
        if any(held[n] == digests[name] for n in missing)
    }
    changed = [name for name in digests if name in held and held[name] != digests[name]]
    whole = total_digest(digests.values()) == total_digest(held.values())
    verdict = "unreadable" if unreadable else "changed"
    if not unreadable and whole:
        verdict = "rearranged" if changed or new or missing else "same"
    return {
        "verdict": verdict,
        "audited_digest": total_digest(held.values()),
        "digest": total_digest(digests.values()),
        "shards": len(held),
        "same": [name for name in digests if held.get(name) == digests[name]],
        "changed": changed,
        "missing": [name for name in missing if name not in moved.values()],
        "new": [name for name in new if name not in moved],
        "moved": moved,
        "unreadable": unreadable,
    }


def content_digest(shard: Shard, options: SourceOptions) -> str:
    """The order-independent digest of a shard's documents, as the audit takes it."""
    total = 0
    for split in shard.splits:
        for batch in read_split(shard, split, options):
            pair = content_hashes(*buffers(normal_form(batch.frame["text"])))
            total += int(np.add.reduce(pair[:, 0] ^ pair[:, 1], dtype=np.uint64))
    return f"{total % (1 << 64):016x}"
