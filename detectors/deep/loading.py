"""Opens model folders safely: they are checked before a library reads anything in them, and refused with the reason.

Weights are safetensors or GGUF, never a pickle; code that comes with a model is never run; nothing is downloaded
unless HF_HUB_OFFLINE=0 says so; a model that lacks weights (a randomly initialised head) is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from auditor.detectors.deep.install import KNOWN, installed
from auditor.detectors.interface import Obstacle
from auditor.errors import DetectorError
from auditor.records import Json

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack")
TOKENISERS = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model")
WANTED = ["*.safetensors", "*.json", "*.txt", "*.model"]  # of a hub repository: no pickles, no code
CONFIGURATIONS = (
    "config.json",
    "tokenizer_config.json",
    "processor_config.json",
    "preprocessor_config.json",
    "generation_config.json",
)
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")
CAUSAL, CLASSIFIER = "ForCausalLM", "ForSequenceClassification"
WORDS = {CAUSAL: "a causal language model", CLASSIFIER: "a sequence classifier", "": "an encoder"}
ENDINGS = {CAUSAL: (CAUSAL, "LMHeadModel"), CLASSIFIER: (CLASSIFIER,), "": ()}
CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Checked:
    """A folder that passed: where it is, its GGUF file where it has one, and a hash of all that a score depends on."""

    folder: Path
    gguf: str | None
    revision: str
    kind: str

    def tokeniser(self) -> Any:
        """The fast tokeniser of the folder."""
        from transformers import AutoTokenizer

        return self._opened("tokeniser", lambda: AutoTokenizer.from_pretrained(str(self.folder), **self._options()))

    def model(self, dtype: Any) -> Any:
        """The model in evaluation mode.

        Raises: DetectorError where it cannot be built, or where weights are missing and would be random
        """
        import transformers

        names = {CAUSAL: "AutoModelForCausalLM", CLASSIFIER: "AutoModelForSequenceClassification", "": "AutoModel"}
        auto = getattr(transformers, names[self.kind])
        options = self._options() | {"dtype": dtype, "output_loading_info": True}
        if self.gguf is None:
            options["use_safetensors"] = True
        model, found = self._opened("model", lambda: auto.from_pretrained(str(self.folder), **options))
        missing = sorted(found["missing_keys"] | {key for key, *_ in found["mismatched_keys"]})
        missing = [key for key in missing if not key.startswith("pooler.")]  # not used for sentence embeddings
        if missing:
            raise DetectorError(
                f"{self.folder}: the weights lack {', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}, which "
                f"would be random: this is not {WORDS[self.kind]} that was trained"
            )
        return model.eval()

    def _options(self) -> dict[str, str | bool]:
        own: dict[str, str | bool] = {"local_files_only": True, "trust_remote_code": False}
        return own if self.gguf is None else own | {"gguf_file": self.gguf}

    def _opened(self, what: str, load: Callable[[], Any]) -> Any:
        try:
            with redirect_stderr(StringIO()):  # a library's progress bars are not shown
                return load()
        except Exception as error:  # libraries raise errors of any type over a damaged or foreign file
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise DetectorError(f"{self.folder}: its {what} cannot be loaded: {reason}") from None


def obstacle(name: str, packages: Sequence[str]) -> Obstacle | None:
    """What is missing for a built-in detector: its extra's packages, then its weights."""
    lacking = [package for package in packages if find_spec(package) is None]
    if lacking:
        return Obstacle(f"{', '.join(lacking)} not installed", KNOWN[name].needs)
    if installed(name) is None:
        return Obstacle("its weights are not installed", f"auditor detectors install {name}")
    return None


def require(packages: Sequence[str], command: str) -> None:
    """Raises: DetectorError that names the missing packages and the command that installs them"""
    lacking = [package for package in packages if find_spec(package) is None]
    if lacking:
        raise DetectorError(f"{', '.join(lacking)} not installed; run: {command}")


def check(path: str | Path, kind: str) -> Checked:
    """A local folder, a GGUF file, or a hub id (`name/model`, `name/model@revision`), checked before it is opened.

    Parameters: kind, CAUSAL, CLASSIFIER or "" for any encoder
    Raises: DetectorError saying what is wrong with it and what to do
    """
    folder, gguf, files = look(path, kind)
    return Checked(folder, gguf, _revision(files), kind)


def look(path: str | Path, kind: str) -> tuple[Path, str | None, list[Path]]:
    """The same without reading the weights: the folder, its GGUF file, and the files that a score depends on."""
    folder, gguf = _located(path, kind)
    if gguf is None:
        ggufs = sorted(file.name for file in folder.glob("*.gguf"))
        if len(ggufs) > 1:
            raise DetectorError(f"{folder} holds {len(ggufs)} GGUF files: name one, such as {folder / ggufs[0]}")
        gguf = ggufs[0] if ggufs else None
    _refuse_code(folder)
    if gguf is not None:
        _check_gguf(folder / gguf, kind)
        return folder, gguf, [folder / gguf]
    _check_config(folder, kind)
    weights = _weights(folder)
    if not any((folder / name).is_file() for name in TOKENISERS):
        raise DetectorError(f"{folder}: no tokeniser in it (looked for {', '.join(TOKENISERS)})")
    small = [file for file in sorted(folder.glob("*")) if file.name in TOKENISERS or file.suffix == ".json"]
    return folder, None, [*small, *weights]


def _located(path: str | Path, kind: str) -> tuple[Path, str | None]:
    """(folder, GGUF file that was named); hub ids are looked up in the local cache."""
    place = Path(path).expanduser()
    if place.is_file() and place.suffix == ".gguf":
        return place.parent, place.name
    if place.is_dir():
        return place, None
    name, _, revision = str(path).partition("@")
    if place.exists() or not HUB_ID.fullmatch(name):
        raise DetectorError(f"{path}: there is no such model folder (wanted: {WORDS[kind]} as safetensors or GGUF)")
    offline = os.environ.get("HF_HUB_OFFLINE", "1") not in ("0", "false", "no")
    from huggingface_hub import snapshot_download

    try:
        found = snapshot_download(name, revision=revision or None, allow_patterns=WANTED, local_files_only=offline)
    except Exception as error:
        if offline:
            reason = "not a folder, not in the local hub cache, and nothing is downloaded: set HF_HUB_OFFLINE=0 to"
            raise DetectorError(f"{path}: {reason} allow it, or give a folder") from None
        raise DetectorError(f"{path}: cannot be fetched: {str(error).splitlines()[0]}") from None
    return Path(found), None


def _refuse_code(folder: Path) -> None:
    if (folder / "adapter_config.json").exists():
        raise DetectorError(
            f"{folder}: an adapter, which names another model and is not opened: merge it into that model first"
        )
    for name in CONFIGURATIONS:
        file = folder / name
        if file.is_file() and "auto_map" in _read(file):
            raise DetectorError(f"{folder}: {name} asks for code of its own (auto_map), which is never run")


def _check_config(folder: Path, kind: str) -> None:
    if not (folder / "config.json").is_file():
        raise DetectorError(f"{folder}: no config.json in it, so it is not a model folder")
    config = _read(folder / "config.json")
    architectures = config.get("architectures") or ["none named"]
    endings = ENDINGS[kind]
    if endings and not any(str(name).endswith(endings) for name in architectures):
        raise DetectorError(f"{folder} is {', '.join(map(str, architectures))}, wanted: {WORDS[kind]} (*{endings[0]})")
    from transformers import CONFIG_MAPPING

    if config.get("model_type") not in CONFIG_MAPPING:
        raise DetectorError(f"{folder}: this version of transformers does not know {config.get('model_type')!r} models")


def _weights(folder: Path) -> list[Path]:
    """The safetensors of the folder, complete and readable."""
    from safetensors import SafetensorError, safe_open

    index = folder / "model.safetensors.index.json"
    if index.is_file():
        named = sorted(set(_read(index).get("weight_map", {}).values()))
        if any(Path(name).name != name for name in named):
            raise DetectorError(f"{index}: names files outside the folder")
        files = [folder / name for name in named]
    else:
        files = [folder / "model.safetensors"]
    missing = [file.name for file in files if not file.is_file()]
    if missing or not files:
        pickles = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLES)
        if pickles:
            raise DetectorError(
                f"{folder}: its weights are {pickles[0]}, which can run code when opened: convert them to safetensors"
            )
        raise DetectorError(f"{folder}: {', '.join(missing) or 'weights'} missing")
    for file in files:
        try:
            with safe_open(str(file), framework="numpy") as tensors:
                tensors.keys()
        except (SafetensorError, OSError) as error:
            raise DetectorError(f"{file}: damaged, or not safetensors ({error})") from None
    return files


def _check_gguf(file: Path, kind: str) -> None:
    if kind != CAUSAL:
        raise DetectorError(f"{file}: GGUF holds causal language models, wanted: {WORDS[kind]}")
    require(("gguf",), KNOWN["lm"].needs)
    with file.open("rb") as opened:
        if opened.read(4) != b"GGUF":
            raise DetectorError(f"{file}: damaged, or not GGUF")


def _revision(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        with file.open("rb") as opened:
            while piece := opened.read(CHUNK):
                digest.update(piece)
    return digest.hexdigest()[:12]


def _read(file: Path) -> Json:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DetectorError(f"{file}: cannot be read ({error})") from None
    if not isinstance(found, dict):
        raise DetectorError(f"{file}: not a JSON object")
    return found
