"""Encoders as detectors: `hf:PATH` is any sequence classifier; `encoder` is MiniLM with a small head trained here.

MiniLM itself is not tuned: its mean-pooled embedding of the first tokens goes through a linear model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from auditor.detectors import loading
from auditor.detectors.install import KNOWN, installed
from auditor.detectors.interface import Description, Obstacle
from auditor.detectors.language_model import CHARACTERS, CHUNK, DECIMALS, device_and_type, plain
from auditor.detectors.loading import CLASSIFIER, Checked
from auditor.detectors.score_cache import ScoreCache, content_key
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

PACKAGES = ("torch",)
TOKENS, HEAD_TOKENS = 512, 128  # of a document: of a user's classifier, of MiniLM under our head
BUCKETS = (32, 64, 96, 128, 192, 256, 384, 512)
CPU_ROWS, GPU_ROWS = 4, 32
MINIMUM_WORDS = 50
HEAD = Path(__file__).parent / "models" / "tier1_encoder.safetensors"
MACHINE = re.compile(r"(^|[^a-z])(ai|machine|generated|fake|synthetic|gpt|chatgpt|llm|bot|model)([^a-z]|$)")
HUMAN = re.compile(r"(^|[^a-z])(human|real|original|person|written)([^a-z]|$)")
Labels = Literal["embedding"] | int
DESCRIPTION = Description(
    "encoder",
    "1",
    "linear model over MiniLM's sentence embedding",
    languages=frozenset({"en"}),
    minimum_words=MINIMUM_WORDS,
    tier=1,
    cost=40_000.0,
    extra="encoder",
)


def obstacle() -> Obstacle | None:
    if not HEAD.exists():
        return Obstacle("no head for it is shipped with this version; name a classifier with --detector hf:PATH")
    return loading.obstacle("encoder", PACKAGES)


def load(path: str | None = None) -> Encoder:
    """The built-in encoder, or a classifier of the user's: PATH, or PATH#LABEL where LABEL means machine-written.

    Raises: DetectorError saying what is wrong with the folder and what to do
    """
    loading.require(PACKAGES, KNOWN["encoder"].needs)
    if path is None:
        weights = installed("encoder")
        if weights is None:
            raise DetectorError("the weights of encoder are not installed; run: auditor detectors install encoder")
        return embedder(weights)
    folder, _, label = path.partition("#")
    checked = loading.check(folder, CLASSIFIER)
    machine = machine_label(_labels(checked), label, path)
    name = f"hf:{Path(folder).name}"
    described = Description(name, "1", "a sequence classifier", None, MINIMUM_WORDS, 1, DESCRIPTION.cost, "encoder",
                            checked.revision)  # fmt: skip
    own = Encoder(described, checked, machine)
    own.open()  # what is wrong with it should be known before a corpus is read
    return own


def embedder(weights: Path) -> Encoder:
    """MiniLM from its folder, with the shipped head where there is one."""
    checked = loading.check(weights, "")
    own = DESCRIPTION
    described = Description(own.name, own.version, own.summary, own.languages, own.minimum_words, 1, own.cost,
                            own.extra, checked.revision)  # fmt: skip
    return Encoder(described, checked, "embedding", _read_head())


def machine_label(labels: dict[int, str], asked: str, path: str) -> int:
    """Position of the label that means machine-written, by its name, or as asked for after `#`.

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
class Encoder:
    """An encoder with a head: the shipped one over its embedding, or its own over labels."""

    description: Description
    checked: Checked
    output: Labels
    head: np.ndarray | None = None  # weights, then the intercept
    cache: ScoreCache | None = None
    _opened: _Opened | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.cache is None:
            kind = "embedding" if self.output == "embedding" else f"label{self.output}"
            self.cache = ScoreCache(f"encoder1-{kind}-{self.description.revision}")

    def open(self) -> _Opened:
        """Load the model."""
        if self._opened is None:
            device, dtype = device_and_type()
            model = self.checked.model(dtype).to(device)
            self._opened = _Opened(self.checked.tokeniser(), model, device, self.output)
        return self._opened

    def score(self, batch: TextBatch) -> np.ndarray:
        """(n,) float32 logit of being machine-written, in three decimals; NaN where the detector does not apply."""
        rows = self.rows(batch)
        if self.output != "embedding":
            values = rows[:, 0]
        elif self.head is None:
            values = np.full(len(batch), np.nan)
        else:
            values = rows @ self.head[:-1] + self.head[-1]
        return np.round(values, DECIMALS).astype(np.float32)

    def rows(self, batch: TextBatch) -> np.ndarray:
        """(n, k) float32: the embedding, or one column with the label's logit; NaN where it does not apply."""
        assert self.cache is not None
        chosen = np.flatnonzero(self.description.applies(batch)).tolist()
        texts = plain([batch.document(i)[:CHARACTERS] for i in chosen])
        keys = [content_key(text) for text in texts]
        known = self.cache.known(keys)
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        listed = sorted(fresh.items(), key=lambda pair: len(pair[1]))
        for start in range(0, len(listed), CHUNK):
            part = listed[start : start + CHUNK]
            rows = dict(zip((key for key, _ in part), self.open().rows([text for _, text in part]), strict=True))
            self.cache.keep(rows)
            known |= rows
        width = len(next(iter(known.values()))) if known else 1 if self.head is None else len(self.head) - 1
        out = np.full((len(batch), width), np.nan, np.float32)
        for i, key in zip(chosen, keys, strict=True):
            out[i] = known[key]
        return out


@dataclass(frozen=True, slots=True)
class _Opened:
    tokeniser: Any
    model: Any
    device: str
    output: Labels

    def rows(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Per text its embedding of length 1, or the logit of one label against all others; three decimals and four
        more for embeddings, whose products are rounded later."""
        import torch

        out = [np.empty(0, np.float32)] * len(texts)
        for places, tokens, mask in self._batches(texts):
            with torch.inference_mode():
                found = self.model(input_ids=tokens, attention_mask=mask)
            values = self._embedded(found, mask) if self.output == "embedding" else self._logit(found.logits)
            for row, place in enumerate(places):
                out[place] = values[row]
        return out

    def _embedded(self, found: Any, mask: Any) -> np.ndarray:
        weight = mask[:, :, None].float()
        mean = (found.last_hidden_state.float() * weight).sum(1) / weight.sum(1).clamp_min(1)
        vectors = mean.cpu().numpy()
        return np.round(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), 5)

    def _logit(self, logits: Any) -> np.ndarray:
        logits = logits.float().cpu().numpy()
        at = int(self.output)
        others = np.delete(logits, at, 1)
        if others.shape[1] == 0:
            return np.round(logits, DECIMALS)
        top = others.max(1, keepdims=True)
        rest = top[:, 0] + np.log(np.exp(others - top).sum(1))
        return np.round((logits[:, at] - rest)[:, None], DECIMALS)

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], Any, Any]]:
        """(places of the texts, tokens and mask (rows, bucket)): fixed shapes; the last batch is filled with blanks."""
        import torch

        most = HEAD_TOKENS if self.output == "embedding" else TOKENS
        most = min(most, int(getattr(self.model.config, "max_position_embeddings", most)))
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


def _read_head() -> np.ndarray | None:
    if not HEAD.exists():
        return None
    from safetensors.numpy import load_file

    found = load_file(str(HEAD))
    return np.append(found["weights"].astype(np.float64), found["intercept"].astype(np.float64))
