"""Small corpora, and what must be equal between two runs of the same audit."""

import hashlib
import json
from pathlib import Path

import polars as pl

from auditor.store.database import connect, identifier, query

WORDS = (
    "the committee said that it would not be able to decide before spring whether river towns should pay for walls "
    "when rain came earlier than anyone had expected and old bridges were closed to heavy traffic for many weeks"
).split()


def write_corpus(folder: Path, *, files: int = 3, documents: int = 60) -> Path:
    folder.mkdir()
    for number in range(files):
        rows = []
        for i in range(documents):
            start = (7 * i + number) % len(WORDS)
            text = " ".join(WORDS[(start + k * (1 + i % 5)) % len(WORDS)] + str((i * k) % 13) for k in range(150))
            if i % 6 == 5:  # resembles the one before so closely that only a second reading tells how closely
                text = " ".join("other" if k in (40, 80, 120) else w for k, w in enumerate(rows[-1]["text"].split()))
            rows.append({"id": f"{number}-{i}", "text": text, "url": f"https://h{i % 40}.example/{i}"})
        pl.DataFrame(rows).write_parquet(folder / f"part-{number}.parquet", row_group_size=20)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.parquet"))}


def parts(run: Path) -> dict[str, dict[str, str]]:
    """Digests of all parts, by split."""
    return {folder.name: digests(folder) for folder in sorted((run / "parts").iterdir()) if folder.name[0] != "."}


def figures(run: Path) -> dict:
    report = json.loads((run / "report.json").read_text())
    for key in ("started_at", "finished_at"):
        report["audit"].pop(key)
    report["provenance"].pop("command")
    report["provenance"].pop("config")
    return report


def rows(run: Path) -> dict[str, str]:
    """Digests of the content of the tables that hold no time."""
    found = {}
    with connect(run / "audit.duckdb", read_only=True) as connection:
        for name in ("documents", "clusters", "estimates", "overlaps", "skips", "reservoirs"):
            content = query(connection, f"SELECT * FROM {identifier(name)} ORDER BY ALL").write_json()
            found[name] = hashlib.sha256(content.encode()).hexdigest()
    return found


def leftovers(run: Path) -> list[Path]:
    """Files aside that nobody writes any more."""
    return list(run.rglob(".*"))
