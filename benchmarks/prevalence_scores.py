"""Scores of quick linear detectors that saw neither the source family nor the generators that they are judged on.

python benchmarks/prevalence_scores.py --sources LABELLED --scores scores.parquet

For every (family, generator group) kept aside, one detector is trained on the rest and scores the documents kept aside
(role "target"); further ones, that leave out a second family each, score that family (role "calibration"): these tables
are what the estimator may learn its priors from. Only scores are written, never text.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
import polars as pl
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier

# Sources that share texts stand in one family.
FAMILIES = {
    "stories": ("fast_detect_gpt", "glimpse", "imbd", "lastde"),
    "abstracts": ("biscope", "raidar", "l2r"),
    "essays": ("outfox", "rexshijaku"),
    "answers": ("hc3_plus", "qwen_qa_multi"),
    "wiki": ("iu_wiki_news",),
    "mixed": ("mixset", "seqxgpt_doc", "zippy", "detector_bias"),
    "government": ("human_dated_gov",),
    "creative": ("eqbench_creative",),
}
TESTED = ("stories", "abstracts", "essays", "answers", "wiki", "mixed")
GROUPS = ("openai", "anthropic", "google", "base", "open")
FEWEST_WORDS, LONGEST, FEWEST_MACHINE = 100, 1500, 200
BASE = (
    "gpt2",
    "gpt-j",
    "gptj",
    "neo",
    "opt",
    "bloom",
    "falcon",
    "davinci",
    "gpt3",
    "gpt-3",
    "ada",
    "llama1",
    "phi",
    "mpt",
)


def generator_group(name: str | None) -> str:
    """Maker of a generator; base models without instruction tuning are a group of their own."""
    name = (name or "").lower().replace("gpt-3-turbo", "turbo")
    if any(x in name for x in ("claude", "anthropic")):
        return "anthropic"
    if any(x in name for x in ("gemini", "bard", "gemma", "flan", "palm")):
        return "google"
    if any(x in name for x in BASE) and "gpt-3.5" not in name and "turbo" not in name:
        return "base"
    return "openai" if any(x in name for x in ("gpt", "openai", "turbo")) else "open"


def normalised(text: str) -> str:
    """Whitespace, quotes and markdown folded: what would tell sources apart rather than writers."""
    text = text.replace("’", "'").replace("“", '"').replace("”", '"').replace("*", "").replace("#", "")
    text = re.sub(r"\s+", " ", text)
    return text.replace(" .", ".").replace(" ,", ",").replace(" '", "'").strip()


def documents(folder: Path) -> pl.DataFrame:
    """English prose of at least 100 words from all sources, with family and generator group."""
    frames = []
    for family, sources in FAMILIES.items():
        for source in sources:
            rows = pl.read_parquet(folder / f"{source}.parquet")
            rows = rows.filter((pl.col("language") == "en") & ~pl.col("domain").str.contains("(?i)code"))
            frames.append(rows.select("domain", "generator", "label", "text").with_columns(family=pl.lit(family)))
    rows = pl.concat(frames, how="vertical_relaxed")
    rows = rows.with_columns(pl.col("text").map_elements(normalised, return_dtype=pl.String))
    rows = rows.filter(pl.col("text").str.count_matches(" ") >= FEWEST_WORDS - 1)
    group = pl.col("generator").map_elements(generator_group, return_dtype=pl.String, skip_nulls=False)
    return rows.unique(["text", "label"], keep="first", maintain_order=True).with_columns(group=group)


def detector(features: sparse.csr_matrix, machine: np.ndarray, family: np.ndarray) -> SGDClassifier:
    """Both classes weigh the same; within a class a family weighs as the root of its size."""
    weight = np.ones(len(machine))
    for side in (True, False):
        for name in np.unique(family):
            part = (family == name) & (machine == side)
            weight[part] = 1 / np.sqrt(max(part.sum(), 1))
        weight[machine == side] *= len(machine) / 2 / weight[machine == side].sum()
    model = SGDClassifier(loss="log_loss", alpha=2e-6, max_iter=12, tol=None, random_state=0, average=True)
    return model.fit(features, machine, sample_weight=weight)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    options = parser.parse_args()
    rows = documents(options.sources)
    vectors = HashingVectorizer(ngram_range=(1, 2), n_features=2**18, alternate_sign=False, binary=True)
    features = vectors.transform([text[:LONGEST] for text in rows["text"]])
    family, group, label = (rows[name].to_numpy() for name in ("family", "group", "label"))
    machine = label == "ai"
    kept = rows.select("family", "domain", "generator", "group", "label")
    out = []
    for held in TESTED:
        for held_group in GROUPS:
            hidden = machine & (group == held_group)
            if (hidden & (family == held)).sum() < FEWEST_MACHINE:
                continue
            known = (label != "mixed") & ~hidden
            for other in FAMILIES:
                train = np.flatnonzero(known & (family != held) & (family != other))
                judged = (family == held) & (~machine | hidden) if other == held else (family == other) & ~hidden
                at = np.flatnonzero(judged)
                score = detector(features[train], machine[train], family[train]).decision_function(features[at])
                marks = {"held": held, "held_group": held_group, "role": "target" if other == held else "calibration"}
                columns = {name: pl.lit(value) for name, value in marks.items()}
                columns["score"] = pl.Series(np.clip(score, -12, 12).astype(np.float32))
                out.append(kept[at].with_columns(**columns))
            print(held, held_group, flush=True)
    options.scores.parent.mkdir(parents=True, exist_ok=True)
    pl.concat(out).write_parquet(options.scores)


if __name__ == "__main__":
    main()
