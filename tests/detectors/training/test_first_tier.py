"""Training finds what separates the classes of made-up sources, judges it on others, and is the same every time."""

import numpy as np
import polars as pl
import pytest

from auditor.detectors.evaluation import first_tier as evaluation
from auditor.detectors.first.kinds import Kinds
from auditor.detectors.training import first_tier, fold_models
from auditor.text.batch import TextBatch

HUMAN, MACHINE = "rain mud tea dog hill bus".split(), "tapestry delve crucial vibrant nuanced realm".split()
SHARED = [f"word{a}{b}" for a in "abcdefghijklmno" for b in "abcdefghijklmnopqrst"]


def toy(path, sources: int = 6, documents: int = 160):
    """Sources in which each class prefers its own six words among 300 shared ones."""
    rng = np.random.default_rng(11)
    for k in range(sources):
        rows = []
        for i in range(documents):
            own = MACHINE if i % 2 else HUMAN
            words = [str(rng.choice(own)) if rng.random() < 0.12 else str(rng.choice(SHARED)) for _ in range(130)]
            label, generator = ("ai", "gpt-4o") if i % 2 else ("human", "")
            rows.append((f"{k}-{i}", " ".join(words), label, generator, f"d{i // 2 % 4}"))
        frame = pl.DataFrame(rows, schema=["id", "text", "label", "generator", "domain"], orient="row")
        rest = {"language": "en", "attack": "none", "licence": "MIT" if k else "unstated", "pair_id": None}
        frame.with_columns(**{name: pl.lit(value, pl.String) for name, value in rest.items()}).write_parquet(
            path / f"source{k}.parquet"
        )
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = toy(tmp_path_factory.mktemp("sources"))
    out = tmp_path_factory.mktemp("models") / "models"
    return folder, out, first_tier.train(folder, out)


def test_training_recovers_what_separates_the_classes_on_unseen_sources(trained):
    _, out, _ = trained
    table = evaluation.evaluate(out)
    year = table.filter(kind="year", scope="2024").row(0, named=True)
    assert year["auroc"] > 0.9 and year["auroc_lower"] <= year["auroc"] <= year["auroc_upper"]
    assert set(table.filter(kind="source")["scope"]) == {f"source{k}" for k in range(6)}


def test_a_model_without_a_fold_scores_like_the_one_that_ships(trained):
    _, out, _ = trained
    texts = TextBatch.of(pl.Series([" ".join((words + SHARED[:20]) * 5) for words in (HUMAN, MACHINE)]))
    for fold in (fold_models.ALL, 0, 3):
        ensemble = first_tier.of_fold(out, fold)
        human, machine = ensemble.score(texts).logit
        assert machine > human + 1


def test_training_again_writes_the_same_bytes(trained, tmp_path):
    folder, _, written = trained
    again = first_tier.train(folder, tmp_path / "again")
    assert [a.name for a in written] == [b.name for b in again]
    assert [a.read_bytes() for a in written] == [b.read_bytes() for b in again]


def test_a_second_call_reads_what_the_first_one_fitted(trained):
    folder, out, _ = trained
    said = []
    first_tier.train(folder, out, said.append)
    assert not [words for words in said if words.startswith("fitted")]


def test_sources_without_a_licence_never_train(trained):
    _, out, _ = trained
    card = (out / "ngrams.json").read_text("utf-8")
    assert '"source1"' in card and '"source0"' not in card


def test_few_documents_of_a_language_are_one_kind(trained):
    _, out, _ = trained
    names = Kinds.load(out).names
    assert names and all(name.startswith("en/") for name in names)
