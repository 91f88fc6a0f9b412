"""What an audit will cost, before it is run: from the plan and measured unit costs."""

from __future__ import annotations

from typing import Any

from auditor.config import Config
from auditor.pipeline.run.plan import Plan

# Measured with benchmarks/audit.py on two cores of a 2024 server; a quarter of that speed is assumed for archives
# of HTML, whose text must be extracted first.
TEXT_BYTES_PER_CORE_SECOND = 30e6
HTML_SLOWER = 4.0
PARTS_BYTES_PER_TEXT_BYTE = 0.5  # benchmarks/results/scale.json: 0.46 to 0.53
PROCESS_BYTES = 700 << 20


def describe(plan: Plan, config: Config) -> dict[str, Any]:
    """Shards with their columns, and hours, memory and disk."""
    shards = []
    seconds = 0.0
    for task in plan.tasks:
        slower = HTML_SLOWER if task.shard.format == "warc" else 1.0
        seconds += task.text_bytes * slower / TEXT_BYTES_PER_CORE_SECOND
    for shard in plan.corpus.shards:
        columns = {name: value for name, value in shard.as_dict()["columns"].items() if value}
        shards.append(
            {
                "shard": shard.name,
                "format": shard.format,
                "compression": shard.compression,
                "bytes": shard.bytes,
                "documents": shard.rows,
                "splits": len(shard.splits),
                "columns": columns,
            }
        )
    known = [shard["documents"] for shard in shards]
    return {
        "corpus": plan.corpus.name,
        "shards_listed": plan.corpus.listed,
        "shards": shards,
        "unreadable": [{"shard": unread.name, "reason": unread.reason} for unread in plan.corpus.failed],
        "passed_over": [{"shard": unread.name, "reason": unread.reason} for unread in plan.corpus.ignored],
        "bytes": sum(shard["bytes"] for shard in shards),
        "documents": sum(known) if all(rows is not None for rows in known) else None,
        "cost": {
            "text_bytes": plan.text_bytes,
            "core_hours": seconds / 3600,
            "hours": seconds / 3600 / config.workers,
            "memory_bytes": config.workers * PROCESS_BYTES,
            "disk_bytes": int(plan.text_bytes * PARTS_BYTES_PER_TEXT_BYTE),
        },
    }
