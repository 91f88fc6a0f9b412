"""`encoder`: the sentence encoder MiniLM, its upper layers fine-tuned here, under a linear head.

The changed layers (models/encoder.safetensors, float16, from `auditor detectors train --deep`) are laid over the
weights that `auditor detectors install encoder` fetches. A text is read in up to WINDOWS windows of TOKENS tokens; its
vector is the mean over them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from auditor.detectors import loading
from auditor.detectors.install import KNOWN, installed
from auditor.detectors.interface import Description, Obstacle
from auditor.detectors.language_model import DECIMALS, device_and_type, plain
from auditor.detectors.loading import Checked
from auditor.detectors.score_cache import ScoreCache
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

PACKAGES = ("torch",)
FILE = "encoder.safetensors"
MODELS = Path(__file__).parent / "models"
HEAD = ("head.weight", "head.bias")
TOKENS, WINDOWS = 128, 4
LEAST = 24  # tokens of a last window that is read
CHARACTERS = 4000  # no four windows of prose are longer
BUCKETS = (64, 96, TOKENS)
CPU_ROWS, GPU_ROWS = 8, 64
MINIMUM_WORDS = 50
DESCRIPTION = Description(
    "encoder",
    "2",
    "MiniLM, its upper layers fine-tuned",
    languages=frozenset({"en"}),
    minimum_words=MINIMUM_WORDS,
    tier=1,
    cost=60_000.0,
    extra="encoder",
)


def obstacle() -> Obstacle | None:
    if not (MODELS / FILE).is_file():
        return Obstacle("no tuned layers are shipped with this version (see docs/deep-detectors.md)")
    return loading.obstacle("encoder", PACKAGES)


def load(path: str | None = None) -> TunedEncoder:
    """The shipped model, or one whose changed layers `auditor detectors train --deep` left in another folder.

    Raises: DetectorError saying what is missing and what to do
    """
    loading.require(PACKAGES, KNOWN["encoder"].needs)
    weights = installed("encoder")
    if weights is None:
        raise DetectorError("the weights of encoder are not installed; run: auditor detectors install encoder")
    return of(weights, read_changed(Path(path) if path else MODELS))


def read_changed(folder: Path) -> dict[str, np.ndarray]:
    """The changed layers and the head by name.

    Raises: DetectorError where they are missing or damaged
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found = load_file(folder / FILE)
    except (OSError, SafetensorError) as error:
        raise DetectorError(
            f"{folder / FILE}: no tuned layers there ({error}); run auditor detectors train --deep"
        ) from None
    if not set(HEAD) <= set(found):
        raise DetectorError(f"{folder / FILE}: it has no head; run auditor detectors train --deep")
    return found


def of(weights: Path, changed: Mapping[str, np.ndarray]) -> TunedEncoder:
    """MiniLM from its folder with changed layers over it (none: as it came, with vectors but no score)."""
    checked = loading.check(weights, "")
    digest = hashlib.sha256()
    for name in sorted(changed):
        digest.update(name.encode() + changed[name].tobytes())
    revision = f"{checked.revision}-{digest.hexdigest()[:8]}" if changed else checked.revision
    own = DESCRIPTION
    described = Description(own.name, own.version, own.summary, own.languages, own.minimum_words, 1, own.cost,
                            own.extra, revision)  # fmt: skip
    return TunedEncoder(described, checked, changed)


@dataclass(slots=True)
class TunedEncoder:
    """The encoder; opened when a text comes that is not in the cache."""

    description: Description
    checked: Checked
    changed: Mapping[str, np.ndarray]
    cache: ScoreCache | None = None
    _opened: _Opened | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.cache is None:
            self.cache = ScoreCache(f"encoder{DESCRIPTION.version}-{self.description.revision}")

    def open(self) -> _Opened:
        """Load the model and lay the changed layers over it."""
        if self._opened is None:
            import torch

            device, dtype = device_and_type()
            model = self.checked.model(dtype)
            over = {name: torch.from_numpy(value.copy()) for name, value in self.changed.items() if name not in HEAD}
            unknown = sorted(set(over) - set(model.state_dict()))
            if unknown:
                raise DetectorError(f"{self.checked.folder}: it has no {unknown[0]}: other weights than those tuned")
            model.load_state_dict(over, strict=False)
            self._opened = _Opened(self.checked.tokeniser(), model.to(device).eval(), device)
        return self._opened

    def score(self, batch: TextBatch) -> np.ndarray:
        """(n,) float32 logit of being machine-written, in three decimals; NaN where the detector does not apply."""
        if not self.changed:
            return np.full(len(batch), np.nan, np.float32)
        weight, bias = (self.changed[name].astype(np.float64).ravel() for name in HEAD)
        return np.round(self.vectors(batch) @ weight + bias[0], DECIMALS).astype(np.float32)

    def vectors(self, batch: TextBatch) -> np.ndarray:
        """(n, width) float32 mean vector of each text; NaN where the detector does not apply."""
        assert self.cache is not None
        chosen = np.flatnonzero(self.description.applies(batch)).tolist()
        texts = plain([batch.document(i)[:CHARACTERS] for i in chosen])
        rows = self.cache.rows(texts, lambda some: self.open().vectors(some))
        out = np.full((len(batch), self._width()), np.nan, np.float32)
        for i, row in zip(chosen, rows, strict=True):
            out[i] = row
        return out

    def _width(self) -> int:
        return int(json.loads((self.checked.folder / "config.json").read_text("utf-8"))["hidden_size"])


@dataclass(frozen=True, slots=True)
class _Opened:
    tokeniser: Any
    model: Any
    device: str

    def vectors(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Mean vector of each text, in five decimals."""
        coded = self.tokeniser(list(texts), add_special_tokens=False, truncation=True,
                               max_length=WINDOWS * (TOKENS - 2))["input_ids"]  # fmt: skip
        owned = [(owner, part) for owner, ids in enumerate(coded) for part in windows(ids)]
        total = np.zeros((len(texts), self.model.config.hidden_size))
        count = np.zeros((len(texts), 1))
        for owners, found in self._read(owned):
            np.add.at(total, owners, found)
            np.add.at(count, owners, 1)
        return list(np.round(total / np.maximum(count, 1), 5).astype(np.float32))

    def _read(self, owned: Sequence[tuple[int, Sequence[int]]]) -> Any:
        """(owners (k,), their windows' mean vectors (k, width)): batches of fixed shape, filled up with blanks."""
        import torch

        first, last = self.tokeniser.cls_token_id, self.tokeniser.sep_token_id
        rows = CPU_ROWS if self.device == "cpu" else GPU_ROWS
        for lower, bucket in zip((-1, *BUCKETS), BUCKETS, strict=False):
            inside = [(owner, ids) for owner, ids in owned if lower < len(ids) + 2 <= bucket]
            for start in range(0, len(inside), rows):
                part = inside[start : start + rows]
                tokens = torch.zeros((rows, bucket), dtype=torch.long)
                mask = torch.zeros((rows, bucket), dtype=torch.long)
                for row, (_, ids) in enumerate(part):
                    tokens[row, : len(ids) + 2] = torch.tensor([first, *ids, last])
                    mask[row, : len(ids) + 2] = 1
                mask[len(part) :, 0] = 1  # a row that sees nothing would be NaN
                tokens, mask = tokens.to(self.device), mask.to(self.device)
                with torch.inference_mode():
                    hidden = self.model(input_ids=tokens, attention_mask=mask).last_hidden_state.float()
                weight = mask[:, :, None].float()
                mean = (hidden * weight).sum(1) / weight.sum(1)
                yield [owner for owner, _ in part], mean[: len(part)].cpu().numpy().astype(np.float64)


def windows(ids: Sequence[int]) -> list[Sequence[int]]:
    """Token windows of TOKENS - 2, at most WINDOWS; a last one of fewer than LEAST is dropped, others are moved back
    to be full."""
    size = TOKENS - 2
    if len(ids) <= size:
        return [ids]
    starts = [at for at in range(0, len(ids), size) if len(ids) - at >= LEAST][:WINDOWS]
    return [ids[min(at, len(ids) - size) :][:size] for at in starts]
