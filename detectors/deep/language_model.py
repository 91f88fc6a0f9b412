"""A causal language model as a detector: machine text surprises it less, and more evenly, than human text.

`lm` is SmolLM2 under a linear model, trained here, over its figures of surprisal and its mean state in a middle layer;
`lm:PATH` is any causal model, scored by Fast-DetectGPT's curvature alone; `lm:PATH1,PATH2` are two with one tokeniser,
scored by Binoculars. The language model itself is unchanged: a linear model over frozen states generalises better to
foreign sources than fine-tuning does (Kumar et al. 2022), and middle layers hold what tells authors apart (Yu et al.
2024, Text Fluoroscopy).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.detectors.deep import linear_head, loading, surprisal
from auditor.detectors.deep.install import KNOWN, installed
from auditor.detectors.deep.linear_head import Head
from auditor.detectors.deep.loading import CAUSAL, Checked
from auditor.detectors.deep.score_cache import ScoreCache
from auditor.detectors.interface import Description, Obstacle
from auditor.detectors.training.data.labelled import normalised
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

PACKAGES = ("torch", "gguf", "accelerate")
TOKENS = 256  # of a document, from its beginning
BUCKETS = (32, 64, 96, 128, 160, 192, 224, 256)  # lengths that texts are padded to: few shapes, each prepared once
CPU_ROWS, GPU_ROWS = 1, 16  # texts of a batch: on a CPU more of them were no faster (benchmarks/second_tier_speed.py)
CHARACTERS = 4000  # no 256 tokens of prose are longer
DECIMALS = 3
HEAD = Path(__file__).parents[1] / "models" / "second_tier_lm.json"
LAYER = 15  # of 30, whose states are averaged; 12, 18 and 21 differ by about .01 of AUROC (docs/decisions/0007)
MINIMUM_WORDS = 50
DESCRIPTION = Description(
    "lm",
    "2",
    "SmolLM2: surprisal figures (curvature, ranks, entropy, burstiness) and the mean state of a middle layer",
    languages=frozenset({"en"}),
    minimum_words=MINIMUM_WORDS,
    tier=1,
    cost=400_000.0,
    extra="lm",
)


def obstacle() -> Obstacle | None:
    """Why the detector cannot be used here, with the command that changes it; None if it can be used."""
    return loading.obstacle("lm", PACKAGES)


def load(path: str | None = None) -> LanguageModel:
    """The built-in model, or the one or two (comma) of the user's.

    Raises: DetectorError saying what is wrong with a folder and what to do
    """
    loading.require(("torch",), KNOWN["lm"].needs)
    if path is None:
        return built_in(*linear_head.read(HEAD, figures=list(surprisal.NAMES), layer=LAYER))
    folders = [part for part in path.split(",") if part]
    if not 1 <= len(folders) <= 2:
        raise DetectorError(f"lm:{path}: give one model, or two with a comma between them (Binoculars)")
    models = tuple(loading.check(folder, CAUSAL) for folder in folders)
    name = "lm:" + ",".join(Path(folder).name for folder in folders)
    own = LanguageModel(_described(name, "+".join(model.revision for model in models)), models, None)
    own.open()  # faults should be known before a corpus is read
    return own


def built_in(head: Head | None = None, mark: str = "") -> LanguageModel:
    """SmolLM2 from where it is installed, see `under`.

    Raises: DetectorError where it is not
    """
    weights = installed("lm")
    if weights is None:
        raise DetectorError("the weights of lm are not installed; run: auditor detectors install lm")
    return under(loading.check(weights, CAUSAL), head, mark)


def under(checked: Checked, head: Head | None, mark: str = "") -> LanguageModel:
    """A causal model under a head; without one (before training) it has figures and scores by curvature."""
    return LanguageModel(_described(DESCRIPTION.name, f"{checked.revision}-{mark}"), (checked,), head, LAYER)


@dataclass(slots=True)
class LanguageModel:
    """One or two causal models; opened when a text comes that is not in the cache.

    layer: the one whose mean state is among the figures; None if none is
    """

    description: Description
    models: tuple[Checked, ...]
    head: Head | None = None
    layer: int | None = None
    cache: ScoreCache | None = None
    _opened: _Opened | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.cache is None:
            weights = "+".join(model.revision for model in self.models)  # figures do not depend on the head
            layer = "" if self.layer is None else f"-{self.layer}"
            self.cache = ScoreCache(f"lm{DESCRIPTION.version}-{weights}{layer}")

    def open(self) -> _Opened:
        """Load the models.

        Raises: DetectorError where one cannot be loaded, or two do not share a tokeniser
        """
        if self._opened is None:
            self._opened = _open(self.models, self.layer)
        return self._opened

    def score(self, batch: TextBatch) -> np.ndarray:
        """(n,) float32: the trained logit; of a user's model the curvature, of two minus the Binoculars ratio."""
        found = self.figures(batch)
        if self.head is not None:
            values = self.head.logit(found)
        elif len(self.models) == 2:
            values = -found[:, len(surprisal.NAMES)]
        else:
            values = found[:, surprisal.NAMES.index("curvature")]
        return np.round(values, DECIMALS).astype(np.float32)

    def figures(self, batch: TextBatch) -> np.ndarray:
        """(n, k) float32 with three decimals: surprisal.NAMES, of two models the Binoculars ratio, then the mean state.

        NaN where the detector does not apply or the text is too short.
        """
        assert self.cache is not None
        chosen = np.flatnonzero(self.description.applies(batch)).tolist()
        texts = plain([batch.document(i)[:CHARACTERS] for i in chosen])
        rows = self.cache.rows(texts, lambda some: self.open().figures(some))
        out = np.full((len(batch), len(rows[0]) if rows else self._width()), np.nan, np.float32)
        for i, row in zip(chosen, rows, strict=True):
            out[i] = row
        return out

    def _width(self) -> int:
        wide = len(surprisal.NAMES) if self.head is None else len(self.head.weights)
        return wide + (len(self.models) == 2)


@dataclass(frozen=True, slots=True)
class _Opened:
    """Loaded models with their common tokeniser."""

    tokeniser: Any
    models: tuple[Any, ...]
    device: str
    layer: int | None = None

    def figures(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Figures of each text, in three decimals."""
        out = [np.empty(0)] * len(texts)
        for places, tokens, lengths in self._batches(texts):
            found = [self._predict(model, tokens) for model in self.models]
            for row, (place, length) in enumerate(zip(places, lengths, strict=True)):
                figures = self._row([logits[row, : length - 1] for logits, _ in found], tokens[row, 1:length])
                if self.layer is not None:  # without the first token, whose state is large and the same in all texts
                    state = found[0][1][row, min(1, length - 1) : length].float().mean(0)
                    figures = np.append(figures, state.cpu().numpy())
                out[place] = np.round(figures, DECIMALS).astype(np.float32)
        return out

    def _row(self, logits: list[Any], tokens: Any) -> np.ndarray:
        columns = surprisal.token_columns(logits[-1], tokens)
        found = surprisal.figures(*columns)
        if len(logits) == 2:
            crossed = surprisal.cross_entropy(logits[0], logits[1])
            ratio = columns[0].mean() / max(crossed.mean(), 1e-6) if len(crossed) >= surprisal.FEWEST else np.nan
            found = np.append(found, ratio)
        return found

    def _predict(self, model: Any, tokens: Any) -> tuple[Any, Any]:
        """Logits (rows, bucket, v) and the states of the layer (rows, bucket, width), None without one."""
        import torch

        with torch.inference_mode():
            found = model(input_ids=tokens, use_cache=False, output_hidden_states=self.layer is not None)
        return found.logits, None if self.layer is None else found.hidden_states[self.layer]

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], Any, list[int]]]:
        """(places of the texts, tokens (rows, bucket), their lengths): fixed shapes, padded on the right.

        A causal model does not attend to later tokens, so padding changes nothing and needs no mask.
        """
        import torch

        start = self.tokeniser.bos_token_id
        coded = self.tokeniser(list(texts), add_special_tokens=False, truncation=True, max_length=TOKENS - 1)
        coded = [([] if start is None else [start]) + ids for ids in coded["input_ids"]]
        rows = GPU_ROWS if self.device != "cpu" else CPU_ROWS
        for lower, bucket in zip((0, *BUCKETS), BUCKETS, strict=False):
            inside = [i for i, ids in enumerate(coded) if lower < len(ids) <= bucket or (not ids and not lower)]
            for first in range(0, len(inside), rows):
                places = inside[first : first + rows]
                padded = torch.zeros((rows, bucket), dtype=torch.long)
                for row, place in enumerate(places):
                    padded[row, : len(coded[place])] = torch.tensor(coded[place], dtype=torch.long)
                yield places, padded.to(self.device), [max(len(coded[place]), 1) for place in places]


def plain(texts: Sequence[str]) -> list[str]:
    """Texts as training saw them (labelled.normalised), without traces of how they were scraped."""
    column = pl.Series("text", list(texts), dtype=pl.String)
    return column.to_frame().select(normalised(pl.col("text")))["text"].to_list()


def threads() -> int:
    """Threads of a model: OMP_NUM_THREADS, else the number of cores."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else len(os.sched_getaffinity(0))


def device_and_type() -> tuple[str, Any]:
    """Where models run: float32 measured faster than bfloat16 on CPUs without matrix units for it."""
    import torch

    torch.set_num_threads(threads())
    return ("cuda", torch.bfloat16) if torch.cuda.is_available() else ("cpu", torch.float32)


def _open(models: Sequence[Checked], layer: int | None) -> _Opened:
    device, dtype = device_and_type()
    tokenisers = [model.tokeniser() for model in models]
    if len(tokenisers) == 2 and tokenisers[0].get_vocab() != tokenisers[1].get_vocab():
        raise DetectorError(
            f"{models[0].folder} and {models[1].folder} have different tokenisers: Binoculars compares predictions "
            "token by token, so both models must share one"
        )
    return _Opened(tokenisers[0], tuple(model.model(dtype).to(device) for model in models), device, layer)


def _described(name: str, revision: str) -> Description:
    own = DESCRIPTION
    if name == own.name:
        return Description(
            name, own.version, own.summary, own.languages, own.minimum_words, 1, own.cost, "lm", revision
        )
    return Description(
        name, own.version, "a causal language model", None, own.minimum_words, 1, own.cost, "lm", revision
    )
