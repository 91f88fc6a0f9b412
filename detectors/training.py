"""Rebuilds every shipped first-tier weight from the labelled sources with a stated licence; fixed seeds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import save
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from auditor.detectors import labelled, ngrams, phrases
from auditor.detectors.labelled import Labelled
from auditor.detectors.stacking import calibration, fit_stack

SEED = 20221130
CELL = 600  # documents of one source, domain, class and generator: no cell may dominate
SINGLE = 0.2  # weight of sources with one class only: they teach topic as much as origin
BASE = 0.2  # weight of machine text by models without instruction tuning
LEAST_CELLS = 4  # n-grams seen in fewer source-domain cells are dropped: they are topics, not style
VERSION = "1"
# Families left out together; those not named are the fold "small".
FOLDS = {
    "completions": "completions",
    "rewrites": "rewrites",
    "outfox": "essays",
    "rexshijaku": "essays",
    "eqbench_creative": "single",
    "human_dated_gov": "single",
}
STACKS = (("ngrams", "phrases"), ("ngrams",))


def sample(corpus: Labelled, rng: np.random.Generator) -> Labelled:
    """Training rows: English prose with a licence, human or wholly machine-written, cells capped.

    `mixed` rows are left out: which half of an edited text is whose is not recorded, so they belong to neither class.
    """
    frame = corpus.frame.with_columns(lot=pl.Series(rng.random(len(corpus.frame))))
    rank = pl.col("lot").rank("ordinal").over("source", "domain", "label", "generator")
    chosen = (
        pl.col("licensed")
        & (pl.col("language") == "en")
        & (pl.col("label") != "mixed")
        & (pl.col("domain").str.to_lowercase() != "code")
        & (pl.col("words") >= labelled.SHORTEST)
    )
    frame = frame.filter(chosen).filter(rank <= CELL).drop("lot")
    return Labelled(frame, corpus.batch)


def weights_of(frame: pl.DataFrame) -> np.ndarray:
    """(n,) mean 1: classes equal within a source's domain; domains and sources by the root of their size."""
    cell, size = ("source", "domain"), pl.len().cast(pl.Float64)
    weighed = frame.with_columns(
        one=size.over(*cell).sqrt() / size.over(*cell, "label"),
        alone=pl.col("label").n_unique().over("source") == 1,
        root=size.over("source").sqrt(),
    ).select(
        w=pl.col("one") / pl.col("one").sum().over("source") * pl.col("root")
        * pl.when("alone").then(SINGLE).otherwise(1.0)
        * pl.when("base").then(BASE).otherwise(1.0),
    )  # fmt: skip
    w = weighed["w"].to_numpy()
    return w / w.mean()


def matrix(corpus: Labelled, first: np.ndarray, last: np.ndarray) -> csr_matrix:
    """(n, 2^BITS) float32: the n-gram features of stretches of tokens."""
    room = int((last - first).sum()) * ngrams.ORDERS
    indices, values = np.empty(room, np.int32), np.empty(room, np.float32)
    ends = np.zeros(len(first) + 1, np.int64)
    ngrams.features(corpus.batch.tokens.hashes, first, last, indices, values, ends)
    used = ends[-1]
    return csr_matrix((values[:used], indices[:used], ends), shape=(len(first), 1 << ngrams.BITS))


def fit_ngrams(corpus: Labelled, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Weights (2^BITS,) float16 and intercept of the n-gram model, from sampled rows."""
    first, last = corpus.views(rng)
    x = matrix(corpus, first, last)
    keep = widespread(x, corpus.frame)
    model = LogisticRegression(C=10, max_iter=60, tol=1e-3)
    model.fit(x[:, keep], corpus.machine, sample_weight=weights_of(corpus.frame))
    weights = np.zeros(x.shape[1], np.float16)
    weights[keep] = model.coef_[0]
    return weights, float(model.intercept_[0])


def widespread(x: csr_matrix, frame: pl.DataFrame) -> np.ndarray:
    """Columns (k,) found in at least LEAST_CELLS source-domain cells."""
    cell = frame.select(pl.struct("source", "domain").rank("dense"))["source"].to_numpy().astype(np.int64) - 1
    n = len(cell)
    members = csr_matrix((np.ones(n, np.float32), (cell, np.arange(n))), shape=(cell.max() + 1, n))
    return np.flatnonzero(((members @ x) > 0).sum(0).A1 >= LEAST_CELLS)


def train(folder: Path, out: Path) -> list[Path]:
    """Rebuild the shipped weights below `out` from the labelled sources in `folder`; returns the files written."""
    chosen = sample(labelled.read(folder, licensed_only=True), np.random.default_rng(SEED))
    weights, intercept = fit_ngrams(chosen, np.random.default_rng(SEED))
    written = write_ngrams(out, weights, intercept, chosen)
    scores = out_of_family(chosen)
    return [*written, *write_ensemble(out, chosen.frame, scores)]


def out_of_family(corpus: Labelled) -> dict[str, np.ndarray]:
    """Scores (n,) of every first-tier member for every row, by models that saw nothing of the row's fold."""
    rows = corpus.frame["row"].to_numpy()
    fold = corpus.frame["family"].replace_strict(FOLDS, default="small").to_numpy()
    learned = np.full(len(rows), np.nan, np.float32)
    for left_out in np.unique(fold):
        rest = corpus.take(fold != left_out)
        weights, intercept = fit_ngrams(rest, np.random.default_rng(SEED))
        model = ngrams.Ngrams.of({"en": (weights, intercept)})
        learned[fold == left_out] = model.score(corpus.batch)[rows[fold == left_out]]
    return {"ngrams": learned, "phrases": phrases.load().score(corpus.batch)[rows]}


def write_ensemble(out: Path, frame: pl.DataFrame, scores: dict[str, np.ndarray]) -> list[Path]:
    """The stacks, largest first, and the calibration of the first."""
    words, machine = frame["words"].to_numpy(), (frame["label"] == "ai").to_numpy()
    stacks = [fit_stack(names, scores, words, machine, weights_of(frame)) for names in STACKS]
    stored = {
        "version": VERSION,
        "languages": ["en"],
        "stacks": [asdict(stack) for stack in stacks],
        "calibration": calibration(frame, stacks[0].logit(scores, words)),
    }
    stored["revision"] = hashlib.sha256(json.dumps(stored).encode()).hexdigest()[:12]
    return [_write(out / "ensemble.json", stored)]


def write_ngrams(out: Path, weights: np.ndarray, intercept: float, chosen: Labelled) -> list[Path]:
    out.mkdir(parents=True, exist_ok=True)
    tensors = {"en": weights, "intercepts": np.array([intercept], np.float32)}
    (out / "ngrams.safetensors").write_bytes(save(tensors))
    sources = chosen.frame.group_by("source", "licence").agg(
        human=(pl.col("label") == "human").sum(), machine=(pl.col("label") == "ai").sum()
    )
    card = {
        "name": "ngrams",
        "version": VERSION,
        "languages": ["en"],
        "revision": hashlib.sha256(b"".join(t.tobytes() for t in tensors.values())).hexdigest()[:12],
        "bits": ngrams.BITS,
        "orders": ngrams.ORDERS,
        "window": ngrams.WINDOW,
        "seed": SEED,
        "sources": sources.sort("source").to_dicts(),
    }
    return [out / "ngrams.safetensors", _write(out / "ngrams.json", card)]


def _write(path: Path, stored: dict) -> Path:
    path.write_text(
        json.dumps(stored, indent=None if len(str(stored)) > 20_000 else 1, ensure_ascii=False) + "\n", "utf-8"
    )
    return path
