"""One sample corpus and one audit of it, shared by the tests that read results."""

import json
from pathlib import Path

import pytest

from auditor.cli.main import run as command
from auditor.sample_data.builder import build_sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "sample"
    build_sample(folder)
    return folder


@pytest.fixture(scope="session")
def truth(sample) -> dict:
    return json.loads(sample.with_name("sample.truth.json").read_text())


@pytest.fixture(scope="session")
def audited(sample, tmp_path_factory) -> Path:
    """A finished run of the sample, with its human reference."""
    out = tmp_path_factory.mktemp("run") / "run"
    reference = f"{sample}.reference"
    assert command(["audit", str(sample), "--human-reference", reference, "--out", str(out), "--quiet"]) == 0
    return out


@pytest.fixture(scope="session")
def report(audited) -> dict:
    return json.loads((audited / "report.json").read_text())
