"""A run in a bucket: its address, and its files fetched from there."""

from pathlib import Path

RUN = "s3://bucket/audits/run"
SECRET = "not-to-be-written-anywhere"


def fetched(store, tmp_path: Path) -> Path:
    folder = tmp_path / "fetched"
    store.get("bucket/audits/run/", f"{folder}/", recursive=True)
    return folder
