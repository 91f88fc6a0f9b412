"""The labelled sources: what is missing is said, prefixes go, lengths are counted in words or characters."""

import polars as pl
import pytest

from auditor.detectors.training.data import families, labelled, mixtures
from auditor.detectors.training.data.labelled import Labelled
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch


def source(path, name: str, **columns):
    n = max(len(values) for values in columns.values() if isinstance(values, list))
    rest = {"language": "en", "attack": "none", "licence": "MIT", "domain": "x", "generator": "", "pair_id": None}
    given = {key: values if isinstance(values, list) else [values] * n for key, values in (rest | columns).items()}
    pl.DataFrame(given, schema=dict.fromkeys(given, pl.String)).write_parquet(path / f"{name}.parquet")


def test_human_prefixes_are_removed_from_both_classes(tmp_path):
    text = " ".join(f"w{i}" for i in range(50))
    source(tmp_path, "fast_detect_gpt", id=["1", "2"], text=[text, text], label=["human", "ai"], generator=["", "gpt2"])
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


def test_lengths_are_counted_in_characters_where_words_have_no_spaces():
    texts = ["a " * 100, "a " * 99, "天" * 200, "天" * 199]
    frame = pl.DataFrame({"text": texts, "language": ["en", "en", "zh", "ja"]})
    assert frame.select(labelled.long_enough()).to_series().to_list() == [True, False, True, False]


def test_unlicensed_code_mixed_attacked_and_base_text_never_trains(tmp_path):
    text, n = " ".join(f"word{i}" for i in range(120)), 6
    source(
        tmp_path,
        "sourcex",
        id=[str(i) for i in range(n)],
        text=[f"{text} {i}" for i in range(n)],
        label=["human", "ai", "mixed", "ai", "ai", "human"],
        generator=["", "gpt-4", "gpt-4", "gpt2-xl", "gpt-4", ""],
        attack=["none", "none", "none", "none", "paraphrase", "none"],
        domain=["x", "x", "x", "x", "x", "Code"],
    )
    source(tmp_path, "raidar", id=["a"], text=[text], label="human")
    source(tmp_path, "sourcey", id=["b"], text=[text], label="human", licence="unstated")
    pool = mixtures.pool(labelled.frame(tmp_path), english=True, seed=0)
    chosen = pool.frame.filter(pl.Series(mixtures.trainable(pool.frame)))
    assert sorted(chosen["id"]) == ["0", "1"] and set(pool.frame["id"]) == {"0", "1", "a", "b"}


@pytest.mark.parametrize(
    ("name", "year"),
    [("frontier-2026", 2026), ("gpt-5-mini", 2025), ("gpt-4o-2024-05-13", 2024), ("ChatGPT", 2023), ("nobody", None)],
)
def test_release_years_follow_from_names(name: str, year: int | None):
    assert families.release_year(name) == year
