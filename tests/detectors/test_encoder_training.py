"""Fine-tuning: rows are balanced, stretches begin at words, and what is learned is read back by the detector."""

import numpy as np
import polars as pl
import pytest

from auditor.detectors import encoder_training, tier1_evaluation, tuned_encoder
from auditor.detectors.labelled import Labelled
from auditor.text.batch import TextBatch
from tests.detectors import tiny_models


def corpus(documents: int = 96) -> Labelled:
    """Two sources; people use the first half of the words, machines the second."""
    rng, half = np.random.default_rng(1), len(tiny_models.WORDS) // 2
    rows, texts = [], []
    for i in range(documents):
        machine = i % 3 == 0
        words = tiny_models.WORDS[half:] if machine else tiny_models.WORDS[:half]
        texts.append(" ".join(rng.choice(words, 100)))
        label, source = "ai" if machine else "human", "outfox" if i % 2 else "l2r"
        rows.append((source, label, False, "d", "g" if machine else "", "en", source, True, 100, i))
    names = ["source", "label", "base", "domain", "generator", "language", "family", "licensed", "words", "row"]
    return Labelled(pl.DataFrame(rows, schema=names, orient="row"), TextBatch.of(pl.Series(texts)))


def test_weights_make_classes_equal_within_a_source():
    frame = corpus().frame.with_columns(w=pl.Series(encoder_training.weights_of(corpus().frame)))
    sums = frame.group_by("source", "label").agg(pl.col("w").sum()).group_by("source").agg(pl.col("w").std())
    assert sums["w"].max() < 1e-9 and frame["w"].mean() == pytest.approx(1)


def test_a_sample_deals_generators_alike_and_takes_nothing_without_a_licence(monkeypatch):
    monkeypatch.setattr(encoder_training, "CAP", 10)
    whole = corpus()
    frame = whole.frame.with_columns(
        generator=pl.when(pl.col("row") % 9 == 0).then(pl.lit("rare")).otherwise("generator"),
        licensed=pl.col("source") == "outfox",
    )
    found = encoder_training.sample(Labelled(frame, whole.batch), np.random.default_rng(0)).frame
    assert set(found["source"]) == {"outfox"}
    assert found.filter(label="ai")["generator"].value_counts(sort=True)["count"].to_list() == [5, 5]


def test_stretches_begin_at_words_and_have_the_length_asked_for():
    opens = np.arange(300) % 3 == 0
    ids, rng = np.arange(300, dtype=np.int32), np.random.default_rng(2)
    found = [encoder_training._stretch(ids, opens, rng) for _ in range(200)]
    assert all(
        opens[part[0]] and encoder_training.SHORTEST <= len(part) <= encoder_training.TOKENS - 2 for part in found
    )
    assert len({int(part[0]) for part in found}) > 30


def test_a_family_is_judged_by_the_model_that_left_it_out():
    frame = pl.DataFrame({"family": ["completions", "outfox", "rewrites", "mixset", "new"]})
    assert encoder_training.groups(frame).tolist() == ["completions", "others", "rewrites", "open", "new"]


def test_what_is_learned_separates_unseen_documents(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch", reason="the extra [encoder] is not installed")
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "cache"))
    for name, value in {"FROZEN": 1, "RATE": 3e-3, "HEAD_RATE": 3e-2, "SNAPSHOT": 5, "EPOCHS": 1}.items():
        monkeypatch.setattr(encoder_training, name, value)
    folder = tiny_models.encoder(tmp_path / "minilm")
    learned: dict[str, dict] = {}
    said: list[str] = []
    ends: list[bool] = []

    def keep(name: str, changed: dict, last: bool) -> None:
        learned[name] = changed
        ends.append(last)

    encoder_training.train(corpus(), folder, ["all"], keep, said.append)
    assert ends[-1] and not any(ends[:-1])
    assert any("step 5 of 6" in words for words in said)
    assert {name.split(".")[2] for name in learned["all"] if name.startswith("encoder")} == {"1"}
    unseen = corpus(120)
    scores = tuned_encoder.of(folder, learned["all"]).score(unseen.batch)[96:]
    machine = unseen.machine[96:]
    assert scores[machine].min() > scores[~machine].max() and torch is not None


def test_alarms_are_counted_against_both_thresholds():
    frame = pl.DataFrame({"domain": ["essay_toefl"] * 400 + ["essay"] * 400})
    rng = np.random.default_rng(0)
    logit = rng.normal(size=800) + np.repeat([1.0, 0.0], 400)
    found = tier1_evaluation.false_alarms(Labelled(frame, TextBatch.of(pl.Series([""]))), logit, 1.645)
    assert found["native"] == pytest.approx(0.05, abs=0.03) and found["non_native"] == pytest.approx(0.26, abs=0.06)
    assert (found["native_anchored"] + found["non_native_anchored"]) / 2 == pytest.approx(0.05, abs=0.03)
