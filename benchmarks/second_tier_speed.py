"""The second tier's throughput beside plain transformers batching of the same texts by the same model, in one run.

    python benchmarks/second_tier_speed.py SOURCES --out benchmarks/results/second_tier_speed.json

CPU seconds, not wall time, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from torch import inference_mode, log_softmax

from auditor.detectors.deep import language_model
from auditor.detectors.training import second_tier
from auditor.detectors.training.data import labelled

DOCUMENTS, PLAIN_ROWS = 24, 8


def plain_batches(opened: language_model._Opened, texts: list[str]) -> np.ndarray:
    """Mean surprisal as a first attempt would compute it: padded batches in the order they come."""
    model, tokeniser = opened.models[0], opened.tokeniser
    tokeniser.pad_token = tokeniser.pad_token or tokeniser.eos_token
    out = []
    with inference_mode():
        for start in range(0, len(texts), PLAIN_ROWS):
            coded = tokeniser(
                texts[start : start + PLAIN_ROWS],
                return_tensors="pt",
                padding=True,
                truncation=True,
                max_length=language_model.TOKENS,
            )
            logits = model(**coded, use_cache=False).logits[:, :-1]
            came = coded["input_ids"][:, 1:, None]
            surprisal = -log_softmax(logits.float(), -1).gather(-1, came)[..., 0]
            mask = coded["attention_mask"][:, 1:]
            out.append(((surprisal * mask).sum(1) / mask.sum(1)).numpy())
    return np.concatenate(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    target = second_tier.sample(labelled.frame(chosen.sources), np.random.default_rng(7), per_class=2)
    texts = language_model.plain([target.batch.document(i) for i in range(DOCUMENTS)])
    opened = language_model.load().open()
    opened.figures(texts[:2])
    plain_batches(opened, texts[:2])
    found = {}
    for name, run in (("auditor, all figures and the state", opened.figures), ("plain batches, surprisal alone", None)):
        began = time.process_time()
        run(texts) if run else plain_batches(opened, texts)
        found[name] = round(DOCUMENTS / (time.process_time() - began), 2)
    result = {"documents": DOCUMENTS, "words": [100, 150], "threads": language_model.threads(), "per_cpu_second": found}
    chosen.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(result)


if __name__ == "__main__":
    main()
