"""Collapse of a tiny transformer trained on what the last one wrote: minutes on a CPU. Needs torch.

Characters of real text; each generation starts from new weights and trains on N characters of which a share is human.
Early collapse: fewer different words and rare words; late: the loss on human text that was kept aside.

Run: python benchmarks/collapse_transformer.py FOLDER [OUT.md]; FOLDER holds human_dated_gov.parquet. Only figures stay.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import torch
from torch import nn

WIDTH, HEADS, LAYERS, CONTEXT = 96, 4, 2, 64
STEPS, BATCH, CHARACTERS, GENERATIONS = 400, 32, 60_000, 6


class Model(nn.Module):
    """A causal transformer over characters."""

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
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(STEPS):
        loss = loss_of(model, *batch(text))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


@torch.no_grad()
def write(model: Model, prompts: torch.Tensor, characters: int) -> torch.Tensor:
    """Plain sampling, many streams at once."""
    streams = prompts
    out = []
    for _ in range(characters // prompts.shape[0] + 1):
        drawn = torch.multinomial(model(streams[:, -CONTEXT:])[:, -1].softmax(-1), 1)
        streams = torch.cat([streams[:, -CONTEXT:], drawn], dim=1)
        out.append(drawn)
    return torch.cat(out, dim=1).flatten()[:characters]


def words(text: torch.Tensor, letters: str) -> set[str]:
    return set("".join(letters[i] for i in text.tolist()).split())


def chain(human: torch.Tensor, aside: torch.Tensor, letters: str, share: float) -> list[str]:
    """One line of figures per generation."""
    known, rows = words(human, letters), []
    kept = int(share * CHARACTERS)
    text = human
    for generation in range(GENERATIONS + 1):
        model = train(text, len(letters))
        with torch.no_grad():
            loss = sum(loss_of(model, *batch(aside)).item() for _ in range(20)) / 20
        found = words(text, letters)
        rows.append(f"| {share} | {generation} | {len(found)} | {len(found & known) / len(known):.3f} | {loss:.3f} |")
        print(rows[-1], flush=True)
        prompts = torch.stack([human[i : i + CONTEXT] for i in torch.randint(len(human) - CONTEXT, (200,))])
        text = torch.cat([human[:kept], write(model, prompts, CHARACTERS - kept)])
    return rows


def main(folder: Path, out: Path) -> None:
    torch.manual_seed(0)
    whole = " ".join(pl.read_parquet(folder / "human_dated_gov.parquet")["text"].head(200).str.to_lowercase())
    letters = "".join(sorted(set(whole)))
    codes = torch.tensor([letters.index(c) for c in whole[: 2 * CHARACTERS]])
    lines = ["| human share | generation | words | human words kept | loss on human text |", "|---|---|---|---|---|"]
    for share in (0.0, 0.5):
        lines += chain(codes[:CHARACTERS], codes[CHARACTERS:], letters, share)
    out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_suffix(".md"))
