"""Long studies of the diversity measures; each prints its table and keeps it under benchmarks/results.

python -m benchmarks.diversity coverage            unbiased, 93-97%? Zipf and Zipf-Mandelbrot, sampled down to 1/256
python -m benchmarks.diversity split DATA          shuffled halves of one human corpus: no loss in 95% of cases?
python -m benchmarks.diversity generators DATA     human against AI text of the same source, by generator
python -m benchmarks.diversity truth DATA          known truth: rare types removed, truncated n-gram model
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

from auditor.estimate.diversity.divergence import measure_drift
from auditor.estimate.diversity.lost import Bodies, lost_in
from auditor.estimate.diversity.lost_tail import tail_retention
from auditor.estimate.diversity.measure import measure_spectrum
from auditor.estimate.diversity.spectrum import Spectrum
from auditor.run_columns import LEVELS
from auditor.sketch.types import TypeSample
from auditor.text.batch import TextBatch
from auditor.text.tokens import Tokens
from tests.estimate import simulated_spectra as simulated

RESULTS = Path(__file__).parent / "results"
LAWS = {"Zipf 1.0": (100_000, 1.0, 0.0), "Zipf-Mandelbrot 1.2, 2.7": (200_000, 1.2, 2.7)}
DESIGNS = ((1.0, 128_000, 100_000), (1 / 16, 1_024_000, 100_000), (1 / 256, 4_096_000, 400_000))


def coverage(_: str, repeats: int = 40) -> pl.DataFrame:
    rows = []
    for law, numbers in LAWS.items():
        p = simulated.zipf_mandelbrot(*numbers)
        for rate, tokens, size in DESIGNS:
            rng = np.random.default_rng(11)
            truth = {key: expected(p, size) for key, expected in simulated.EXPECTED.items()}
            truth["coverage"] = simulated.expected_coverage(p, tokens)
            found = [measure_spectrum(simulated.drawn(p, tokens, rng, rate=rate), tokens=size) for _ in range(repeats)]
            for key, true in truth.items():
                rows.append(
                    {"law": law, "rate": rate, "tokens": tokens}
                    | _recovered([getattr(e, key) for e in found], key, true)
                )
    return pl.DataFrame(rows)


def split(folder: str, repeats: int = 60) -> pl.DataFrame:
    rows = []
    for source, cap in (("l2r", 2**17), ("l2r", 2**13), ("human_dated_gov", 2**17)):
        human = pl.read_parquet(f"{folder}/{source}.parquet").filter(pl.col("label") == "human").unique("text")
        corpus, rng = _Corpus(human.sort("text")["text"]), np.random.default_rng(3)
        found: dict[str, list] = {}
        for _ in range(repeats):
            order = rng.permutation(len(corpus))
            halves = [corpus.frame(rows, rng, cap) for rows in np.array_split(order, 2)]
            found.setdefault("tail_retention", []).append(tail_retention(*halves))
            drift = measure_drift(*halves, rng=rng)
            found.setdefault("drift p < .05", []).append(drift.p_value < 0.05)
            for level, code in LEVELS.items():
                loss = lost_in(Bodies(*(Spectrum.from_frame(half, code) for half in halves)))
                for key in ("q0", "q1", "q2"):
                    found.setdefault(f"{level} {key}", []).append(getattr(loss, key))
        for key, each in found.items():
            base = {"source": source, "cap": cap}
            if key.startswith("drift"):
                rows.append(base | {"measure": key, "mean": float(np.mean(each))})
            else:
                rows.append(base | _recovered(each, key, 1.0 if key.startswith("tail") else 0.0))
    return pl.DataFrame(rows, infer_schema_length=None)


def generators(folder: str) -> pl.DataFrame:
    """Machines' text of half of the pairs, against people's text of the other half: nobody meets his own words.

    Within a domain where a source mixes several in shares that differ between people and machines.
    """
    rows = []
    for source, by in (("l2r", None), ("biscope", "domain"), ("outfox", None)):
        texts = pl.read_parquet(f"{folder}/{source}.parquet").filter(
            pl.col("label").is_in(["human", "ai"]) & ~pl.col("domain").str.to_lowercase().str.contains("code")
        )
        plain = (pl.col("attack").fill_null("none") == "none") | (pl.col("label") == "human")
        texts = texts.filter(plain).with_columns(where=pl.col(by) if by else pl.lit("all"))
        for (where,), here in texts.sort("where").group_by("where", maintain_order=True):
            pairs = here.filter(pl.col("label") == "human")["pair_id"].unique().sort().shuffle(seed=1)
            ours = pl.col("pair_id").is_in(pairs[: len(pairs) // 2].implode())
            reference = _frame(here.filter((pl.col("label") == "human") & ~ours)["text"])
            for (who,), own in here.filter(ours).sort("generator").group_by("generator", maintain_order=True):
                base = {"source": source, "domain": where, "generator": who or "people"}
                rows.append(base | {"documents": own.height} | _row(_frame(own["text"]), reference))
    return pl.DataFrame(rows)


def truth(_: str, repeats: int = 8) -> pl.DataFrame:
    """Losses of known size: the rarest types removed, and tokens replaced by a top-p model's of the same law."""
    whole = simulated.zipf_mandelbrot(60_000, 1.1, 2.7)
    cut = whole.copy()
    cut[np.cumsum(whole) > 0.9] = 0.0  # top-p decoding with p = 0.9 from a model that knows the law exactly
    changed = {f"rarest {share:.0%} of types removed": _without(whole, share) for share in (0.1, 0.3, 0.5)}
    changed |= {f"{x:.0%} from a top-p .9 model": (1 - x) * whole + x * cut / cut.sum() for x in (0.1, 0.3, 0.7)}
    rows = []
    for name, law in changed.items():
        for rate in (1.0, 1 / 16):
            each = [_truth_found(law, whole, rate, seed) for seed in range(repeats)]
            rows.append({"change": name, "rate": rate} | {k: float(np.mean([e[k] for e in each])) for k in each[0]})
    return pl.DataFrame(rows)


def _without(law: np.ndarray, share: float) -> np.ndarray:
    """The law without its rarest types; the others take over their mass."""
    left = law.copy()
    left[int(len(law) * (1 - share)) :] = 0.0
    return left / left.sum()


def _truth_found(law: np.ndarray, whole: np.ndarray, rate: float, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    keys = simulated.random_keys(whole, rng)
    loss = lost_in(Bodies(*(simulated.drawn(p, 256_000, rng, rate=rate, keys=keys) for p in (law, whole))))
    out = {}
    for key in ("q0", "q1", "q2"):
        found = getattr(loss, key)
        true = simulated.true_loss(law, whole, key, float(found.method.split("coverage ")[1].split(",")[0]))
        out |= {f"{key} true": true, f"{key} found": found.value, f"{key} covered": found.lower <= true <= found.upper}
    return out


def _recovered(found: list, key: str, true: float) -> dict:
    value, lower, upper = (np.array([getattr(e, name) for e in found]) for name in ("value", "lower", "upper"))
    scale = abs(true) or 1.0
    return {
        "measure": key,
        "true": true,
        "mean": float(value.mean()),
        "bias": float((value.mean() - true) / scale),
        "sd": float(value.std(ddof=1) / scale),
        "width": float((upper - lower).mean() / 2 / scale),
        "covered": float(np.mean((lower <= true) & (true <= upper))),
    }


def _row(shard: pl.DataFrame, reference: pl.DataFrame) -> dict:
    out: dict = {"tokens": int(Spectrum.from_frame(shard, 1).tokens.sum())}
    for level, code in LEVELS.items():
        loss = lost_in(Bodies(Spectrum.from_frame(shard, code), Spectrum.from_frame(reference, code)))
        for key in ("q0", "q1", "q2"):
            out[f"{level} {key}"] = _said(getattr(loss, key))
    out["tail"] = _said(tail_retention(shard, reference))
    drift = measure_drift(shard, reference, rng=np.random.default_rng(0))
    return out | {"drift": round(drift.divergence.value or 0.0, 4)}


def _said(estimate) -> str:
    if not estimate.is_number:
        return "-"
    return f"{100 * estimate.value:.1f} [{100 * estimate.lower:.1f}, {100 * estimate.upper:.1f}]"


class _Corpus:
    """Texts tokenised once, spectra of any of them."""

    def __init__(self, texts: pl.Series) -> None:
        self.tokens = TextBatch.of(texts).tokens

    def __len__(self) -> int:
        return len(self.tokens.offsets) - 1

    def frame(self, rows: np.ndarray, rng: np.random.Generator, cap: int) -> pl.DataFrame:
        chosen, group = np.zeros(len(self), bool), rng.integers(0, 32, len(self)).astype(np.uint8)
        chosen[rows] = True
        sample = TypeSample(cap=cap)
        sample.add(
            Tokens(*(getattr(self.tokens, f) for f in ("hashes", "offsets", "characters"))),
            group,
            np.full(len(self), 255, np.uint8),
            chosen,
        )
        return sample.frame()


def _frame(texts: pl.Series) -> pl.DataFrame:
    corpus = _Corpus(texts)
    return corpus.frame(np.arange(len(corpus)), np.random.default_rng(0), 2**17)


if __name__ == "__main__":
    study = sys.argv[1]
    table = {"coverage": coverage, "split": split, "generators": generators, "truth": truth}[study]([*sys.argv, ""][2])
    RESULTS.mkdir(exist_ok=True)
    table.write_csv(RESULTS / f"diversity_{study}.csv", float_precision=5)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=240):
        print(table)
