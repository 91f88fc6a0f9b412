"""Collapse of a tiny transformer trained on what the last one wrote: minutes on one thread. Needs torch.

Words of real text; each generation starts from new weights and trains on N words of which a share is human. Early
collapse: the human words seen once or twice that are still there. Late: the entropy of the words and the loss on
human text that was kept aside.

Run: python benchmarks/collapse_transformer.py FOLDER [OUT.md]; FOLDER holds human_dated_gov.parquet. Only figures
stay, with the plot as SVG beside the report.
"""

from __future__ import annotations

import sys
from pathlib import Path

import altair as alt
import polars as pl
import torch
from torch import nn

WIDTH, HEADS, LAYERS, CONTEXT = 48, 4, 2, 24
STEPS, BATCH, WORDS, GENERATIONS, STREAMS = 250, 32, 20_000, 6, 250
SHARES = (0.0, 0.5)
RARE = 2  # occurrences


class Model(nn.Module):
    """A causal transformer over words."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.symbol = nn.Embedding(symbols, WIDTH)
        self.place = nn.Embedding(CONTEXT, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, dropout=0.0, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, symbols)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        length = x.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        hidden = self.symbol(x) + self.place(torch.arange(length))
        return self.head(self.body(hidden, mask=mask, is_causal=True))


def batch(text: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    starts = torch.randint(len(text) - CONTEXT - 1, (BATCH,))
    rows = torch.stack([text[s : s + CONTEXT + 1] for s in starts])
    return rows[:, :-1], rows[:, 1:]


def loss_of(model: Model, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())


def train(text: torch.Tensor, symbols: int) -> Model:
    model = Model(symbols)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    for _ in range(STEPS):
        loss = loss_of(model, *batch(text))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


@torch.no_grad()
def write(model: Model, prompts: torch.Tensor, words: int) -> torch.Tensor:
    """Plain sampling, many streams at once."""
    streams, out = prompts, []
    for _ in range(words // prompts.shape[0] + 1):
        drawn = torch.multinomial(model(streams[:, -CONTEXT:])[:, -1].softmax(-1), 1)
        streams = torch.cat([streams[:, -CONTEXT:], drawn], dim=1)
        out.append(drawn)
    return torch.cat(out, dim=1).flatten()[:words]


def chain(human: torch.Tensor, aside: torch.Tensor, symbols: int, share: float) -> list[dict]:
    """One row of figures per generation, of the text it trains on and the model it makes."""
    known = torch.bincount(human, minlength=symbols)
    rare, kept, text, rows = (known > 0) & (known <= RARE), int(share * WORDS), human, []
    for generation in range(GENERATIONS + 1):
        model = train(text, symbols)
        with torch.no_grad():
            loss = sum(loss_of(model, *batch(aside)).item() for _ in range(20)) / 20
        counts = torch.bincount(text, minlength=symbols)
        p = counts[counts > 0] / counts.sum()
        rows.append(
            {
                "human share": share,
                "generation": generation,
                "words": int((counts > 0).sum()),
                "rare words kept": round(float((counts[rare] > 0).float().mean()), 3),
                "entropy, bits": round(float(-(p * p.log2()).sum()), 2),
                "loss on human text": round(loss, 3),
            }
        )
        print(rows[-1], flush=True)
        prompts = torch.stack([human[i : i + CONTEXT] for i in torch.randint(len(human) - CONTEXT, (STREAMS,))])
        text = torch.cat([human[:kept], write(model, prompts, WORDS - kept)])
    return rows


def read_words(folder: Path) -> tuple[torch.Tensor, torch.Tensor, int]:
    """The human text, text kept aside (of the words that the first knows), and how many words there are."""
    texts = pl.read_parquet(folder / "human_dated_gov.parquet")["text"].head(400)
    whole = " ".join(texts.str.to_lowercase()).split()
    number = {word: i for i, word in enumerate(dict.fromkeys(whole[:WORDS]))}
    aside = [number[word] for word in whole[WORDS : 3 * WORDS] if word in number]
    return torch.tensor([number[word] for word in whole[:WORDS]]), torch.tensor(aside), len(number)


def main(folder: Path, out: Path) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    human, aside, symbols = read_words(folder)
    frame = pl.DataFrame([row for share in SHARES for row in chain(human, aside, symbols, share)])
    heads = frame.columns
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in frame.iter_rows()]
    out.write_text(f"{WORDS:,} words a generation, {symbols:,} different ones\n\n" + "\n".join(lines) + "\n")
    start = pl.col("rare words kept", "entropy, bits", "loss on human text")
    moved = frame.with_columns(start / start.first().over("human share"))
    tall = moved.unpivot(on=heads[3:], index=heads[:2], variable_name="quantity", value_name="kept")
    drawn = alt.Chart(tall).mark_line().properties(width=260, height=160)
    drawn = drawn.encode(
        x="generation:Q", y=alt.Y("kept:Q", title="of the start"), color=alt.Color("quantity:N", title=None)
    )
    drawn.facet(alt.Facet("human share:N"), columns=2).save(str(out.with_suffix(".svg")))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_suffix(".md"))
