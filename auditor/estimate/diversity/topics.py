"""Topics: documents grouped by the words they use, so that lost topics can be counted and named.

Hashed words with tf-idf weights (Salton & Buckley 1988), their leading subspace by a randomised range finder
(Halko, Martinsson & Tropp 2011, SIAM Review 53:217, alg. 4.4), k-means++ (Arthur & Vassilvitskii 2007) in it.
scikit-learn's k-means finds no better topics, and importing it takes most of a second.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.cluster.vq import kmeans2
from scipy.sparse import csr_array

from auditor import streams
from auditor.estimate.diversity.spectrum import Cells
from auditor.run_columns import GROUPS, NO_SCORE

COLUMNS, DIMENSIONS = 1 << 12, 32
TOPICS, PER_TOPIC = 32, 25  # the most topics, and the fewest documents of a topic on average
LEAST_DOCUMENTS = 200
STARTS, ROUNDS = 3, 30  # of k-means; the best one is taken
COMMON = 0.5  # a word in this share of the documents says nothing about any of them
NAMES = 3


def word_vectors(hashes: np.ndarray, offsets: np.ndarray) -> csr_array:
    """(n, COLUMNS) hashed words of each document, tf-idf, of length 1."""
    n, lengths = len(offsets) - 1, np.diff(offsets)
    column = (hashes & np.uint64(COLUMNS - 1)).astype(np.int32)
    counts = csr_array((np.ones(len(column), np.float32), (np.repeat(np.arange(n), lengths), column)), (n, COLUMNS))
    counts.sum_duplicates()
    held = np.bincount(counts.indices, minlength=COLUMNS)
    weight = np.where(held <= COMMON * n, np.log((1.0 + n) / (1.0 + held)), 0.0)
    values = (1.0 + np.log(counts.data)) * weight[counts.indices]
    norm = np.sqrt(np.bincount(np.repeat(np.arange(n), np.diff(counts.indptr)), values**2, n))
    values /= np.repeat(np.maximum(norm, 1e-12), np.diff(counts.indptr))
    return csr_array((values.astype(np.float32), counts.indices, counts.indptr), (n, COLUMNS))


def document_vectors(words: csr_array, *, seed: int) -> np.ndarray:
    """(n, DIMENSIONS) documents in the leading subspace of their words, of length 1."""
    draws = streams.rng(seed, "topic vectors").standard_normal((words.shape[1], DIMENSIONS), np.float32)
    basis = _orthogonal(words @ draws)
    basis = _orthogonal(words @ _orthogonal(words.T @ basis))
    found = words @ _orthogonal(words.T @ basis)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def _orthogonal(columns: np.ndarray) -> np.ndarray:
    """An orthonormal basis of tall columns by their small Gram matrix: a tenth of the time of LAPACK's QR."""
    columns = columns.astype(float)
    values, vectors = np.linalg.eigh(columns.T @ columns)
    kept = values > values.max(initial=0.0) * 1e-10  # of no columns too
    return columns @ (vectors[:, kept] / np.sqrt(values[kept]))


def find_topics(vectors: np.ndarray, *, seed: int) -> np.ndarray:
    """(n,) topic of each document, numbered by size; as many as the number of documents allows."""
    count, rng = min(TOPICS, len(vectors) // PER_TOPIC), streams.rng(seed, "topics")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a topic needs a document
        fits = [kmeans2(vectors, count, iter=ROUNDS, minit="++", rng=rng) for _ in range(STARTS)]
    labels = fits[np.argmin([((vectors - centres[label]) ** 2).sum() for centres, label in fits])][1]
    sizes = np.bincount(labels, minlength=count)
    rank = np.empty(count, np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(count)
    return rank[labels]


def name_topics(topic: np.ndarray, document: np.ndarray, word: np.ndarray, names: list[str]) -> list[str]:
    """What each topic is about: the words whose share of its documents differs most from elsewhere.

    Parameters: topic (n,); document, word (pairs,): which of the named words is in which document
    """
    count, n = int(topic.max(initial=-1)) + 1, len(topic)
    stands = csr_array((np.ones(len(word), np.float32), (document, word)), (n, len(names)))
    stands.sum_duplicates()
    stands.data[:] = 1.0
    member = csr_array((np.ones(n, np.float32), (topic, np.arange(n))), (count, n))
    held = (member @ stands).toarray()
    sizes = np.bincount(topic, minlength=count)
    share, overall = held / np.maximum(sizes, 1)[:, None], held.sum(0) / max(n, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(held > 1, share * np.log(share / overall), 0.0)
    best = np.argsort(-score, axis=1, kind="stable")[:, :NAMES]
    return [", ".join(names[w] for w in row if score[t, w] > 0) or f"topic {t + 1}" for t, row in enumerate(best)]


def topic_cells(topic: np.ndarray, group: np.ndarray, bin: np.ndarray) -> Cells:
    """Documents as a spectrum whose types are topics: every measure of diversity reads it."""
    place = (topic.astype(np.int64) * GROUPS + group) * (NO_SCORE + 1) + bin
    cell, count = np.unique(place, return_counts=True)
    rest, bins = np.divmod(cell, NO_SCORE + 1)
    types, index = np.unique(rest // GROUPS, return_inverse=True)
    totals = np.zeros((NO_SCORE + 1, GROUPS))
    np.add.at(totals, (bins, rest % GROUPS), count)
    held = count.astype(float)
    return Cells(
        types.astype(np.uint64), np.ones(len(types), bool), index, rest % GROUPS, bins, held, held, totals, totals, 1.0
    )
