"""Patchwork corpora: shards that are each another kind of text, made of labelled documents that have scores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

FRACTIONS = (0.0, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)
DESIGNS = ("differ", "same", "one", "single")
REFERENCES = ("all", "third", "other", "none", "dated")
FEWEST_HUMAN, FEWEST_MACHINE, OTHERS = 120, 20, 150
# Their human texts stand in other sources too, or they are mixed bags.
LEFT_OUT = ("lastde", "raidar", "mixset", "zippy", "glimpse", "olympic_gemini")
MIRRORS = "frontier2026_mirrors"


@dataclass(frozen=True, slots=True, eq=False)
class Patchwork:
    """One corpus: positions in the documents (n,), their shard (n,), the truth by shard, the reference's positions.

    calibration: documents of other families and generators, from which kinds and priors are learned
    """

    rows: np.ndarray
    shard: np.ndarray
    truth: np.ndarray
    names: tuple[str, ...]
    reference: np.ndarray
    dated: bool
    missing: tuple[bool, ...]
    calibration: np.ndarray


class Documents:
    """Labelled documents with their scores: id, source, family, domain, language, label, generator, score, kind."""

    def __init__(self, path: Path, language: str = "en"):
        frame = pl.read_parquet(path).filter(
            pl.col("language") == language,
            pl.col("label").is_in(["human", "ai"]),
            pl.col("score").is_finite(),
            ~pl.col("source").is_in(LEFT_OUT),
            pl.col("attack").fill_null("none").is_in(["none", ""]),
            ~pl.col("base").fill_null(False),
        )
        self.score = frame["score"].to_numpy().astype(float)
        self.kind = frame["kind"].cast(pl.String).to_numpy()
        self.human = (frame["label"] == "human").to_numpy()
        self.family = frame["family"].to_numpy()
        self.generator = frame["generator"].fill_null("?").to_numpy()
        self.source = frame["source"].to_numpy()
        domain = frame["domain"].to_numpy()
        self.domain = np.array([f"{s}/{d}" for s, d in zip(self.source, domain, strict=True)])
        mirrored = np.array([f"*/{d}" if s == MIRRORS else "" for s, d in zip(self.source, domain, strict=True)])
        self.domains: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for name in np.unique(self.domain[self.human]):
            human = np.flatnonzero((self.domain == name) & self.human)
            if len(human) >= FEWEST_HUMAN:
                own = (self.domain == name) | (mirrored == f"*/{name.split('/', 1)[1]}")
                self.domains[name] = human, np.flatnonzero(own & ~self.human)
        self.machine = np.flatnonzero(~self.human)

    def corpus(
        self, rng: np.random.Generator, design: str, reference: str, *, size: int = 400, resampled: bool = False
    ) -> Patchwork:
        """A corpus of 6 to 20 shards of `size` documents; `resampled` draws with replacement.

        design: fractions that differ, the same for all, one contaminated shard, or all shards of a single domain
        reference: of all kinds, with a third of them missing, of another kind only, none, or dated text in half of
        the shards. Half of each domain's human documents are its reference; the corpus holds the others.
        """
        names = list(self.domains)
        count = int(rng.integers(6, min(21, len(names) * 2 // 3)))
        chosen = list(rng.choice(names, 1 if design == "single" else count, replace=False))
        shards = chosen * 12 if design == "single" else chosen
        families = {self.family[self.domains[name][0][0]] for name in chosen}
        generators = rng.permutation(np.unique(self.generator[self.machine]))
        known = {*generators[: max(3, len(generators) // 8)], "frontier-2026"}
        common = rng.choice(FRACTIONS)
        missing = set(rng.choice(chosen, len(chosen) // 3, replace=False)) if reference == "third" else set()
        halves = {name: np.array_split(rng.permutation(self.domains[name][0]), 2) for name in chosen}
        rows, shard, truth = [], [], []
        odd = int(rng.integers(len(shards)))
        for place, name in enumerate(shards):
            pool = halves[name][1]
            own = self._machine(name, known, rng)
            n = size if resampled else min(size, len(pool))
            fraction = {
                "differ": rng.choice(FRACTIONS),
                "single": FRACTIONS[place % len(FRACTIONS)],
                "same": common,
                "one": rng.choice((0.1, 0.25, 0.5)) if place == odd else 0.0,
            }[design]
            made = min(round(fraction * n), len(own)) if not resampled else round(fraction * n)
            again = resampled or design == "single"
            rows += [rng.choice(pool, n - made, replace=again), rng.choice(own, made, replace=again)]
            shard.append(np.full(n, place))
            truth.append(made / n)
        whole, of = np.concatenate(rows), np.concatenate(shard)
        if reference == "dated":
            half = set(rng.choice(len(shards), len(shards) // 2, replace=False))
            dated = np.isin(of, list(half)) & self.human[whole] & (rng.random(len(whole)) < 0.5)
            anchors = whole[dated]
        elif reference == "other":
            rest = [name for name in names if name not in chosen]
            anchors = self.domains[rng.choice(rest)][0]
        else:
            kept = [halves[name][0] for name in chosen if reference != "none" and name not in missing]
            anchors = np.concatenate(kept) if kept else np.zeros(0, np.int64)
        used = set(self.generator[whole[~self.human[whole]]]) - {"frontier-2026"}
        outside = ~np.isin(self.family, list(families)) & ~(np.isin(self.generator, list(used)) & ~self.human)
        return Patchwork(
            whole,
            of,
            np.array(truth),
            tuple(shards),
            anchors,
            reference == "dated",
            tuple(name in missing for name in shards),
            np.flatnonzero(outside),
        )

    def _machine(self, name: str, generators: set[str], rng: np.random.Generator) -> np.ndarray:
        """Machine text for a domain by the corpus' generators: its own kind, or where there is none any kind."""
        own = self.domains[name][1]
        own = own[np.isin(self.generator[own], list(generators))]
        if len(own) >= FEWEST_MACHINE:
            return own
        others = self.machine[np.isin(self.generator[self.machine], list(generators))]
        return np.concatenate([own, rng.choice(others, min(OTHERS, len(others)), replace=False)])
