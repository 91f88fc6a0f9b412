"""Losses through language models: known truth with an n-gram model, and SmolLM2 at low temperature.

python -m benchmarks.diversity_models ngram DATA                top-p samples of a bigram model of human text, true loss
python -m benchmarks.diversity_models generate DATA OUT GGUF    SmolLM2 goes on from human openings (needs [lm])
python -m benchmarks.diversity_models smollm2 OUT               what its outputs lost, by temperature
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

from auditor.estimate.diversity import equations
from auditor.estimate.diversity.lost import UNIT, Bodies, lost_diversity, lost_in
from auditor.estimate.diversity.spectrum import Body, Spectrum
from auditor.pipeline.diversity.exact_counts import count_documents
from auditor.text.batch import TextBatch
from auditor.text.tokens import Tokens

RESULTS = Path(__file__).parent / "results"
LENGTH = 250  # tokens of a simulated document
LARGE = 4_000  # documents that the truth is read from
DOCUMENTS = 400
BATCH, OPENING, NEW = 24, 16, 120


class Bigrams:
    """A bigram model with a fifth of its mass from single words; `keep` is the top-p of decoding, 1 for none."""

    def __init__(self, tokens: Tokens) -> None:
        self.types, code = np.unique(tokens.hashes, return_inverse=True)
        first = code[:-1] * np.int64(len(self.types)) + code[1:]
        pairs, count = np.unique(first, return_counts=True)
        self.context, self.next = np.divmod(pairs, len(self.types))
        self.start = np.searchsorted(self.context, np.arange(len(self.types) + 1))
        self.count, self.single = count.astype(float), np.bincount(code).astype(float)

    def write(self, documents: int, keep: float, rng: np.random.Generator) -> Tokens:
        """Documents of LENGTH tokens, all written at once, a word at a time."""
        order, edges = self._decoding(keep)
        by_count = np.argsort(-self.single, kind="stable")
        mass = np.cumsum(self.single[by_count]) / self.single.sum()
        out = np.empty((documents, LENGTH), np.int64)
        now = by_count[np.searchsorted(mass, rng.random(documents) * min(keep, 1.0))]
        for at in range(LENGTH):
            out[:, at] = now
            low, high = edges[self.start[now]], edges[self.start[now + 1]]
            drawn = np.searchsorted(edges, low + rng.random(documents) * (high - low), side="right") - 1
            after = self.next[order[np.minimum(drawn, len(order) - 1)]]
            alone = (rng.random(documents) < 0.2) | (high <= low)
            now = np.where(alone, by_count[np.searchsorted(mass, rng.random(documents) * min(keep, 1.0))], after)
        return Tokens(self.types[out.reshape(-1)], np.arange(documents + 1) * LENGTH, np.zeros(documents, np.int64))

    def _decoding(self, keep: float) -> tuple[np.ndarray, np.ndarray]:
        """Pairs by context and falling count, and the edges of their mass: none beyond the top-p of a context."""
        order = np.lexsort((-self.count, self.context))
        count = self.count[order]
        before = np.concatenate([[0.0], np.cumsum(count)])
        held = before[:-1] - before[self.start][self.context[order]]
        whole = (before[self.start[1:]] - before[self.start[:-1]])[self.context[order]]
        kept = np.where(held < keep * whole, count, 0.0)
        return order, np.concatenate([[0.0], np.cumsum(kept)])


def ngram(folder: str, repeats: int = 12) -> pl.DataFrame:
    """The reference is the model's own untruncated text, so that the true loss is known as exactly as one samples."""
    human = pl.read_parquet(f"{folder}/l2r.parquet").filter(pl.col("label") == "human").unique("text").sort("text")
    model, rng = Bigrams(TextBatch.of(human["text"]).tokens), np.random.default_rng(5)
    whole = _body(model.write(LARGE, 1.0, rng), rng)
    rows = []
    for keep in (0.9,):
        for share in (0.0, 0.5, 1.0):
            large = _mixed(model, LARGE, share, keep, rng)
            found = [
                lost_diversity_of(
                    _mixed(model, DOCUMENTS, share, keep, rng), _body(model.write(DOCUMENTS, 1.0, rng), rng)
                )
                for _ in range(repeats)
            ]
            for level in ("word", "bigram"):
                for order in (0, 1, 2):
                    each = [getattr(loss[level], f"q{order}") for loss in found]
                    true = [_true(large, whole, level, order, _coverage(e.method)) for e in each]
                    inside = [e.lower <= t <= e.upper for e, t in zip(each, true, strict=True)]
                    rows.append(
                        {
                            "top_p": keep,
                            "share": share,
                            "level": level,
                            "q": order,
                            "true": float(np.mean(true)),
                            "found": float(np.mean([e.value for e in each])),
                            "covered": float(np.mean(inside)),
                        }
                    )
    return pl.DataFrame(rows)


def lost_diversity_of(shard: Body, reference: Body) -> dict:
    codes = {"word": 1, "bigram": 2}
    return {name: lost_in(Bodies(shard.whole(code), reference.whole(code))) for name, code in codes.items()}


def _mixed(model: Bigrams, documents: int, share: float, keep: float, rng: np.random.Generator) -> Body:
    cut = round(share * documents)
    parts = [model.write(n, p, rng) for n, p in ((documents - cut, 1.0), (cut, keep)) if n]
    hashes = np.concatenate([part.hashes for part in parts])
    return _body(Tokens(hashes, np.arange(documents + 1) * LENGTH, np.zeros(documents, np.int64)), rng)


def _body(tokens: Tokens, rng: np.random.Generator) -> Body:
    documents = len(tokens.words)
    return count_documents(tokens, rng.permutation(documents) % 32, np.full(documents, 255))


def _true(shard: Body, whole: Body, level: str, order: int, coverage: float) -> float:
    code = {"word": 1, "bigram": 2}[level]

    def diversity(spectrum: Spectrum) -> float:
        seen = UNIT[order](spectrum).frequencies()
        return equations.HILL[order](seen, equations.size_at(seen, coverage))

    return 1.0 - diversity(shard.whole(code)) / diversity(whole.whole(code))


def _coverage(method: str) -> float:
    return float(method.split("coverage ")[1].split(",")[0])


def generate(folder: str, out: str, gguf: str, seconds: float = 700.0) -> None:
    """Continuations of human openings at two temperatures, in turn, until the CPU seconds are spent."""
    import time

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    torch.manual_seed(0)
    path = Path(gguf)
    tokeniser = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    human = pl.read_parquet(f"{folder}/l2r.parquet").filter(pl.col("label") == "human").unique("text").sort("text")
    texts = human["text"].shuffle(seed=7).to_list()
    rows, started = [], time.process_time()
    for first in range(0, len(texts), BATCH):
        openings = [" ".join(text.split()[:OPENING]) for text in texts[first : first + BATCH]]
        rows += [{"who": "people", "text": " ".join(t.split()[OPENING:])} for t in texts[first : first + BATCH]]
        for warmth in (1.0, 0.3):
            tokens = tokeniser(openings, return_tensors="pt", padding=True)
            written = model.generate(
                **tokens, max_new_tokens=NEW, do_sample=True, temperature=warmth, top_k=0, top_p=1.0
            )
            kept = written[:, tokens["input_ids"].shape[1] :]
            rows += [{"who": f"temperature {warmth}", "text": t} for t in tokeniser.batch_decode(kept, True)]
        pl.DataFrame(rows).write_parquet(out)
        if time.process_time() - started > seconds:
            return


def smollm2(out: str) -> pl.DataFrame:
    """Against the model's own text at temperature 1, and against people's continuations of other openings."""
    texts, rng, rows = pl.read_parquet(out), np.random.default_rng(1), []
    bodies = {who: _body(TextBatch.of(own["text"]).tokens, rng) for (who,), own in texts.group_by("who")}
    for shard, reference in (
        ("temperature 0.3", "temperature 1.0"),
        ("temperature 0.3", "people"),
        ("temperature 1.0", "people"),
    ):
        loss = lost_diversity(bodies[shard], bodies[reference])
        row = {"text": shard, "against": reference, "tokens": bodies[shard].tokens}
        for level, found in {"word": loss.words, **loss.levels}.items():
            row |= {f"{level} q{q}": _said(getattr(found, f"q{q}")) for q in (0, 1, 2)}
        rows.append(row | {"tail": _said(loss.tail_retention)})
    return pl.DataFrame(rows)


def _said(e) -> str:
    return f"{100 * e.value:.1f} [{100 * e.lower:.1f}, {100 * e.upper:.1f}]" if e.is_number else "-"


if __name__ == "__main__":
    study, *given = sys.argv[1:]
    if study == "generate":
        generate(*given)
    else:
        table = {"ngram": ngram, "smollm2": smollm2}[study](*given)
        table.write_csv(RESULTS / f"diversity_{study}.csv", float_precision=4)
        with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=240):
            print(table)
