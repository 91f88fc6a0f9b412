"""Recall and precision of near-duplicates on real documents with controlled edits, against brute-force Jaccard.

    python benchmarks/neardup_quality.py ../shared/data [--peers PYTHON]
Real documents (at least 80 words) and an edited copy of each: words replaced, words inserted, cut short, or another
text around it; families of five copies; pages of templates with different contents. The true Jaccard of all pairs of
.3 or more is computed from the shingle sets. Only figures are kept, in benchmarks/results/neardup_quality.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from auditor.neardup.cluster import gather_candidates, settle
from auditor.neardup.shingles import ShingleStore
from auditor.neardup.stars import exact_duplicates, stars
from auditor.sketch.bands import band_frame, candidate_probability, parameters
from auditor.sketch.content import content_hashes
from auditor.sketch.minhash import permutations, shingle_set, signatures
from auditor.text.batch import TextBatch

RESULTS = Path(__file__).parent / "results" / "neardup_quality.json"
SOURCES = ("outfox", "biscope", "l2r", "human_dated_gov", "imbd")
BASES, FAMILIES, TEMPLATES, PAGES = 6000, 300, 20, 15
LSH = parameters(0.8)
EDGES = (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, round(0.8 + LSH.deviation, 4), 0.9, 0.95, 1.0001)
COMMON = 100  # a shingle in more documents than this makes no pair: pairs of Jaccard .3 share rarer ones too


def documents(folder: Path, rng: np.random.Generator) -> list[list[str]]:
    frames = [pl.scan_parquet(folder / f"{name}.parquet").filter(pl.col("language") == "en") for name in SOURCES]
    texts = pl.concat([frame.select("text") for frame in frames]).collect()["text"].unique(maintain_order=True)
    words = [text.split() for text in texts.sample(4 * BASES, seed=1, shuffle=True)]
    return [each for each in words if 80 <= len(each) <= 1500][: BASES + FAMILIES + TEMPLATES * (PAGES + 1)]


def edited(words: list[str], kind: str, strength: float, other: list[str], rng: np.random.Generator) -> list[str]:
    """A copy: that share of words replaced, inserted or cut off, or a text of that relative length around it."""
    if kind == "truncation":
        return words[: max(int(len(words) * (1 - strength)), 5)]
    if kind == "boilerplate":
        around = (other * 9)[: int(len(words) * strength)]
        return around[: len(around) // 2] + words + around[len(around) // 2 :]
    chosen = rng.random(len(words)) < strength
    out: list[str] = []
    for word, touched in zip(words, chosen, strict=True):
        if touched:
            out.append(other[rng.integers(len(other))])
        if not touched or kind == "insertion":
            out.append(word)
    return out


def corpus(words: list[list[str]], rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Texts, and of each the part of the study it belongs to."""
    texts, parts = [], []
    reach = {"substitution": 0.1, "insertion": 0.1, "truncation": 0.6, "boilerplate": 0.9}
    for i, own in enumerate(words[:BASES]):
        kind = list(reach)[i % 4]
        copy = edited(own, kind, rng.uniform(0, reach[kind]), words[-1 - i % 50], rng)
        texts += [" ".join(own), " ".join(copy)]
        parts += [kind, kind]
    for own in words[BASES : BASES + FAMILIES]:
        copies = [edited(own, "substitution", rng.uniform(0, 0.04), words[0], rng) for _ in range(5)]
        texts += [" ".join(copy) for copy in copies]
        parts += ["family"] * 5
    rest = words[BASES + FAMILIES :]
    for t in range(TEMPLATES):
        template, share = (rest[t] * 9)[:300], rng.uniform(0.5, 0.78)
        body = int(300 * (1 - share) / (2 * share))  # J = 300 / (300 + 2 body)
        for page in range(PAGES):
            content = (rest[TEMPLATES + t * PAGES + page] * 9)[:body]
            texts.append(" ".join(template[:150] + content + template[150:]))
            parts.append("template")
    return texts, parts


def true_pairs(sets: list[np.ndarray]) -> pl.DataFrame:
    """(a, b, jaccard) of all pairs of documents a < b with a Jaccard of at least .3."""
    sizes = np.array([len(s) for s in sets])
    rows = pl.DataFrame({"shingle": np.concatenate(sets), "a": np.repeat(np.arange(len(sets)), sizes)})
    count = pl.len().over("shingle")
    rows = rows.filter((count > 1) & (count <= COMMON))
    both = rows.lazy().join(rows.lazy().rename({"a": "b"}), on="shingle").filter(pl.col("a") < pl.col("b"))
    pairs = both.group_by("a", "b").agg(pl.len()).filter(pl.col("len") >= 5).collect()
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    shared = [len(np.intersect1d(sets[i], sets[j], assume_unique=True)) for i, j in zip(a, b, strict=True)]
    jaccard = np.array(shared) / (sizes[a] + sizes[b] - np.array(shared))
    return pairs.select("a", "b").with_columns(jaccard=pl.Series(jaccard)).filter(pl.col("jaccard") >= EDGES[0])


def ours(texts: list[str], rng: np.random.Generator, folder: Path) -> tuple[pl.DataFrame, list[int], dict, list]:
    """Clusters with documents by row, labels, statistics, and shingle sets."""
    batch = TextBatch.of(pl.Series(texts))
    ids = rng.permutation(len(texts)).astype(np.uint64)
    row = np.argsort(ids)
    content = content_hashes(batch.text, batch.offsets)
    copies = exact_duplicates(pl.DataFrame({"content_1": content[:, 0], "content_2": content[:, 1], "document": ids}))
    rows = signatures(batch.tokens, permutations())
    sets = [shingle_set(batch.tokens, i) for i in range(len(texts))]
    edges = stars(band_frame(ids, rows, LSH), without=copies["document"].sort().to_numpy())
    found = gather_candidates([edges.lazy()], [(ids, rows)], LSH)
    store = ShingleStore(folder / "shingles")
    for document in found.to_read:
        store.add(document, sets[row[document]])
    clusters = settle(found, copies, exact=store.jaccards)
    store.close()
    frame = clusters.frame.with_columns(
        pl.Series("row", row[clusters.frame["document"].to_numpy()]),
        pl.Series("head", row[clusters.frame["representative"].to_numpy()]),
    )
    labels = np.arange(len(texts))
    labels[frame["row"].to_numpy()] = len(texts) + frame["head"].to_numpy()
    statistics = {name: getattr(clusters.statistics, name) for name in clusters.statistics.__slots__}
    return frame, labels.tolist(), statistics, sets


def scored(pairs: pl.DataFrame, labels: list[int], parts: list[str]) -> dict[str, object]:
    """Merged share by Jaccard; recall at threshold + 1 sd; precision of all pairs of documents of one cluster."""
    label = np.array(labels)
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    part = [parts[i] if parts[i] == parts[j] else "across" for i, j in zip(a, b, strict=True)]
    judged = pairs.with_columns(together=pl.Series(label[a] == label[b]), part=pl.Series(part))
    sizes = np.unique(label, return_counts=True)[1]
    together = int((sizes * (sizes - 1) // 2).sum())
    table = []
    for low, high in pairwise(EDGES):
        inside = judged.filter(pl.col("jaccard").is_between(low, high, closed="left"))
        row: dict[str, float | None] = {"from": low, "to": min(high, 1.0)}
        for name, chosen in (("families", pl.col("part") == "family"), ("others", pl.col("part") != "family")):
            some = inside.filter(chosen)
            row |= {f"{name}_pairs": some.height, f"{name}_merged": some["together"].mean()}
        table.append(row)
    sure = judged.filter(pl.col("jaccard") >= LSH.threshold + LSH.deviation)
    right = judged.filter(pl.col("together") & (pl.col("jaccard") >= LSH.threshold)).height
    return {
        "recall_over_threshold_and_1_sd": sure["together"].mean(),
        "recall_outside_families": sure.filter(pl.col("part") != "family")["together"].mean(),
        "recall_by_part": dict(sure.group_by("part").agg(pl.col("together").mean()).sort("part").iter_rows()),
        "pairs_in_one_cluster": together,
        "precision_of_pairs_in_one_cluster": right / max(together, 1),
        "largest_cluster": int(sizes.max()),
        "by_jaccard": table,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labelled", type=Path)
    parser.add_argument("--peers", help="interpreter of an environment with datatrove and text-dedup")
    options = parser.parse_args()
    rng = np.random.default_rng(7)
    texts, parts = corpus(documents(options.labelled, rng), rng)
    with TemporaryDirectory() as name:
        folder = Path(name)
        frame, labels, statistics, sets = ours(texts, rng, folder)
        pairs = true_pairs(sets)
        member = frame.filter(pl.col("row") != pl.col("head"))
        exact = [
            len(np.intersect1d(sets[i], sets[j])) / len(np.union1d(sets[i], sets[j]))
            for i, j in member.select("row", "head").iter_rows()
        ]
        tied = scored(pairs, labels, parts)
        tied["precision_of_members_and_representatives"] = float((np.array(exact) >= LSH.threshold).mean())
        tied["least_jaccard_of_a_member"] = min(exact)
        tied["statistics"] = statistics
        tools = {"auditor": tied}
        if options.peers:
            pl.DataFrame({"text": texts}).write_parquet(folder / "texts.parquet")
            script = [options.peers, str(Path(__file__).with_name("neardup_peers.py")), "clusters"]
            subprocess.run([*script, str(folder / "texts.parquet"), str(folder / "out.json")], check=True)
            for tool, found in json.loads((folder / "out.json").read_text()).items():
                tools[tool] = {"version": found["version"], **scored(pairs, found["labels"], parts)}
    curve = [
        {"jaccard": j, "candidates_expected": float(candidate_probability(j, LSH.bands, LSH.rows))}
        for j in (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.8354, 0.9, 0.95)
    ]
    shown = {"documents": len(texts), "bands": LSH.bands, "rows": LSH.rows, "expected_recall": LSH.recall}
    RESULTS.write_text(json.dumps({**shown, "s_curve": curve, "tools": tools}, indent=1) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
