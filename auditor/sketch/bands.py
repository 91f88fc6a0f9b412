"""Bands of a signature: documents that agree in a whole band are candidates for near-duplicates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor.errors import ConfigError
from auditor.run_columns import BANDS
from auditor.sketch.minhash import PERMUTATIONS, signed
from auditor.text.jit import kernel
from auditor.text.tokens import mix

RECALL = 0.97
STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class LshParameters:
    """How signatures are cut: bands x rows <= permutations; what a pair of a given Jaccard may expect of it.

    recall is the chance that a pair one standard deviation of the estimator above the threshold becomes a candidate.
    """

    threshold: float
    permutations: int
    bands: int
    rows: int

    @property
    def deviation(self) -> float:
        """sd of the estimated Jaccard at the threshold, sqrt(J (1 - J) / K)."""
        return (self.threshold * (1 - self.threshold) / self.permutations) ** 0.5

    @property
    def recall(self) -> float:
        """Chance (0 to 1) that a pair one deviation above the threshold becomes a candidate."""
        return float(candidate_probability(self.threshold + self.deviation, self.bands, self.rows))

    def s_curve(self, points: int = 101) -> pl.DataFrame:
        """P(candidate) by Jaccard, for the report: columns jaccard, probability."""
        jaccard = np.linspace(0, 1, points)
        return pl.DataFrame({"jaccard": jaccard, "probability": candidate_probability(jaccard, self.bands, self.rows)})

    def hashes(self, signatures: np.ndarray) -> np.ndarray:
        """`band_hashes` under these parameters: how clustering, which does not know sketches, finds the buckets
        again."""
        return band_hashes(signatures, self)

    def as_dict(self) -> dict[str, float | int]:
        """What must be equal in two runs for their bands to be comparable."""
        return {"threshold": self.threshold, "bands": self.bands, "rows": self.rows}


def candidate_probability(jaccard: np.ndarray | float, bands: int, rows: int) -> np.ndarray:
    """P(two documents share a band) = 1 - (1 - J^r)^b.

    References: Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, section 3.4.2
    """
    return 1 - (1 - np.asarray(jaccard, float) ** rows) ** bands


def parameters(threshold: float = 0.8, permutations: int = PERMUTATIONS) -> LshParameters:
    """Bands and rows for a threshold: the largest r whose recall at threshold + 1 sd reaches .97, then all bands of K.

    Recall comes first because verification restores precision. datasketch's own rule (equal areas of error) gives
    9 x 13 for .8 and 128, which finds .60 of the pairs one sd above the threshold; this one gives 16 x 8 and .987.

    Raises: ConfigError when the threshold is outside (0, 1) or there are fewer than two permutations
    """
    if not 0 < threshold < 1:
        raise ConfigError(f"near-duplicate threshold {threshold} is not between 0 and 1: give a Jaccard such as 0.8")
    if permutations < 2:
        raise ConfigError(f"{permutations} permutations cannot be cut into bands: give at least 2, such as 128")
    found = LshParameters(threshold, permutations, permutations, 1)
    for rows in range(2, permutations // 2 + 1):  # at least two bands: datasketch's index needs them
        cut = LshParameters(threshold, permutations, permutations // rows, rows)
        found = cut if cut.recall >= RECALL else found
    if found.bands > 256:
        raise ConfigError(f"threshold {threshold} with {permutations} permutations needs {found.bands} bands, over 256")
    return found


def band_hashes(signatures: np.ndarray, parameters: LshParameters) -> np.ndarray:
    """One 64-bit hash per band: (n, k) uint32 -> (n, bands) uint64; the band's number is part of the hash.

    Rows of documents without a signature are meaningless: `band_frame` leaves them out.
    """
    out = np.empty((len(signatures), parameters.bands), np.uint64)
    _fold(np.ascontiguousarray(signatures), parameters.rows, out)
    return out


def band_frame(documents: np.ndarray, signatures: np.ndarray, parameters: LshParameters) -> pl.DataFrame:
    """The rows (band, hash, document) of the signed documents, ordered by band and hash: one part of a shard.

    Parameters: documents (n,) uint64 stable ids; signatures (n, k) uint32
    """
    has = np.flatnonzero(signed(signatures))
    has = has[np.argsort(documents[has], kind="stable")]
    documents = documents[has].astype(np.uint64)
    hashes = np.ascontiguousarray(band_hashes(signatures[has], parameters).T)
    # The last bits of what is sorted hold a row's position. This takes a fifth of the time of a stable sort of the
    # hashes, and gives the same order except where hashes agree in all other bits.
    low = np.uint64((1 << max(len(documents) - 1, 1).bit_length()) - 1)
    order = (np.sort((hashes & ~low) | np.arange(len(documents), dtype=np.uint64), axis=1) & low).astype(np.intp)
    columns = {
        "band": np.repeat(np.arange(len(hashes), dtype=np.uint8), len(documents)),
        "hash": np.take_along_axis(hashes, order, axis=1).ravel(),
        "document": documents[order].ravel(),
    }
    return pl.DataFrame(columns, schema=BANDS)


@kernel
def _fold(signatures, rows, out):
    """signatures (n, k) uint32, rows -> out (n, b) uint64."""
    for d in range(out.shape[0]):
        for band in range(out.shape[1]):
            h = mix(np.uint64(band + 1) * STEP)
            for k in range(band * rows, (band + 1) * rows):
                h = (h ^ np.uint64(signatures[d, k])) * STEP
                h ^= h >> np.uint64(32)
            out[d, band] = mix(h)
