"""The weights of the first tier's heads, fitted on everything and again without each fold; saved as they are fitted.

recent: human text and mirrors; earlier: everything but mirrors; paired: the same without sources of machine text alone.
The last two are added up into one table. There are two heads because what gives away current models and what gave away
earlier ones hardly overlap: one model for both ranks either worse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from safetensors import safe_open
from safetensors.numpy import save_file
from scipy.sparse import csr_matrix

from auditor.detectors.first import style_measures, stylometry, wordstream
from auditor.detectors.first.wordstream import Streams
from auditor.detectors.training import heads
from auditor.detectors.training.data import mixtures
from auditor.detectors.training.data.families import FOLDS, MIRRORS
from auditor.detectors.training.data.labelled import Labelled
from auditor.detectors.training.data.mixtures import Caps

SEED = 20221130
VERSION = "3"
ALL = -1  # the empty fold: the shipped models
MACHINE_ONLY = (
    "slop_score",
    "hellobench",
    "booookscore",
    "mt_bench_multi",
    "eqbench_creative",
    "deepresearch_claude",
)
WHOLE = 10_000  # a cap that no source reaches
Say = Callable[[str], None]
Weights = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What heads are fitted to: documents, their streams and, in English, products of style measures (n, k)."""

    corpus: Labelled
    streams: Streams
    products: np.ndarray | None = None
    centre: np.ndarray | None = None
    spread: np.ndarray | None = None

    @property
    def key(self) -> str:
        """Names the documents and the recipe."""
        digest = hashlib.sha256(f"{VERSION} {SEED}".encode())
        for column in ("id", "words", "cell"):
            digest.update("\n".join(map(str, self.corpus.frame[column])).encode())
        return digest.hexdigest()[:16]


def material(frame: pl.DataFrame, *, english: bool) -> Material:
    """The documents of a frame (see labelled.frame) that English, or all other languages, are learned from."""
    corpus = mixtures.pool(frame, english=english, seed=SEED)
    streams = wordstream.streams(corpus.batch, np.arange(len(corpus.frame)))
    if not english:
        return Material(corpus, streams)
    measures = np.nan_to_num(style_measures.measures(corpus.batch).astype(np.float64))
    centre, spread = measures.mean(0), measures.std(0) + 1e-6
    standard = np.clip((measures - centre) / spread, -stylometry.FAR, stylometry.FAR)
    return Material(corpus, streams, stylometry.products(standard), centre, spread)


def fit(given: Material, folder: Path, say: Say, *, english: bool) -> dict[int, Weights]:
    """The weights by fold left out, ALL first; weights that an earlier call saved below the folder are read."""
    folder.mkdir(parents=True, exist_ok=True)
    fit_one = english_heads if english else other_heads
    out = {}
    for fold in (ALL, *range(FOLDS)):
        path = folder / f"{'english' if english else 'others'}_{fold if fold != ALL else 'all'}.safetensors"
        saved = _saved(path, given.key)
        if saved is None:
            saved = fit_one(given, fold)
            save_file(saved, path, {"key": given.key})
            say(f"fitted {path.name}")
        out[fold] = saved
    return out


def english_heads(given: Material, fold: int) -> Weights:
    """recent, earlier, paired (2, 2^18) and the style heads recent_style, earlier_style (k,)."""
    frame, usable, mirror = given.corpus.frame, *_usable(given, fold)
    human = ~given.corpus.machine
    others = usable & ~mirror
    paired = others & ~frame["source"].is_in(MACHINE_ONLY).to_numpy()
    large = Caps(WHOLE, WHOLE, human=mixtures.HUMAN | {"human_web2": 4000})
    out = {}
    for place, (name, mask, caps, views) in enumerate(
        (
            ("recent", usable & (human | mirror), Caps(900, 700, copies=2), 2),
            ("earlier", others, large, 1),
            ("paired", paired, large, 1),
        )
    ):
        rows = mixtures.english_rows(frame, mask, _rng(fold, place, 0), caps)
        chosen = heads.rows_of(frame, rows)
        out[name] = heads.fit_ngrams(given.streams, chosen, _rng(fold, place, 1), views=views)
    assert given.products is not None
    for place, (name, mask) in enumerate((("recent_style", usable & (human | mirror)), ("earlier_style", others)), 3):
        chosen = heads.rows_of(frame, mixtures.english_rows(frame, mask, _rng(fold, place, 0), Caps(2500, 2500)))
        out[name] = heads.fit_style(given.products, chosen)
    return out


def other_heads(given: Material, fold: int) -> Weights:
    """recent and earlier (2, 2^18) for all other languages together: one model ranks each language better than a model
    of its own."""
    frame, usable, mirror = given.corpus.frame, *_usable(given, fold)
    human, out = ~given.corpus.machine, {}
    for place, (name, mask) in enumerate((("recent", usable & (human | mirror)), ("earlier", usable & ~mirror)), 5):
        rows = mixtures.other_rows(frame, mask, _rng(fold, place, 0), most=400, copies=2)
        chosen = heads.rows_of(frame, rows, heads.language_weights(frame, rows))
        numbers = np.unique(frame["language"].to_numpy()[rows], return_inverse=True)[1]
        amount = int(numbers.max(initial=-1)) + 1
        ones = np.ones(len(rows), np.float32)
        languages = csr_matrix((ones, (np.arange(len(rows)), numbers)), shape=(len(rows), amount))
        out[name] = heads.fit_ngrams(
            given.streams, chosen, _rng(fold, place, 1), views=2, extra=languages, by_cells=False
        )
    return out


def learned(given: Material) -> pl.Series:
    """(n,) Boolean: the documents that the shipped models may learn from."""
    return pl.Series(_usable(given, ALL)[0])


def _usable(given: Material, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n,) that a fold's models may learn from, and which rows are mirrors."""
    frame = given.corpus.frame
    usable = mixtures.trainable(frame) & (frame["fold"] != fold).to_numpy()
    return usable, (frame["source"] == MIRRORS).to_numpy()


def _rng(fold: int, head: int, step: int) -> np.random.Generator:
    return np.random.default_rng([SEED, fold + 1, head, step])


def _saved(path: Path, key: str) -> Weights | None:
    if not path.is_file():
        return None
    with safe_open(path, "numpy") as stored:
        if (stored.metadata() or {}).get("key") != key:
            return None
        return {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
