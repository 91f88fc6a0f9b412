"""What an audit says of diversity: clusters, topics, strata, and a minority class that is followed by name."""

import json

import numpy as np
import polars as pl
import pytest
import wordfreq

from auditor.cli.main import run as command
from auditor.config import load
from auditor.pipeline.audit import audit
from auditor.pipeline.finalise import finalise
from auditor.pipeline.run.retained import forget_texts

ORDERS = ("q0", "q1", "q2")


def test_clusters_and_topics_are_measured_for_the_corpus_and_each_shard(report):
    split = 0
    for scope in (report["corpus"], *report["shards"]):
        cluster, topic = (scope["diversity"]["levels"][level] for level in ("cluster", "topic"))
        assert cluster["q2"]["value"] <= cluster["q1"]["value"] <= cluster["q0"]["value"] <= scope["documents"]
        assert cluster["q0"]["method"] == "census"
        assert topic["q0"]["lower"] <= topic["q0"]["value"] <= 33
        lost = scope["diversity_loss"]["levels"]["topic"]
        parts = [lost[part]["q1"]["value"] for part in ("from_duplication", "from_synthetic", "rest")]
        if None in parts:  # too few documents are held for human to say what machine text has cost
            assert lost["from_synthetic"]["q1"]["status"] == "not_measured"
            continue
        split += 1
        assert sum(parts) == pytest.approx(np.log1p(-lost["q1"]["value"]), abs=1e-6)
    assert split >= len(report["shards"])


def test_a_stratum_that_is_the_corpus_has_the_corpus_losses(report):
    english = next(s for s in report["strata"] if (s["kind"], s["name"]) == ("language", "en"))
    assert english["diversity_loss"]["q0"] == report["corpus"]["diversity_loss"]["q0"]
    assert english["share"]["value"] == 1
    assert english["human_share"]["value"] == pytest.approx(1 - english["synthetic_fraction"]["value"])


def test_the_reference_and_its_size_are_said(report):
    assert report["corpus"]["drift"]["reference"].startswith("--human-reference (")
    assert "words" in report["profile"]["reference"]


def written(classes: list[str], seed: int) -> pl.DataFrame:
    """Documents of 150 words; a class has half of its words to itself."""
    rng = np.random.default_rng(seed)
    own = {
        "majority": "the river towns should pay for walls when rain came earlier than expected and old bridges",
        "minority": "her choir sang slow hymns while lanterns swung above wet stones by quiet boats",
    }
    shared = [f"word{i}" for i in range(400)]
    texts = []
    for name in classes:
        words = np.where(
            rng.random(150) < 0.5, rng.choice(own[name].split(), 150), rng.choice(shared, 150, p=_zipf(400))
        )
        texts.append(" ".join(words))
    return pl.DataFrame({"text": texts, "dialect": classes, "language": "en"})


def _zipf(n: int) -> np.ndarray:
    p = 1 / np.arange(1.0, n + 1)
    return p / p.sum()


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """The 90/10 example: one class of ten documents, of which six in ten are gone from the corpus."""
    folder = tmp_path_factory.mktemp("classes")
    written(["majority"] * 540 + ["minority"] * 60, 1).write_parquet(folder / "reference.parquet")
    written(["majority"] * 576 + ["minority"] * 24, 2).write_parquet(folder / "corpus.parquet")
    config = load(
        corpus=[str(folder / "corpus.parquet")],
        human_reference=[str(folder / "reference.parquet")],
        category_column="dialect",
        profile="full",
        workers=1,
    )
    return audit(config, folder / "run").report, folder / "run"


def test_a_minority_class_is_followed_by_name(followed):
    report, _ = followed
    rows = {s["name"]: s for s in report["strata"] if s["kind"] == "category"}
    minority = rows["minority"]
    assert (minority["documents"], minority["share"]["value"]) == (24, 0.04)
    assert minority["share_of_reference"]["value"] == pytest.approx(0.1)
    kept = minority["share_retained"]
    assert kept["lower"] <= 0.4 <= kept["upper"] < 1
    assert "category majority" in rows["majority"]["reference"]
    lost = report["profile"]["lost"]["category"]
    assert [(row["name"], row["reference"], row["corpus"]) for row in lost] == [("minority", 60, 24)]


def test_the_full_profile_is_of_corpus_and_reference(followed):
    report, _ = followed
    names = {"mattr", "hdd", "compression_ratio", "self_repetition", "zipf_exponent", "distinct_2", "vendi"}
    for side in ("corpus", "reference"):
        assert names <= report["profile"]["full"][side].keys()
        assert report["profile"]["full"][side]["mattr"]["status"] == "measured"


def test_figures_that_rested_on_forgotten_text_stay(followed):
    _, run = followed
    report = json.loads((run / "report.json").read_text())
    forget_texts(run)
    finalise(run)
    again = json.loads((run / "report.json").read_text())
    assert report["corpus"]["diversity"]["levels"]["topic"]["q1"]["status"] == "measured"
    for part in ("corpus", "shards", "strata", "profile"):
        assert again[part] == report[part], part


def test_without_human_text_the_words_are_held_against_the_language_at_large(tmp_path):
    rng = np.random.default_rng(5)
    words = wordfreq.top_n_list("en", 4000)
    chance = np.array([wordfreq.word_frequency(word, "en") for word in words])
    texts = [" ".join(rng.choice(words, 300, p=chance / chance.sum())) for _ in range(150)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    assert (
        command(["audit", str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "run"), "--workers", "1", "--quiet"]) == 0
    )
    loss = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))["corpus"]["diversity_loss"]
    assert loss["q0"]["status"] == "not_measured"  # no human text was given
    assert "wordfreq" in loss["general"]["method"] and loss["general"]["status"] == "inconclusive"
    assert 0 < loss["general"]["lower"] <= loss["general"]["value"] <= loss["general"]["upper"] < 1
