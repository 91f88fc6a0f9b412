"""Figures of accuracy against known values, and that nothing of a family reaches the models that judge it."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from auditor.detectors.first import ngrams, style_measures, stylometry
from auditor.detectors.training import evaluation, first_tier, labelled, model_card
from auditor.detectors.training.labelled import Labelled
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

RNG = np.random.default_rng(11)
HUMAN, MACHINE = "rain mud tea dog hill bus".split(), "tapestry delve crucial vibrant nuanced realm".split()
SHARED = [f"word{i}" for i in range(300)]


def toy(path, sources: int = 6, documents: int = 160):
    """Sources in which each class prefers its own six words among 300 shared ones."""
    for k in range(sources):
        rows = []
        for i in range(documents):
            own = MACHINE if i % 2 else HUMAN
            words = [str(RNG.choice(own)) if RNG.random() < 0.12 else str(RNG.choice(SHARED)) for _ in range(130)]
            rows.append((f"{i}", " ".join(words), "ai" if i % 2 else "human", "m" if i % 2 else "", f"d{i % 4}"))
        frame = pl.DataFrame(rows, schema=["id", "text", "label", "generator", "domain"], orient="row")
        licence = "MIT" if k else "unstated"
        frame = frame.with_columns(language=pl.lit("en"), attack=pl.lit("none"), licence=pl.lit(licence))
        frame.write_parquet(path / f"source{k}.parquet")
    return path


def test_rates_equal_those_of_scikit_learn_with_ties_and_weights():
    scores, machine = RNG.integers(0, 30, 400).astype(float), RNG.random(400) < 0.4
    scores += 5 * machine
    weights = RNG.random((2, 400))
    found = evaluation.rates(scores, machine, weights)
    for row, w in zip(found, weights, strict=True):
        assert row[0] == pytest.approx(roc_auc_score(machine, scores, sample_weight=w))
        assert row[1] == pytest.approx(average_precision_score(machine, scores, sample_weight=w))
    assert np.all(np.diff(found[:, 2:], axis=1) <= 0)


def test_training_recovers_what_separates_the_classes_and_evaluation_sees_it_on_unseen_sources(tmp_path):
    folder = toy(tmp_path)
    table = evaluation.evaluate(folder, rng=np.random.default_rng(0))
    pooled = table.filter(kind="pooled", scope="all", scorer="ngrams", length=100).row(0, named=True)
    assert pooled["auroc"] > 0.95 and pooled["auroc_lower"] <= pooled["auroc"] <= pooled["auroc_upper"]
    assert set(table.filter(kind="source")["scope"]) == {f"source{k}" for k in range(6)}
    written = first_tier.train(folder, tmp_path / "models")
    spoken = evaluation.languages(folder)
    page = model_card.render(table, spoken, tmp_path / "models")
    assert "source1 | MIT" in page and "source0 | unstated" not in page
    model = ngrams.load(str(tmp_path / "models"))
    texts = TextBatch.of(pl.Series([" ".join(HUMAN * 20), " ".join(MACHINE * 20)]))
    human, machine = model.score(texts)
    assert human < 0 < machine
    again = first_tier.train(folder, tmp_path / "again")
    assert [a.read_bytes() for a in written] == [b.read_bytes() for b in again]


def test_sources_without_a_licence_and_code_and_mixed_rows_never_train(tmp_path):
    corpus = labelled.read(toy(tmp_path, 2))
    frame = corpus.frame.with_columns(
        domain=pl.when(pl.col("row") % 5 == 0).then(pl.lit("code")).otherwise("domain"),
        label=pl.when(pl.col("row") % 7 == 0).then(pl.lit("mixed")).otherwise("label"),
    )
    chosen = first_tier.sample(Labelled(frame, corpus.batch), np.random.default_rng(0)).frame
    assert set(chosen["source"]) == {"source1"} and set(chosen["label"]) == {"human", "ai"}
    assert "code" not in set(chosen["domain"]) and len(chosen) > 50


def test_human_prefixes_are_removed_from_both_classes(tmp_path):
    text = " ".join(f"w{i}" for i in range(50))
    frame = pl.DataFrame({"id": ["1", "2"], "text": [text, text], "label": ["human", "ai"], "generator": ["", "gpt2"]})
    rest = {name: pl.lit("x") for name in ("domain", "attack", "licence")}
    frame.with_columns(**rest, language=pl.lit("en")).write_parquet(tmp_path / "fast_detect_gpt.parquet")
    corpus = labelled.read(tmp_path)
    assert corpus.batch.tokens.words.tolist() == [15, 15] and corpus.frame["base"].to_list() == [False, True]


@pytest.mark.parametrize("columns", [[], ["id", "text"]])
def test_a_folder_that_cannot_train_says_what_is_missing(tmp_path, columns):
    if columns:
        pl.DataFrame({name: ["x"] for name in columns}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DetectorError, match=r"columns"):
        labelled.read(tmp_path)


def test_cutting_normalises_and_keeps_only_texts_that_are_long_enough():
    frame = pl.DataFrame({"row": [0, 1], "language": ["en", "en"]})
    batch = TextBatch.of(pl.Series(["**One**\n\n“two” three ,four five", "too short"]))
    cut = Labelled(frame, batch).cut(3)
    assert [cut.batch.document(i) for i in range(len(cut.batch))] == ['One "two" three,four']


def test_style_measures_words_sentences_and_punctuation():
    text = "Short one. This sentence is a good deal longer, isn't it? “Yes,” said Anna — “it is!”"
    names = dict(
        zip(style_measures.NAMES, style_measures.measures(TextBatch.of(pl.Series([text])))[0].tolist(), strict=True)
    )
    words = 16  # Short one This sentence is a good deal longer isn't it Yes said Anna it is
    assert names["commas"] ** 2 * words == pytest.approx(2, rel=1e-4)
    assert names["quotes"] ** 2 * words == pytest.approx(4, rel=1e-4)
    assert names["questions"] ** 2 * words == pytest.approx(1, rel=1e-4)
    assert names["capitals"] ** 2 * words == pytest.approx(1, rel=1e-4)
    assert names["sentence_length"] == pytest.approx(np.log(16 / 3), rel=1e-4)


@pytest.mark.parametrize(
    "text", ["", "\x00" * 300, "😀" * 500, "a" * 1_000_000, "...\n!" * 99, "“" * 50, "\ud7ff \U0010ffff"]
)
def test_style_of_strange_text_is_finite(text: str):
    assert np.isfinite(style_measures.measures(TextBatch.of(pl.Series([text])))).all()


def test_richness_matches_a_naive_count_but_for_words_that_share_a_place():
    texts = [[f"w{i}" for i in RNG.integers(0, 60, 100)] for _ in range(200)]
    measured = style_measures.measures(TextBatch.of(pl.Series([" ".join(words) for words in texts])))
    columns = [style_measures.NAMES.index(name) for name in ("types", "hapaxes", "repeated_pairs")]
    found = measured[:, columns].astype(float) * 100
    found[:, 2] = measured[:, columns[2]].astype(float) ** 2 * 100
    exact = [
        [len(set(words)), sum(words.count(w) == 1 for w in words), 99 - len(set(pairwise(words)))] for words in texts
    ]
    off = found - np.array(exact)
    assert np.abs(off).max() < 5 and np.abs(off.mean(0)).max() < 1
    assert (np.abs(off[:, 0]) < 0.01).mean() > 0.6  # 60 types in 8,192 places: one in five texts has a pair


def test_a_model_of_style_explains_by_measures_and_refuses_a_wrong_file(tmp_path):
    model = stylometry.load()
    text = "It is important to note that the tapestry of culture, which is vibrant, plays a role. " * 8
    assert {e.what for e in model.explain(text)} <= set(style_measures.NAMES)
    (tmp_path / "stylometry.json").write_text('{"measures": []}')
    with pytest.raises(DetectorError, match="auditor detectors train"):
        stylometry.load(str(tmp_path))
