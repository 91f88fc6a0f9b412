"""Fine-tunes the upper layers of the sentence encoder on labelled text; the lower ones stay as they came.

The frozen half is put through once and its outputs are kept, so that an epoch costs a third of a full one, and every
model (the shipped one, those that leave families out) learns from the same rows. Case and white space need no
augmentation: the encoder's tokeniser folds both. Words are masked at random, because which ones they are is topic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.detectors import loading
from auditor.detectors.labelled import Labelled, normalised
from auditor.detectors.training import folds

SEED = 20221130
FROZEN = 2  # of six layers; the embeddings too
TOKENS = 128
SHORTEST = 60  # tokens
CAP, SINGLE_CAP, BASE_CAP = 1500, 250, 250  # texts of a source and class; of a source with one class; of base models
BASE = 0.3  # weight of machine text by models without instruction tuning
EPOCHS = 2  # each on other stretches of the same documents
FOLD_ROWS, FOLD_EPOCHS = 5000, 1  # of the models that leave families out
SNAPSHOT = 100  # steps after which the weights are kept
ROWS = 16
RATE, HEAD_RATE = 8e-5, 1e-3
WARM = 0.06
MASKED = 0.1  # of the tokens of half the texts
SMOOTH = 0.02
ALL = "all"  # the shipped model; the others are named after the fold that they leave out
MODELS = (ALL, "completions", "rewrites", "others")
GROUPS = {"essays": "others", "single": "others", "small": "others"}  # folds left out by one model

Say = Callable[[str], None]
Keep = Callable[[str, dict[str, np.ndarray], bool], None]  # a model's name, its weights, whether they are its last


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Stretches of documents: tokens (e, n, TOKENS) int32 (0 fills up), machine (n,), weight (n,), group (n,)."""

    tokens: np.ndarray
    machine: np.ndarray
    weight: np.ndarray
    group: np.ndarray


def sample(corpus: Labelled, rng: np.random.Generator) -> Labelled:
    """English prose with a licence, human or wholly machine-written; domains and generators of a source share alike."""
    frame = corpus.frame.with_columns(lot=pl.Series(rng.random(len(corpus.frame)))).filter(
        (pl.col("language") == "en") & (pl.col("label") != "mixed") & pl.col("licensed")
        & (pl.col("domain").str.to_lowercase() != "code") & (pl.col("words") >= SHORTEST)
    )  # fmt: skip
    kind = ("source", "label", "base")
    turn = pl.col("lot").rank("ordinal").over(*kind, "domain", "generator")
    cap = pl.when("base").then(BASE_CAP).when(pl.col("label").n_unique().over("source") == 1).then(SINGLE_CAP)
    frame = frame.with_columns(place=(turn + pl.col("lot")).rank("ordinal").over(*kind), cap=cap.otherwise(CAP))
    return Labelled(frame.filter(pl.col("place") <= pl.col("cap")).drop("lot", "place", "cap"), corpus.batch)


def weights_of(frame: pl.DataFrame) -> np.ndarray:
    """(n,) mean 1: classes equal within a source, base models BASE."""
    size = pl.len().cast(pl.Float64)
    alone = pl.col("label").n_unique().over("source") == 1
    even = pl.when(alone).then(1.0).otherwise(size.over("source") / 2 / size.over("source", "label"))
    w = frame.select(even * pl.when("base").then(BASE).otherwise(1.0)).to_series().to_numpy()
    return w / w.mean()


def rows_of(chosen: Labelled, tokeniser: Any, rng: np.random.Generator, *, epochs: int = EPOCHS) -> Rows:
    """Random stretches of the documents, one of each an epoch."""
    coded = [np.array(ids, np.int32) for ids in _coded(chosen, tokeniser)]
    tokens = np.zeros((epochs, len(coded), TOKENS), np.int32)
    opens = _opens_word(tokeniser)
    marks = tokeniser.cls_token_id, tokeniser.sep_token_id, tokeniser.mask_token_id
    for epoch in range(epochs):
        for row, ids in enumerate(coded):
            found = _stretch(ids, opens, rng)
            if rng.random() < 0.5:
                found = np.where(rng.random(len(found)) < MASKED, marks[2], found)
            tokens[epoch, row, : len(found) + 2] = [marks[0], *found, marks[1]]
    return Rows(tokens, chosen.machine, weights_of(chosen.frame), groups(chosen.frame))


def groups(frame: pl.DataFrame) -> np.ndarray:
    """(n,) the model that leaves a document's family out; a name of its own where every model saw nothing of it."""
    return pl.Series(folds(frame)).replace(GROUPS).to_numpy()


def lower_half(model: Any, rows: Rows, say: Say) -> list[Any]:
    """What the frozen layers make of the tokens: for each epoch (n, TOKENS, width) float16."""
    import torch

    model.eval()
    out = []
    for epoch in range(len(rows.tokens)):
        kept = torch.empty((*rows.tokens[epoch].shape, model.config.hidden_size), dtype=torch.float16)
        for first in range(0, len(kept), ROWS):
            tokens = torch.from_numpy(rows.tokens[epoch, first : first + ROWS]).long()
            with torch.inference_mode():
                hidden = _through(model.encoder.layer[:FROZEN], model.embeddings(input_ids=tokens), tokens != 0)
            kept[first : first + ROWS] = hidden.half()
        say(f"frozen layers: epoch {epoch + 1} of {len(rows.tokens)}")
        out.append(kept)
    return out


def fit(
    model: Any, lower: list[Any], rows: Rows, use: np.ndarray, *, say: Say
) -> Iterator[tuple[dict[str, np.ndarray], bool]]:
    """Fine-tune on the rows `use` (k,), the model's upper layers in place.

    Yields: the changed weights by name, float16, with `head.weight` and `head.bias`, every SNAPSHOT steps and at last,
        and whether they are the last
    """
    import torch

    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    layers = model.encoder.layer[FROZEN:].train()
    head = torch.nn.Linear(model.config.hidden_size, 1)
    torch.nn.init.zeros_(head.weight)
    groups = [{"params": layers.parameters(), "lr": RATE}, {"params": head.parameters(), "lr": HEAD_RATE}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    order = [(epoch, at) for epoch in range(len(lower))
             for at in rng.permutation(use)[: len(use) // ROWS * ROWS].reshape(-1, ROWS)]  # fmt: skip
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / (WARM * len(order)), max(1 - step / len(order), 0.02))
    )
    running = 0.7
    for step, (epoch, at) in enumerate(order, 1):
        seen = torch.from_numpy(rows.tokens[epoch][at]) != 0
        logit = head(pooled(_through(layers, lower[epoch][at].float(), seen), seen))[:, 0]
        loss = _loss(logit, rows.machine[at], rows.weight[at])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(layers.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        running = 0.98 * running + 0.02 * float(loss.detach())
        if step % SNAPSHOT == 0 or step == len(order):
            say(f"step {step} of {len(order)}, loss {running:.3f}")
            yield _changed(layers, head), step == len(order)


def _loss(logit: Any, machine: np.ndarray, weight: np.ndarray) -> Any:
    import torch

    wanted = torch.from_numpy(machine.astype(np.float32)) * (1 - 2 * SMOOTH) + SMOOTH
    each = torch.nn.functional.binary_cross_entropy_with_logits(logit, wanted, reduction="none")
    return (each * torch.from_numpy(weight.astype(np.float32))).mean()


def _changed(layers: Any, head: Any) -> dict[str, np.ndarray]:
    found = {}
    for name, value in layers.state_dict().items():
        layer, rest = name.split(".", 1)
        found[f"encoder.layer.{FROZEN + int(layer)}.{rest}"] = value
    found |= {f"head.{name}": value for name, value in head.state_dict().items()}
    return {name: value.detach().numpy().astype(np.float16) for name, value in found.items()}


def pooled(hidden: Any, seen: Any) -> Any:
    """(n, width) mean over the tokens that are there."""
    weight = seen[:, :, None].float()
    return (hidden * weight).sum(1) / weight.sum(1)


def train(corpus: Labelled, weights: Path, names: Sequence[str], keep: Keep, say: Say) -> None:
    """Fine-tune the named MODELS; `keep` gets each as it grows.

    Parameters: weights, the folder of the encoder's base weights
    """
    import torch

    chosen = sample(corpus, np.random.default_rng(SEED))
    checked = loading.check(weights, "")
    model, tokeniser = checked.model(torch.float32), checked.tokeniser()
    start = {name: value.clone() for name, value in model.state_dict().items()}
    epochs = EPOCHS if ALL in names else FOLD_EPOCHS
    rows = rows_of(chosen, tokeniser, np.random.default_rng(SEED), epochs=epochs)
    say(f"{len(rows.machine)} documents, {int(rows.machine.sum())} of them machine-written")
    lower = lower_half(model, rows, say)
    for name in names:
        model.load_state_dict(start)
        use = np.flatnonzero(rows.group != name)
        if name != ALL:
            use = np.random.default_rng(SEED).permutation(use)[:FOLD_ROWS]
        say(f"{name}: {len(use)} documents")
        for found, last in fit(model, lower if name == ALL else lower[:FOLD_EPOCHS], rows, use, say=say):
            keep(name, found, last)


def _through(layers: Any, hidden: Any, seen: Any) -> Any:
    mask = seen[:, None, None, :].expand(-1, 1, seen.shape[1], -1)
    for layer in layers:
        hidden = layer(hidden, attention_mask=mask)
        hidden = hidden[0] if isinstance(hidden, tuple) else hidden
    return hidden


def _coded(chosen: Labelled, tokeniser: Any) -> list[list[int]]:
    texts = chosen.texts().str.slice(0, 8000).to_frame()
    plain = texts.select(normalised(pl.col("text")))["text"].to_list()
    return tokeniser(plain, add_special_tokens=False, truncation=True, max_length=1500)["input_ids"]


def _opens_word(tokeniser: Any) -> np.ndarray:
    """(vocabulary,) bool: tokens that begin a word."""
    words = tokeniser.convert_ids_to_tokens(list(range(len(tokeniser))))
    return np.array([not word.startswith("##") for word in words])


def _stretch(ids: np.ndarray, opens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Four in ten from the beginning, one in five shorter than TOKENS; the others begin at any word."""
    most = TOKENS - 2 if rng.random() < 0.8 else int(rng.integers(SHORTEST, TOKENS - 2))
    room = len(ids) - most
    if room <= 0 or rng.random() < 0.4:
        return ids[:most]
    start = int(rng.integers(0, room + 1))
    while start > 0 and not opens[ids[start]]:
        start -= 1
    return ids[start : start + most]
