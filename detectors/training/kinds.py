"""Learns the kinds of text from human text, without labels or scores: tf-idf of content words, SVD, k-means."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import save
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from auditor.detectors.first import kinds
from auditor.detectors.first.kinds import BITS, CARD, FILE, Kinds, LanguageKinds
from auditor.detectors.interface import UNSPACED
from auditor.detectors.training.data import mixtures
from auditor.detectors.training.data.labelled import Labelled
from auditor.text.batch import TextBatch
from auditor.text.jit import kernel
from auditor.text.spans import Span, spans

SEED = 0
ENGLISH_KINDS, ENGLISH_SIZE, ENGLISH_COLUMNS, ENGLISH_CAP = 40, 48, 8192, 300
OTHER_SIZE, OTHER_COLUMNS, OTHER_CAP = 24, 3072, 400
DOCUMENTS_A_KIND, FEWEST_KINDS, MOST_KINDS = 120, 4, 10  # in other languages
FEWEST = 150  # documents, below which a language is one kind
RAREST, FEWEST_DOCUMENTS = 0.0003, 4  # share and number of documents that a content word occurs in
COMMONEST = {"en": 0.08, "": 0.12}
NAMING = 400  # documents of a kind that its name is chosen from
WORDS = 3
CLEAR = 0.7  # share of the occurrences at a table position that a word needs to name a kind


def learn_all(frame: pl.DataFrame) -> Kinds:
    """The kinds of every language from the licensed human text of labelled documents (see labelled.frame)."""
    human = frame.filter((pl.col("label") == "human") & pl.col("licensed"))
    models = {}
    with threadpool_limits(1):  # sums in one order, so that a rebuild has the same bits
        for english in (True, False):
            corpus = mixtures.pool(human, english=english, seed=SEED)
            for language in sorted(set(corpus.frame["language"])):
                models[language] = learn(corpus, language)
    return Kinds(models)


def learn(corpus: Labelled, language: str) -> LanguageKinds:
    """The kinds of a language from its licensed human documents, capped by cell."""
    english = language == "en"
    human = corpus.frame.filter((pl.col("language") == language) & (pl.col("label") == "human") & pl.col("licensed"))
    human = human.filter(pl.Series(mixtures.balanced(human, ENGLISH_CAP if english else OTHER_CAP)))
    rows, pairs = human["row"].to_numpy().astype(np.int64), language in UNSPACED
    counts = content_matrix(corpus.batch, rows, pairs)
    most_kinds = ENGLISH_KINDS if english else MOST_KINDS
    amount = int(np.clip(len(rows) // DOCUMENTS_A_KIND, FEWEST_KINDS, most_kinds))
    size = ENGLISH_SIZE if english else OTHER_SIZE
    if len(rows) < FEWEST or len(content_columns(counts, COMMONEST.get(language, COMMONEST[""]))) < size:
        empty = np.zeros(0, np.uint32), np.zeros((0, 1), np.int8), np.ones((1, 1), np.float32)
        return LanguageKinds((f"{language}/all",), *empty, pairs)
    columns, directions = directions_of(counts, COMMONEST.get(language, COMMONEST[""]), size)
    columns, directions = most_telling(counts, columns, directions, ENGLISH_COLUMNS if english else OTHER_COLUMNS)
    positions = _unit(_logarithmic(counts[:, columns]) @ directions.astype(np.float32))
    clusters = KMeans(amount, n_init=4, random_state=SEED).fit(positions)
    centres = _unit(clusters.cluster_centers_).astype(np.float32)
    nearest = np.argmax(positions @ centres.T, 1)
    names = names_of(corpus, rows, counts[:, columns], columns, nearest, amount, language)
    return LanguageKinds(names, columns.astype(np.uint32), directions, centres, pairs)


def directions_of(counts: csr_matrix, commonest: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns (c,), see content_columns, and their directions (c, size), idf folded in."""
    n, documents = counts.shape[0], counts.getnnz(0)
    columns = content_columns(counts, commonest)
    idf = (np.log((1 + n) / (1 + documents[columns])) + 1).astype(np.float32)
    weighted = _logarithmic(counts[:, columns]).multiply(idf).tocsr()
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel()) + 1e-9
    weighted.data /= np.repeat(length, np.diff(weighted.indptr)).astype(np.float32)
    _, _, directions = randomized_svd(weighted, size, random_state=SEED, n_iter=4)
    return columns, directions.T * idf[:, None]


def content_columns(counts: csr_matrix, commonest: float) -> np.ndarray:
    """Columns (c,) of counts (n, k) that are neither in too many documents nor in too few."""
    n, documents = counts.shape[0], counts.getnnz(0)
    return np.flatnonzero((documents < commonest * n) & (documents > max(RAREST * n, FEWEST_DOCUMENTS - 1)))


def most_telling(
    counts: csr_matrix, columns: np.ndarray, directions: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """The most informative columns, ascending, and their directions as int8."""
    carried = np.sqrt(counts.getnnz(0)[columns]) * np.linalg.norm(directions, axis=1)
    keep = np.sort(np.argsort(-carried, kind="stable")[:most])
    scale = np.abs(directions[keep]).max() / 127
    return columns[keep], np.round(directions[keep] / scale).astype(np.int8)


def content_matrix(batch: TextBatch, rows: np.ndarray, pairs: bool) -> csr_matrix:
    """(n, 2^18) float32: counts of content words of chosen documents."""
    room = int((batch.tokens.offsets[rows + 1] - batch.tokens.offsets[rows]).sum())
    places, ends = np.empty(room, np.uint32), np.zeros(len(rows) + 1, np.int64)
    tokens = batch.tokens.hashes, batch.tokens.bounds, batch.tokens.offsets
    used = all_content_words(tokens, rows, pairs, places, ends)
    ones = np.ones(used, np.float32)
    out = csr_matrix((ones, places[:used].astype(np.int32), ends), shape=(len(rows), 1 << BITS))
    out.sum_duplicates()
    return out


@kernel
def all_content_words(tokens, rows, pairs, places, ends):
    """tokens: hashes bounds offsets; rows (n,) -> places (p,) uint32, ends (n+1,)."""
    hashes, bounds, offsets = tokens
    used = 0
    for d in range(rows.shape[0]):
        own = slice(offsets[rows[d]], offsets[rows[d] + 1])
        used += kinds.content_words(hashes[own], bounds[own], pairs, places[used:])
        ends[d + 1] = used
    return used


def names_of(
    corpus: Labelled,
    rows: np.ndarray,
    counts: csr_matrix,
    columns: np.ndarray,
    nearest: np.ndarray,
    amount: int,
    language: str,
) -> tuple[str, ...]:
    """LANGUAGE/word-word-word of each kind: words in many of its documents and in few others; names are distinct."""
    present = (counts > 0).astype(np.float32)
    inside = np.stack([np.asarray(present[nearest == k].mean(0)).ravel() for k in range(amount)])
    telling = inside * np.log((inside + 0.002) / (inside.sum(0) - inside + 0.002 * amount) * amount)
    place_words = _words_of_places(corpus, rows, nearest, amount, language in UNSPACED)
    names: list[str] = []
    for k in range(amount):
        words: list[str] = []
        for column in np.argsort(-telling[k], kind="stable"):
            word = place_words.get(int(columns[column]))
            if word and not any(word[:4] == other[:4] for other in words):
                words.append(word)
            if len(words) >= WORDS and f"{language}/{'-'.join(words[:WORDS])}" not in names:
                break
            if len(words) > WORDS:
                words.pop(WORDS - 1)
        names.append(f"{language}/{'-'.join(words[:WORDS])}")
    assert len(set(names)) == amount
    return tuple(names)


def _words_of_places(
    corpus: Labelled, rows: np.ndarray, nearest: np.ndarray, amount: int, pairs: bool
) -> dict[int, str]:
    """The most frequent content word at each place of the table, in some documents of each kind."""
    found: dict[int, Counter[str]] = {}
    chosen = np.concatenate([np.flatnonzero(nearest == k)[:NAMING] for k in range(amount)])
    for row in rows[chosen]:
        for place, word in _content_spans(spans(corpus.batch.document(int(row))[: kinds.READ_BYTES]), pairs):
            found.setdefault(place, Counter())[word] += 1
    best = {place: words.most_common(1)[0] for place, words in found.items()}
    return {place: word for place, (word, n) in best.items() if word.isalpha() and n > CLEAR * found[place].total()}


def _content_spans(tokens: list[Span], pairs: bool) -> list[tuple[int, str]]:
    mask, shift = (1 << 64) - 1, 64 - BITS
    if not pairs:
        return [(t.hash >> shift, t.word) for t in tokens if len(t.word.encode()) >= 4]
    out = []
    for before, token in pairwise(tokens):
        h = ((token.hash * int(kinds.PRIME) & mask) ^ before.hash) * int(kinds.SPREAD) & mask
        together = before.word + token.word if before.end == token.start else " "
        out.append((h >> shift, together))
    return out


def write(model: Kinds, out: Path) -> list[Path]:
    """kinds.safetensors and kinds.json below a folder."""
    tensors = {
        f"{language}_{part}": np.ascontiguousarray(getattr(own, part))
        for language, own in model.languages.items()
        for part in ("columns", "directions", "centres")
    }
    (out / FILE).write_bytes(save(tensors))
    names = {language: list(own.names) for language, own in model.languages.items()}
    card = {"version": "1", "seed": SEED, "languages": names}
    (out / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return [out / FILE, out / CARD]


def _logarithmic(counts: csr_matrix) -> csr_matrix:
    out = counts.astype(np.float32)
    out.data = 1 + np.log(out.data)
    return out


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9)
