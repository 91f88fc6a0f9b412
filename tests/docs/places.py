"""A folder for each page of the documentation, holding what its commands assume, so that they can be run as they stand.

`sample`, its reference and `run` are the sample corpus and its audit, made once. `crawl`, `books`, `mirrors`,
`generations.jsonl` and one folder for each known layout are small corpora cut out of it.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from tests.docs.blocks import Block, blocks, run_block

DOCS = Path(__file__).parents[2] / "docs"
SAMPLE = "auditor sample sample"
AUDIT = "auditor audit sample --human-reference sample.reference --out run"
WHOLE = ("sample", "sample.reference", "sample.truth.json", "run")
ROWS = 70  # of each small corpus: enough for every estimate to be tried


@dataclass(frozen=True)
class Ready:
    """The folder that pages are copied from, and what the sample's own commands printed."""

    folder: Path
    printed: dict[str, str] = field(default_factory=dict)


def run_pages() -> list[Path]:
    """The pages whose blocks are run: the README, and all of docs with a block of commands or Python."""
    found = [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))]
    return [page for page in found if any(True for _ in blocks(page.read_text(encoding="utf-8")))]


def prepare(folder: Path) -> Ready:
    """Build and audit the sample, and cut the small corpora."""
    ready = Ready(folder / "ready")
    ready.folder.mkdir()
    with inside(ready.folder):
        for line in (SAMPLE, AUDIT):
            block = Block("sh", line, "", None, (0, 0))
            ready.printed[line] = run_block(block, ready.folder, {}, {})
        _cut_corpora(ready.folder)
    return ready


def run_page(page: Path, ready: Ready) -> Iterator[tuple[Block, str]]:
    """Run a page's blocks in their order, in a new copy of the folder; yields each with what it printed."""
    found = list(blocks(page.read_text(encoding="utf-8")))
    folder = ready.folder.parent / page.stem
    folder.mkdir()
    whole = any(SAMPLE in block.text or AUDIT in block.text or "# run: the sample" in block.text for block in found)
    for source in ready.folder.iterdir():
        if source.name not in WHOLE:
            (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / source.name)
        elif whole:
            (folder / source.name).symlink_to(source) if source.name != "run" else shutil.copytree(
                source, folder / "run"
            )
    names: dict[str, Any] = {}
    with inside(folder):
        for block in found:
            if block.is_run:
                yield block, run_block(block, folder, names, ready.printed)


def with_truth(readme: str, ready: Ready) -> str:
    """The README with its table of truth against estimate as the audit of the sample has it now."""
    report = json.loads((ready.folder / "run" / "report.json").read_text(encoding="utf-8"))
    truth = json.loads((ready.folder / "sample.truth.json").read_text(encoding="utf-8"))
    rows = []
    for shard, true in zip(report["shards"], truth["shards"], strict=True):
        e = shard["synthetic_fraction"]
        value, lower, upper = (f"{100 * e[key]:.1f}".removesuffix(".0") for key in ("value", "lower", "upper"))
        why = f", inconclusive: {e['reason']}" if e["status"] == "inconclusive" else ""
        rows.append(f"| `{shard['shard']}` | {true['synthetic_fraction']:.0%} | {value}% ({lower} to {upper}){why} |\n")
    return re.sub(r"(?:\| `part-[^\n]*\n)+", "".join(rows), readme, count=1)


def _cut_corpora(folder: Path) -> None:
    """Small corpora from the sample's own texts: two shards, a reference, known machine text, known layouts."""
    truth = json.loads((folder / "sample.truth.json").read_text(encoding="utf-8"))
    for name in ("crawl", "books", "mirrors"):
        (folder / name).mkdir()
    frame = pl.read_parquet(folder / "sample" / "part-0.parquet")
    frame.head(ROWS).write_parquet(folder / "crawl" / "part-0.parquet")
    pl.read_parquet(folder / "sample.reference" / "human-0.parquet").head(ROWS).write_parquet(
        folder / "books" / "human-0.parquet"
    )
    with gzip.open(folder / "sample" / "part-4.jsonl.gz", "rt", encoding="utf-8") as source:
        records = [json.loads(line) for line in source]
    with gzip.open(folder / "crawl" / "part-4.jsonl.gz", "wt", encoding="utf-8") as sink:
        sink.writelines(json.dumps(record) + "\n" for record in records[:ROWS])
    rows = next(shard["rows"] for shard in truth["shards"] if shard["shard"] == "part-4.jsonl.gz")
    machine = [record["text"] for record, row in zip(records, rows, strict=True) if row["label"] == "ai"]
    pl.DataFrame({"text": machine}).write_ndjson(folder / "mirrors" / "mirrors.jsonl")
    pl.DataFrame({"completion": machine[:ROWS]}).write_ndjson(folder / "generations.jsonl")
    _write_layouts(folder, frame["text"].head(8).to_list())


def _write_layouts(folder: Path, texts: list[str]) -> None:
    """A shard of each published layout that the recipes name, with their own columns."""
    when, url = "2023-05-01T00:00:00Z", "https://a.example/1"
    layouts: dict[str, dict[str, Any]] = {
        "fineweb": {
            "id": "1",
            "dump": "CC-MAIN-2023-23",
            "url": url,
            "date": when,
            "file_path": "s3://",
            "language": "en",
            "language_score": 0.9,
            "token_count": 200,
        },
        "c4": {"timestamp": when, "url": url},
        "dolma": {"id": "1", "source": "cc", "added": when, "created": when, "metadata": {"url": url}},
        "redpajama": {"digest": "1", "url": url, "date_download": when, "language": "en"},
        "hplt": {"id": "1", "u": url, "ts": when, "crawl_id": "cc40", "lang": ["eng_Latn"]},
        "dclm": {"url": url, "warcinfo": "", "metadata": {"WARC-Record-ID": "1", "WARC-Date": when}},
    }
    for name, columns in layouts.items():
        (folder / name).mkdir()
        field = "raw_content" if name == "redpajama" else "text"
        lines = [json.dumps({field: text, **columns}) + "\n" for text in texts]
        (folder / name / "part-0.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "wet").mkdir()
    shutil.copy(folder / "sample" / "part-2.warc.wet.gz", folder / "wet" / "part-0.warc.wet.gz")


class inside:
    """The folder as the current one, for as long as the block lasts."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.before = folder, Path.cwd()

    def __enter__(self) -> None:
        os.chdir(self.folder)

    def __exit__(self, *_: object) -> None:
        os.chdir(self.before)
