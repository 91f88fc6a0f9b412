"""Collapse of a small variational autoencoder trained on its own samples: about a minute on a CPU. Needs torch.

Scikit-learn's 8 x 8 digits; each generation starts from new weights and trains on images of which a share is human.
Early collapse: the rarest classes, by a classifier trained on real digits; late: the variance of the pixels.

Run: python benchmarks/collapse_vae.py [OUT.md]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn

LATENT, HIDDEN, EPOCHS, BATCH, GENERATIONS = 8, 128, 60, 64, 15


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


def chain(real: torch.Tensor, judge: LogisticRegression, share: float) -> list[str]:
    kept, images, rows = int(share * len(real)), real, []
    for generation in range(GENERATIONS + 1):
        classes = np.bincount(judge.predict(images.numpy()), minlength=10) / len(images)
        variance = float(images.var(dim=0).sum())
        rows.append(f"| {share} | {generation} | {classes.min():.4f} | {(classes > 0.01).sum()} | {variance:.3f} |")
        print(rows[-1], flush=True)
        images = torch.cat([real[:kept], train(images).sample(len(real) - kept)])
    return rows


def main(out: Path) -> None:
    torch.manual_seed(0)
    pixels, digits = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype(np.float32)
    judge = LogisticRegression(max_iter=2000).fit(pixels, digits)
    lines = ["| human share | generation | rarest class | classes above 1% | variance |", "|---|---|---|---|---|"]
    for share in (0.0, 0.1, 0.5):
        lines += chain(torch.tensor(pixels), judge, share)
    out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".md"))
