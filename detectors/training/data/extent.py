"""How much of a text comes from its human draft: the rows of labelled sources that a model edited, with the extent."""

from __future__ import annotations

import numpy as np
import polars as pl

from auditor.text.batch import TextBatch
from auditor.text.jit import kernel

# Sources whose rows labelled `ai` are rewrites of the human text of the same pair.
REWRITES = ("l2r", "raidar")
MOST_TOKENS = 1500
FEWEST_TOKENS = 20


def edited(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of a frame (see labelled.frame) that edit a human text of the same pair, with `extent` and `kept`.

    extent: share of the text's words that are not in the draft in the same order; kept: share of the draft's words
    that are in the text in the same order
    """
    drafts = frame.filter(pl.col("label") == "human").unique(["source", "pair_id"], keep="first", maintain_order=True)
    rewritten = pl.col("source").is_in(REWRITES) & (pl.col("label") == "ai") & (pl.col("attack") == "none")
    rows = frame.filter((pl.col("label") == "mixed") | rewritten).join(
        drafts.select("source", "pair_id", draft="text"), on=["source", "pair_id"], maintain_order="left"
    )
    shared = common_words(rows["text"], rows["draft"])
    sizes, draft_sizes = (_sizes(rows[name]) for name in ("text", "draft"))
    rows = rows.with_columns(extent=pl.Series(1 - shared / sizes), kept=pl.Series(shared / draft_sizes))
    enough = np.minimum(sizes, draft_sizes) >= FEWEST_TOKENS
    return rows.filter(pl.Series(enough)).drop("draft")


def common_words(texts: pl.Series, others: pl.Series) -> np.ndarray:
    """(n,) float64: length of the longest common subsequence of the word tokens of each text and its counterpart.

    The first MOST_TOKENS of both count. References: Hirschberg 1975 (linear space)
    """
    first, second = (TextBatch.of(each, pl.Series(["en"] * len(each))).tokens for each in (texts, others))
    out = np.zeros(len(texts))
    longest_common(first.hashes, first.offsets, second.hashes, second.offsets, MOST_TOKENS, out)
    return out


def _sizes(texts: pl.Series) -> np.ndarray:
    offsets = TextBatch.of(texts, pl.Series(["en"] * len(texts))).tokens.offsets
    return np.clip(np.diff(offsets), 1, MOST_TOKENS).astype(float)


@kernel
def longest_common(first, first_offsets, second, second_offsets, most, out):
    """first (t,), second (u,) uint64 tokens, offsets (n+1,) of both -> out (n,): common subsequences' lengths."""
    row = np.zeros(most + 1, np.int64)
    for d in range(out.shape[0]):
        a = first[first_offsets[d] : min(first_offsets[d + 1], first_offsets[d] + most)]
        b = second[second_offsets[d] : min(second_offsets[d + 1], second_offsets[d] + most)]
        row[: b.size + 1] = 0
        for i in range(a.size):
            diagonal = np.int64(0)
            for j in range(b.size):
                above = row[j + 1]
                row[j + 1] = diagonal + 1 if a[i] == b[j] else max(above, row[j])
                diagonal = above
        out[d] = row[b.size]
