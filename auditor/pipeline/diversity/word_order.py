"""`--profile full`: measures of word order and of documents, of the corpus and its reference, on drawn documents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from auditor import streams
from auditor.estimate.diversity.profile import profile_text, vendi_score
from auditor.estimate.diversity.topics import document_vectors, word_vectors
from auditor.pipeline.diversity.strata import MatchedReference
from auditor.pipeline.diversity.word_sample import WordSample
from auditor.pipeline.run.parts import part_folder
from auditor.pipeline.run.plan import CORPUS, HUMAN, Plan
from auditor.records import Estimate
from auditor.text.arrow import buffers

MOST_TEXTS = 4096


def full_profile(
    run: Path, plan: Plan, drawn: WordSample, gold: MatchedReference, *, seed: int, level: float
) -> dict[str, dict[str, Estimate]]:
    """{corpus, reference}: MATTR, HD-D, compression, self-repetition, distinct-n, Zipf exponent, Vendi score.

    Vendi scores are of hashed words in the leading subspace of both texts together (estimate.topics).
    """
    rows = {"corpus": drawn.of("all", None), "reference": gold.rows.sort("stable_id").head(MOST_TEXTS)}
    rows = {name: each for name, each in rows.items() if each.height}
    if not rows:
        return {}
    tokens = drawn.tokens(pl.concat(rows.values()))
    vectors = document_vectors(word_vectors(tokens.hashes, tokens.offsets), seed=seed)
    out: dict[str, dict[str, Estimate]] = {}
    start = 0
    for name, each in rows.items():
        role = HUMAN if name == "reference" and (each["role"] == HUMAN).all() else CORPUS
        kept, own = drawn.tokens(each), vectors[start : start + each.height]
        found = profile_text(kept.hashes, kept.offsets, _texts(run, plan, role, each), level=level)
        out[name] = found | {"vendi": vendi_score(own, rng=streams.rng(seed, "vendi score"), level=level)}
        start += each.height
    return out


def _texts(run: Path, plan: Plan, role: str, rows: pl.DataFrame) -> np.ndarray:
    """Bytes of the retained texts of these documents: compression reads letters, not words."""
    paths = [part_folder(run, task.key) / "sample.parquet" for task in plan.of_role(role)]
    frames = [pl.read_parquet(path, columns=["stable_id", "text"]) for path in paths if path.exists()]
    if not frames:
        return np.zeros(0, np.uint8)
    texts = pl.concat(frames).join(rows.select("stable_id"), on="stable_id", how="semi").sort("stable_id")
    return buffers(texts.head(MOST_TEXTS)["text"])[0]
