"""The language of each document, cheaply: votes of frequent words first, py3langid only where they are unsure.

Identifying every document with py3langid would cost as much as the rest of the audit. Half the tokens of any text
are among its language's few hundred most frequent words, so a naive Bayes vote over the first tokens, on hashes that
exist anyway, settles almost all documents; the rest (scripts without spaces, close relatives such as Danish and
Norwegian, very short texts) go to py3langid, on a prefix.

The word list is learned from wordfreq (Speer 2022) by `python -m auditor.sketch.language`; it holds hashes and
weights only.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from auditor.text.batch import TextBatch
from auditor.text.jit import kernel
from auditor.text.spans import spans

WEIGHTS = Path(__file__).with_name("languages.safetensors")
LANGUAGES = (
    "ar bg bn ca cs da de el en es fa fi fil fr he hi hu id is it lt lv mk ms nb nl pl pt ro ru sh sk sl sv "
    "ta tr uk ur vi"
).split()
WORDS = 400  # a language; more changed no decision on the labelled sources
FIRST = 160  # tokens looked at in a document, at most
STEP = 32  # after this many, check whether more could matter
MARGIN = 12.0  # nats between the best and the second best language; below it py3langid decides,
MARGIN_PER_TOKEN = 0.25  # also below this share: a few English words in a Chinese text are no English text
WRITTEN_ALIKE = {"wuu": "zh", "yue": "zh", "no": "nb", "nn": "nb", "hr": "sh", "sr": "sh", "bs": "sh"}
PREFIX = 600  # characters shown to py3langid
# Scripts that one language writes settle it at once; kana come before the ideographs that Japanese shares.
SCRIPTS = {
    "ja": re.compile(r"[\u3041-\u30ff]"),
    "ko": re.compile(r"[\uac00-\ud7a3]"),
    "th": re.compile(r"[\u0e01-\u0e5b]"),
    "zh": re.compile(r"[\u4e00-\u9fff]"),
}
SCRIPT_SHARE = 0.2
FLOOR = 1e-5  # frequency of a listed word in a language that doesn't list it
SLOTS = 1 << 15


def identify(batch: TextBatch) -> pl.Series:
    """ISO 639-1 codes (n,) of the batch's documents; null where there is no token to judge by."""
    slots, weights = _table()
    best, margin = vote(batch.tokens.hashes, batch.tokens.offsets, slots, weights, FIRST, MARGIN_PER_TOKEN * FIRST)
    names = np.array([*LANGUAGES, None], dtype=object)[best]
    words = batch.tokens.words
    needed = np.maximum(MARGIN, MARGIN_PER_TOKEN * np.minimum(words, FIRST))
    for index in np.flatnonzero((margin < needed) & (words > 0)):
        names[index] = _slowly(batch.document(int(index))[:PREFIX])
    return pl.Series("language", names.tolist(), dtype=pl.String)


@kernel
def vote(hashes, offsets, slots, weights, first, enough):
    """Naive Bayes over the first tokens of each document, or fewer where the margin over the runner-up is enough.

    hashes (t,) uint64, offsets (n+1,), slots (SLOTS,) uint64 open addressing, weights (SLOTS, languages) float32
    -> best (n,) int64, -1 without tokens; margin (n,) float32 over the runner-up
    """
    n, languages = offsets.shape[0] - 1, weights.shape[1]
    best, margin = np.full(n, -1, np.int64), np.zeros(n, np.float32)
    total = np.zeros(languages, np.float32)
    mask = np.uint64(slots.shape[0] - 1)
    for d in range(n):
        total[:] = 0
        t, stop = offsets[d], min(offsets[d + 1], offsets[d] + first)
        while t < stop and margin[d] < enough:
            for h in hashes[t : min(t + STEP, stop)]:
                slot = h & mask
                while slots[slot] != 0 and slots[slot] != h:
                    slot = (slot + np.uint64(1)) & mask
                if slots[slot] != 0:
                    for k in range(languages):
                        total[k] += weights[slot, k]
            t += STEP
            winner, first_score, second_score = 0, np.float32(-1e30), np.float32(-1e30)
            for k in range(languages):
                if total[k] > first_score:
                    winner, second_score, first_score = k, first_score, total[k]
                elif total[k] > second_score:
                    second_score = total[k]
            best[d], margin[d] = winner, first_score - second_score
    return best, margin


def learn() -> dict[str, np.ndarray]:
    """Word hashes (w,) uint64 and log-frequencies (w, languages) float16, from wordfreq."""
    from wordfreq import get_frequency_dict

    tables = [get_frequency_dict(language, "small") for language in LANGUAGES]
    hashes: dict[int, str] = {}
    for table in tables:
        for word in sorted(table, key=lambda w: (-table[w], w))[:WORDS]:
            found = spans(word)
            if len(found) == 1 and not word.isdigit():
                hashes[found[0].hash] = word
    words = [hashes[h] for h in sorted(hashes)]
    weights = np.array([[np.log(max(table.get(word, 0.0), FLOOR) / FLOOR) for table in tables] for word in words])
    return {"hashes": np.array(sorted(hashes), np.uint64), "weights": weights.astype(np.float16)}


@cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    from safetensors.numpy import load_file

    learned = load_file(WEIGHTS)
    slots = np.zeros(SLOTS, np.uint64)
    weights = np.zeros((SLOTS, len(LANGUAGES)), np.float32)
    for key, row in zip(learned["hashes"], learned["weights"], strict=True):
        slot = int(key) & (SLOTS - 1)
        while slots[slot]:
            slot = (slot + 1) & (SLOTS - 1)
        slots[slot], weights[slot] = key, row
    return slots, weights


def _slowly(text: str) -> str:
    for name, script in SCRIPTS.items():
        if len(script.findall(text)) > SCRIPT_SHARE * len(text):
            return name
    import py3langid

    code = py3langid.classify(text)[0]
    return WRITTEN_ALIKE.get(code, code)


if __name__ == "__main__":
    from safetensors.numpy import save_file

    save_file(learn(), WEIGHTS)
