"""`encoder`: the sentence encoder MiniLM, unchanged, read in a middle layer, under a linear model trained here.

A text is read in up to WINDOWS windows of TOKENS tokens; its state is the mean over them. Fine-tuning the layers above
was tried: it ranked foreign families no better (docs/decisions/0007).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from auditor.detectors.deep import linear_head, loading
from auditor.detectors.deep.install import KNOWN, installed
from auditor.detectors.deep.language_model import CHARACTERS, DECIMALS, device_and_type, plain
from auditor.detectors.deep.linear_head import Head
from auditor.detectors.deep.loading import Checked
from auditor.detectors.deep.score_cache import ScoreCache
from auditor.detectors.interface import Description, Obstacle
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

PACKAGES = ("torch",)
HEAD = Path(__file__).parents[1] / "models" / "second_tier_encoder.json"
LAYER = 4  # of six, read; those above are not run
WHOLE = 6  # the last layer, whose mean state the model was trained to place by meaning
TOKENS, WINDOWS = 128, 4
LEAST = 24  # tokens of a last window that is read
BUCKETS = (64, 96, TOKENS)
CPU_ROWS, GPU_ROWS = 8, 64
MINIMUM_WORDS = 50
DESCRIPTION = Description(
    "encoder",
    "3",
    "MiniLM: the mean state of a middle layer",
    languages=frozenset({"en"}),
    minimum_words=MINIMUM_WORDS,
    tier=1,
    cost=40_000.0,
    extra="encoder",
)


def obstacle() -> Obstacle | None:
    """Why the detector cannot be used here, with the command that changes it; None if it can be used."""
    return loading.obstacle("encoder", PACKAGES)


def load(path: str | None = None) -> Encoder:
    """The built-in model under the shipped head, or under one that `auditor detectors train --deep` left in a folder.

    Raises: DetectorError saying what is missing and what to do
    """
    loading.require(PACKAGES, KNOWN["encoder"].needs)
    return built_in(*linear_head.read(Path(path) / HEAD.name if path else HEAD, layer=LAYER))


def built_in(head: Head | None = None, mark: str = "") -> Encoder:
    """MiniLM from where it is installed, see `under`.

    Raises: DetectorError where it is not
    """
    weights = installed("encoder")
    if weights is None:
        raise DetectorError("the weights of encoder are not installed; run: auditor detectors install encoder")
    return under(loading.check(weights, ""), head, mark)


def of_meaning() -> Encoder:
    """MiniLM read to its last layer, without a head: its figures are embeddings of the meaning of a text.

    Reimers & Gurevych 2019 (EMNLP), section 3: the mean of the last layer's states.
    Raises: DetectorError saying what is missing and what to do
    """
    loading.require(PACKAGES, KNOWN["encoder"].needs)
    return replace(built_in(), layer=WHOLE, cache=None)


def under(checked: Checked, head: Head | None, mark: str = "") -> Encoder:
    """An encoder under a head; without one (before training) it has states but no score."""
    own = DESCRIPTION
    described = Description(
        own.name,
        own.version,
        own.summary,
        own.languages,
        own.minimum_words,
        1,
        own.cost,
        own.extra,
        f"{checked.revision}-{mark}",
    )
    return Encoder(described, checked, head, LAYER)


@dataclass(slots=True)
class Encoder:
    """The encoder read up to a layer; opened when a text comes that is not in the cache."""

    description: Description
    checked: Checked
    head: Head | None
    layer: int
    cache: ScoreCache | None = None
    _opened: _Opened | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.cache is None:  # states do not depend on the head
            self.cache = ScoreCache(f"encoder{DESCRIPTION.version}-{self.checked.revision}-{self.layer}")

    def open(self) -> _Opened:
        """Load the model, without the layers above the one that is read."""
        if self._opened is None:
            device, dtype = device_and_type()
            model = self.checked.model(dtype)
            model.encoder.layer = model.encoder.layer[: self.layer]
            self._opened = _Opened(self.checked.tokeniser(), model.to(device), device)
        return self._opened

    def score(self, batch: TextBatch) -> np.ndarray:
        """(n,) float32 logit of being machine-written, in three decimals; NaN where the detector does not apply."""
        if self.head is None:
            return np.full(len(batch), np.nan, np.float32)
        return np.round(self.head.logit(self.figures(batch)), DECIMALS).astype(np.float32)

    def figures(self, batch: TextBatch) -> np.ndarray:
        """(n, width) float32, in three decimals, the mean state of each text; NaN where the detector does not apply."""
        assert self.cache is not None
        chosen = np.flatnonzero(self.description.applies(batch)).tolist()
        texts = plain([batch.document(i)[:CHARACTERS] for i in chosen])
        rows = self.cache.rows(texts, lambda some: self.open().states(some))
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

    def states(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Mean state of each text, in three decimals."""
        coded = self.tokeniser(
            list(texts), add_special_tokens=False, truncation=True, max_length=WINDOWS * (TOKENS - 2)
        )["input_ids"]
        owned = [(owner, part) for owner, ids in enumerate(coded) for part in windows(ids)]
        total = np.zeros((len(texts), self.model.config.hidden_size))
        count = np.zeros((len(texts), 1))
        for owners, found in self._read(owned):
            np.add.at(total, owners, found)
            np.add.at(count, owners, 1)
        return list(np.round(total / np.maximum(count, 1), DECIMALS).astype(np.float32))

    def _read(self, owned: Sequence[tuple[int, Sequence[int]]]) -> Any:
        """(owners (k,), their windows' mean states (k, width)): batches of fixed shape, filled up with blanks."""
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
