"""All measurements of speed in one run, and the page that shows them: docs/benchmarks.md.

    python benchmarks/speed.py            a quarter of an hour
    python benchmarks/speed.py --long     two hours: 2 GB with peers, up to 20 GB alone, 10 million signatures
    python benchmarks/speed.py --page     the page alone, from the results that are kept
Nothing else should run beside it. --peers PYTHON names the interpreter of an environment with the peers (see
neardup_peers.py); those that are not installed are left out and named.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "benchmarks.md"
SHORT = (
    ["audit.py", "--megabytes", "300", "--out", "results/audit.json"],
    ["scale.py", "--documents", "10000", "30000", "200000", "--workers", "1", "2"],
    ["formats.py"],
    ["detectors_speed.py"],
    ["collapse_speed.py"],
)
LONG = (
    ["audit.py", "--megabytes", "2000", "--out", "results/audit.json"],
    ["scale.py", "--documents", "10000", "100000", "1000000", "10000000", "--bytes", "2000", "--workers", "2"],
    ["formats.py"],
    ["detectors_speed.py"],
    ["collapse_speed.py"],
    ["neardup_scale.py"],
)
INTRODUCTION = """# Speed

Written by `python benchmarks/speed.py` (`--long` for the long form) from the results that it keeps. A core second is a
second of processor time, of all processes together. [scale.md](scale.md) reckons from these figures what a crawl costs.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--page", action="store_true", help="write the page from what is kept, measure nothing")
    parser.add_argument("--peers", default=sys.executable)
    asked = parser.parse_args()
    for step in () if asked.page else LONG if asked.long else SHORT:
        print(" ".join(step), flush=True)
        peers = ["--peers", asked.peers] if step[0] == "audit.py" else []
        subprocess.run([sys.executable, *step, *peers], cwd=HERE, check=True)
    parts = [INTRODUCTION, whole_audit(), over_size(), first_tier(), near_duplicates(), simulation()]
    PAGE.write_text("\n\n".join(part.strip() for part in parts) + "\n", "utf-8")


def whole_audit() -> str:
    found = kept("results/audit.json")
    rows = [
        [
            row["what"],
            f"{row['mb']:,.0f}",
            row["cores"],
            f"{row['seconds']:,.2f}",
            f"{row['mb_per_second']:,.1f}",
            f"{row['mb_per_core_second']:,.1f}",
        ]
        for row in found["rows"]
    ]
    audit = next(row for row in found["rows"] if row["what"] == "the whole audit")
    reading = next(row for row in found["rows"] if row["what"].startswith("reading"))
    return (
        f"## The whole audit, and steps of other tools on the same documents\n\n{found['machine']}; one Parquet file "
        "of English text, default settings, from start to report.\n\n"
        + table(["what", "MB of text", "cores", "seconds", "MB/s", "MB a core second"], rows)
        + f"\n\nThe audit takes {audit['seconds'] / reading['seconds']:.0f} times as long as merely reading the text; "
        f"its largest process held {audit['peak_mb']:,} MB."
    )


def over_size() -> str:
    found = kept("results/scale.json")
    rows = []
    for row in (row for row in found["rows"] if not row["memory_limit"]):
        documents, text, seconds, processor = (
            row[name] for name in ("documents", "text_bytes", "seconds", "processor_seconds")
        )
        rows.append(
            [
                f"{documents:,}",
                f"{text / 1e6:,.0f}",
                row.get("workers", 1),
                f"{seconds:,.1f}",
                f"{text / seconds / 1e6:,.1f}",
                f"{1e6 * processor / documents:,.0f}",
                f"{text / processor / 1e6:,.1f}",
                f"{row['peak_rss_mib']:,}",
                f"{row['parts_bytes'] / documents:,.0f}",
            ]
        )
    heads = [
        "documents",
        "MB of text",
        "workers",
        "seconds",
        "MB/s",
        "µs of processor a document",
        "MB a core second",
        "largest process, MiB",
        "bytes of parts a document",
    ]
    return f"## Over sizes and workers\n\n{found['machine']}; load average {found['load']}.\n\n" + table(heads, rows)


def first_tier() -> str:
    found = kept("detectors_speed.json")
    rows = [[name, f"{speed:,.1f}"] for name, speed in found["mb_per_cpu_s"].items()]
    about = (
        f"{found['documents']:,} documents of {found['bytes_per_document']:,} bytes; tokens are shared with the rest."
    )
    return f"## The first tier of detectors\n\n{about}\n\n" + table(["what", "MB a core second"], rows)


def near_duplicates() -> str:
    found = kept("results/neardup_scale.json")
    rows = [
        [
            f"{run['documents']:,}",
            f"{run['seconds']:,.0f}",
            f"{run['cpu_seconds']:,.0f}",
            f"{run['peak_rss_gib']:.1f}",
            f"{run['near_found']:.4f}",
        ]
        for run in found["runs"]
    ]
    heads = ["documents", "seconds", "core seconds", "largest process, GiB", "planted pairs found"]
    return (
        "## Clustering near-duplicates, from signatures to clusters\n\nGenerated signatures with known clusters "
        "([near-duplicates.md](near-duplicates.md) has quality and other tools).\n\n" + table(heads, rows)
    )


def simulation() -> str:
    found = kept("collapse_speed.json")
    rows = [
        [
            f"{row['types']:,}",
            f"{row['tokens']:,}",
            f"{row['numpy_s']:.3f}",
            f"{row['binned_s']:.4f}",
            f"{row['times_faster']:.0f}",
        ]
        for row in found["against_numpy"]
    ]
    heads = ["types", "tokens a generation", "numpy multinomial, s", "over frequency bins, s", "times faster"]
    return "## Simulated generations\n\nTen generations.\n\n" + table(heads, rows)


def kept(name: str) -> Any:
    return json.loads((HERE / name).read_text("utf-8"))


def table(heads: list[str], rows: Iterable[list[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    main()
