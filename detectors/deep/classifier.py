"""`hf:PATH`: any sequence classifier as a detector."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from auditor.detectors.deep import loading
from auditor.detectors.deep.install import KNOWN
from auditor.detectors.deep.language_model import CHARACTERS, DECIMALS, device_and_type, plain
from auditor.detectors.deep.loading import CLASSIFIER, Checked
from auditor.detectors.deep.score_cache import ScoreCache
from auditor.detectors.interface import Description
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

PACKAGES = ("torch",)
TOKENS = 512  # of a document, from its beginning
BUCKETS = (32, 64, 96, 128, 192, 256, 384, 512)
CPU_ROWS, GPU_ROWS = 4, 32
MINIMUM_WORDS = 50
MACHINE = re.compile(r"(^|[^a-z])(ai|machine|generated|fake|synthetic|gpt|chatgpt|llm|bot|model)([^a-z]|$)")
HUMAN = re.compile(r"(^|[^a-z])(human|real|original|person|written)([^a-z]|$)")
COST = 100_000.0  # microseconds a document


def load(path: str | None = None) -> Classifier:
    """A classifier of the user's: PATH, or PATH#LABEL where LABEL means machine-written.

    Raises: DetectorError saying what is wrong with the folder and what to do
    """
    loading.require(PACKAGES, KNOWN["encoder"].needs)
    folder, _, label = (path or "").partition("#")
    checked = loading.check(folder, CLASSIFIER)
    machine = machine_label(_labels(checked), label, f"{path}")
    name = f"hf:{Path(folder).name}"
    described = Description(
        name, "1", "a sequence classifier", None, MINIMUM_WORDS, 1, COST, "encoder", checked.revision
    )
    own = Classifier(described, checked, machine)
    own.open()  # faults should be known before a corpus is read
    return own


def machine_label(labels: dict[int, str], asked: str, path: str) -> int:
    """Position of the label that means machine-written, by its name, or as given after `#`.

    Raises: DetectorError that lists the labels where none or several could be meant
    """
    listed = ", ".join(f"{name}" for name in labels.values())
    if asked:
        chosen = [at for at, name in labels.items() if asked in (name, str(at))]
        if not chosen:
            raise DetectorError(f"hf:{path}: there is no label {asked!r}; it has {listed}")
        return chosen[0]
    lower = {at: name.lower() for at, name in labels.items()}
    machine = [at for at, name in lower.items() if MACHINE.search(name) and not HUMAN.search(name)]
    human = [at for at, name in lower.items() if HUMAN.search(name)]
    if len(machine) == 1:
        return machine[0]
    if len(labels) == 2 and len(human) == 1:
        return next(at for at in labels if at not in human)
    if sorted(lower.values()) == ["label_0", "label_1"]:
        return next(at for at, name in lower.items() if name == "label_1")
    raise DetectorError(f"hf:{path}: which label means machine-written? It has {listed}; write hf:{path}#LABEL")


@dataclass(slots=True)
class Classifier:
    """A classifier and which of its labels means machine-written."""

    description: Description
    checked: Checked
    label: int
    cache: ScoreCache | None = None
    _opened: _Opened | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.cache is None:
            self.cache = ScoreCache(f"classifier1-label{self.label}-{self.description.revision}")

    def open(self) -> _Opened:
        """Load the model."""
        if self._opened is None:
            device, dtype = device_and_type()
            model = self.checked.model(dtype).to(device)
            self._opened = _Opened(self.checked.tokeniser(), model, device, self.label)
        return self._opened

    def score(self, batch: TextBatch) -> np.ndarray:
        """(n,) float32 logit of being machine-written, in three decimals; NaN where the detector does not apply."""
        assert self.cache is not None
        chosen = np.flatnonzero(self.description.applies(batch)).tolist()
        texts = plain([batch.document(i)[:CHARACTERS] for i in chosen])
        rows = self.cache.rows(texts, lambda some: self.open().rows(some))
        out = np.full(len(batch), np.nan, np.float32)
        for i, row in zip(chosen, rows, strict=True):
            out[i] = row[0]
        return np.round(out, DECIMALS)


@dataclass(frozen=True, slots=True)
class _Opened:
    tokeniser: Any
    model: Any
    device: str
    label: int

    def rows(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Per text the logit (1,) of the label against all others, in three decimals."""
        import torch

        out = [np.empty(0, np.float32)] * len(texts)
        for places, tokens, mask in self._batches(texts):
            with torch.inference_mode():
                found = self.model(input_ids=tokens, attention_mask=mask)
            values = self._logit(found.logits)
            for row, place in enumerate(places):
                out[place] = values[row]
        return out

    def _logit(self, logits: Any) -> np.ndarray:
        logits = logits.float().cpu().numpy()
        at = self.label
        others = np.delete(logits, at, 1)
        if others.shape[1] == 0:
            return np.round(logits, DECIMALS)
        top = others.max(1, keepdims=True)
        rest = top[:, 0] + np.log(np.exp(others - top).sum(1))
        return np.round((logits[:, at] - rest)[:, None], DECIMALS)

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], Any, Any]]:
        """(places of the texts, tokens and mask (rows, bucket)): fixed shapes; the last batch is filled with blanks."""
        import torch

        most = min(TOKENS, int(getattr(self.model.config, "max_position_embeddings", TOKENS)))
        coded = self.tokeniser(list(texts), truncation=True, max_length=most)["input_ids"]
        rows = GPU_ROWS if self.device != "cpu" else CPU_ROWS
        buckets = [b for b in BUCKETS if b < most] + [most]
        for lower, bucket in zip([-1, *buckets], buckets, strict=False):
            inside = [i for i, ids in enumerate(coded) if lower < len(ids) <= bucket]
            for first in range(0, len(inside), rows):
                places = inside[first : first + rows]
                tokens = torch.full((rows, bucket), self.tokeniser.pad_token_id or 0, dtype=torch.long)
                mask = torch.zeros((rows, bucket), dtype=torch.long)
                for row, place in enumerate(places):
                    tokens[row, : len(coded[place])] = torch.tensor(coded[place], dtype=torch.long)
                    mask[row, : len(coded[place])] = 1
                mask[len(places) :, 0] = 1  # a row that sees nothing would be NaN
                yield places, tokens.to(self.device), mask.to(self.device)


def _labels(checked: Checked) -> dict[int, str]:
    config = json.loads((checked.folder / "config.json").read_text("utf-8"))
    named = {int(at): str(name) for at, name in (config.get("id2label") or {}).items()}
    return named or {at: f"LABEL_{at}" for at in range(int(config.get("num_labels", 2)))}
