"""Write the sample's machine text with a small language model.

    python -m auditor.sample_data.generate FOLDER_OR_GGUF OUT.jsonl --documents 500

Needs the [lm] extra; run by hand, never when a sample is built. Appends as it goes, so that a stopped run continues
where it was. `machine.keep` removes broken answers afterwards.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from auditor.sample_data.subjects import REQUESTS, SUBJECTS

SHARES = {"encyclopaedic": 0.58, "news": 0.16, "technical": 0.26}
TEMPERATURES = (0.8, 0.9, 1.0)
# Sorting the whole vocabulary for a top-p costs a third of the time with a model this small.
TOP_K = 50
# Without it half of the answers of a model this small end in loops.
REPETITION_PENALTY = 1.1
MAX_NEW_TOKENS = 250
BATCH = 48


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt with the settings it is sent with."""

    genre: str
    prompt: str
    temperature: float


def plan(documents: int, *, seed: int = 7) -> list[Request]:
    """Draw the requests: every genre in its share, no prompt twice while there are new ones, temperatures mixed."""
    rng = np.random.default_rng(seed)
    chosen: list[Request] = []
    for genre, share in SHARES.items():
        pairs = list(product(SUBJECTS[genre], REQUESTS[genre]))
        order = rng.permutation(len(pairs))
        for rank in range(round(documents * share)):
            subject, wording = pairs[order[rank % len(order)]]
            chosen.append(Request(genre, wording.format(subject=subject), float(rng.choice(TEMPERATURES))))
    return [chosen[index] for index in rng.permutation(len(chosen))]


def batches(requests: list[Request]) -> Iterator[list[Request]]:
    """Group requests of one temperature: a batch is sampled with one setting."""
    for temperature in TEMPERATURES:
        same = [request for request in requests if request.temperature == temperature]
        for start in range(0, len(same), BATCH):
            yield same[start : start + BATCH]


def generate(weights: Path, out: Path, *, documents: int, seed: int = 7, threads: int = 1) -> int:
    """Append model answers to `out`, one JSON line each with its prompt and settings; returns how many it holds."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(threads)
    gguf = weights if weights.is_file() else next(weights.glob("*.gguf"))
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32).eval()
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    written = len(out.read_text("utf-8").splitlines()) if out.exists() else 0
    seen = 0
    for number, group in enumerate(batches(plan(documents, seed=seed))):
        seen += len(group)
        if seen <= written:
            continue
        torch.manual_seed(seed * 1000 + number)
        chats = [[{"role": "user", "content": request.prompt}] for request in group]
        prompts = [tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats]
        encoded = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.inference_mode():
            answers = model.generate(
                input_ids=encoded["input_ids"],
                attention_mask=encoded["attention_mask"],
                do_sample=True,
                temperature=group[0].temperature,
                top_k=TOP_K,
                repetition_penalty=REPETITION_PENALTY,
                max_new_tokens=MAX_NEW_TOKENS,
                pad_token_id=tokenizer.pad_token_id,
            )
        texts = tokenizer.batch_decode(answers[:, encoded["input_ids"].shape[1] :], skip_special_tokens=True)
        append(out, gguf.stem, group, texts)
        written = max(written, seen)
    return written


def append(out: Path, writer: str, group: list[Request], texts: list[str]) -> None:
    """Add one batch of answers to the file, whole."""
    lines = [
        json.dumps(
            {
                "writer": writer,
                "genre": request.genre,
                "prompt": request.prompt,
                "temperature": request.temperature,
                "top_k": TOP_K,
                "repetition_penalty": REPETITION_PENALTY,
                "text": text.strip(),
            }
        )
        for request, text in zip(group, texts, strict=True)
    ]
    with out.open("a", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="a GGUF file, or the folder that holds it")
    parser.add_argument("out", type=Path)
    parser.add_argument("--documents", type=int, default=480)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    print(generate(asked.weights, asked.out, documents=asked.documents, seed=asked.seed, threads=asked.threads))


if __name__ == "__main__":
    main()
