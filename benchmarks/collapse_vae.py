"""Collapse of a small variational autoencoder trained on its own samples: minutes on one thread. Needs torch.

Scikit-learn's 8 x 8 digits, one class of which is made rare; each generation starts from new weights and trains on
images of which a share is human. As is usual, a sample is the mean that the decoder gives, without pixel noise: with
Bernoulli noise the same chain lost next to nothing in twelve generations. Early collapse: the rare class, by a
classifier trained on real digits. Late: how many classes are left, and the variance of the pixels.

Run: python benchmarks/collapse_vae.py [OUT.md]; the plot lies as SVG beside the report.
"""

from __future__ import annotations

import sys
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn

LATENT, HIDDEN, EPOCHS, BATCH, GENERATIONS = 8, 128, 40, 64, 6
SHARES = (0.0, 0.5)
RARE, ONE_IN = 0, 6  # this digit, and how many of it are kept


class Autoencoder(nn.Module):
    """Gaussian latent, Bernoulli pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT))
        self.decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 64))

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        latent = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        rebuilt = nn.functional.binary_cross_entropy_with_logits(self.decoder(latent), x, reduction="sum")
        divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
        return (rebuilt + divergence) / len(x)

    @torch.no_grad()
    def sample(self, count: int) -> torch.Tensor:
        return self.decoder(torch.randn(count, LATENT)).sigmoid()


def train(images: torch.Tensor) -> Autoencoder:
    model = Autoencoder()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images)).split(BATCH):
            loss = model.loss(images[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return model


def chain(real: torch.Tensor, judge: LogisticRegression, share: float) -> list[dict]:
    """One row of figures per generation, of the images it trains on."""
    kept, images, rows = int(share * len(real)), real, []
    for generation in range(GENERATIONS + 1):
        classes = np.bincount(judge.predict(images.numpy()), minlength=10) / len(images)
        p = classes[classes > 0]
        rows.append(
            {
                "human share": share,
                "generation": generation,
                "rare class": round(float(classes[RARE]), 4),
                "classes above 1%": int((classes > 0.01).sum()),
                "entropy of classes, bits": round(abs(float((p * np.log2(p)).sum())), 2),
                "variance of pixels": round(float(images.var(dim=0).sum()), 2),
            }
        )
        print(rows[-1], flush=True)
        images = torch.cat([real[:kept], train(images).sample(len(real) - kept)])
    return rows


def main(out: Path) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pixels, digits = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype(np.float32)
    judge = LogisticRegression(max_iter=2000).fit(pixels, digits)
    rare = np.flatnonzero(digits == RARE)
    chosen = np.random.default_rng(0).permutation(np.append(np.flatnonzero(digits != RARE), rare[::ONE_IN]))
    real = torch.tensor(pixels[chosen])
    frame = pl.DataFrame([row for share in SHARES for row in chain(real, judge, share)])
    heads = frame.columns
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in frame.iter_rows()]
    out.write_text(f"{len(real):,} images a generation\n\n" + "\n".join(lines) + "\n")
    start = pl.col(*heads[2:]).cast(pl.Float64)
    moved = frame.with_columns(start / start.first().over("human share"))
    tall = moved.unpivot(on=heads[2:], index=heads[:2], variable_name="quantity", value_name="kept")
    drawn = alt.Chart(tall).mark_line().properties(width=260, height=160)
    drawn = drawn.encode(
        x="generation:Q", y=alt.Y("kept:Q", title="of the start"), color=alt.Color("quantity:N", title=None)
    )
    drawn.facet(alt.Facet("human share:N"), columns=2).save(str(out.with_suffix(".svg")))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".md"))
