"""Generated corpora of token sequences with known clusters, and the whole of clustering in one call."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from auditor.neardup.cluster import MEMORY, Clusters, gather_candidates, settle
from auditor.neardup.stars import exact_duplicates, stars
from auditor.sketch.bands import LshParameters, band_frame, parameters
from auditor.sketch.minhash import permutations, shingle_set, signatures
from auditor.text.tokens import Tokens

PERMUTED = permutations()
LSH = parameters(0.8)


class Corpus:
    """Documents as token hashes: ids, signatures, bands, shingle sets and content hashes."""

    def __init__(self, documents: list[np.ndarray], ids: np.ndarray) -> None:
        offsets = np.cumsum([0, *map(len, documents)]).astype(np.int64)
        self.tokens = Tokens(np.concatenate([np.empty(0, np.uint64), *documents]), offsets, np.diff(offsets))
        self.ids = ids.astype(np.uint64)
        self.rows = {int(d): i for i, d in enumerate(self.ids)}
        self.signatures = signatures(self.tokens, PERMUTED)
        self.sets = [set(shingle_set(self.tokens, i).tolist()) for i in range(len(documents))]
        keys = [hash(d.tobytes()) & (2**63 - 1) for d in documents]
        self.content = pl.DataFrame(
            {"content_1": keys, "content_2": keys, "document": self.ids},
            schema={"content_1": pl.UInt64, "content_2": pl.UInt64, "document": pl.UInt64},
        ).filter(np.diff(offsets) > 0)

    def jaccard(self, left: int, right: int) -> float:
        a, b = self.sets[self.rows[int(left)]], self.sets[self.rows[int(right)]]
        return len(a & b) / len(a | b) if a | b else float("nan")

    def exact(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.array([self.jaccard(a, b) for a, b in zip(left, right, strict=True)], float)

    def taken(self, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.ids[order], self.signatures[order]


def edited(base: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A copy with that share of its tokens replaced."""
    out = base.copy()
    places = rng.random(len(base)) < share
    out[places] = rng.integers(0, 1 << 62, places.sum(), np.uint64)
    return out


def families(seed: int, groups: int, most: int = 6) -> Corpus:
    """Groups of copies of one text with 0 to 10% of their tokens replaced, some of them exact, in random order."""
    rng = np.random.default_rng(seed)
    documents = []
    for _ in range(groups):
        base = rng.integers(0, 1 << 62, rng.integers(1, 120), np.uint64)
        documents += [edited(base, rng.choice([0, 0.01, 0.03, 0.1]), rng) for _ in range(rng.integers(1, most))]
    ids = rng.choice(1 << 40, len(documents), replace=False)
    return Corpus(documents, ids)


def clustered(
    corpus: Corpus,
    *,
    lsh: LshParameters = LSH,
    exact: Callable | None = None,
    parts: int = 1,
    order: np.ndarray | None = None,
    limit: int = MEMORY,
    scratch: Path | None = None,
) -> Clusters:
    """All steps: bands in `parts` partitions, documents in `order`."""
    order = np.arange(len(corpus.ids)) if order is None else order
    duplicates = exact_duplicates(corpus.content.sample(fraction=1, shuffle=True, seed=1))
    copies = duplicates["document"].to_numpy()
    bands = band_frame(*corpus.taken(order), lsh).sample(fraction=1, shuffle=True, seed=parts)
    partitions = [bands.filter(pl.col("hash") % parts == i) for i in range(parts)]
    edges = [stars(part, without=copies).lazy() for part in partitions]
    batches = [corpus.taken(chunk) for chunk in np.array_split(order, parts)]
    found = gather_candidates(edges, batches, lsh, limit=limit, scratch=scratch)
    return settle(found, duplicates, exact=exact)
