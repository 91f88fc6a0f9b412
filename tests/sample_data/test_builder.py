"""The sample corpus is what its truth says, and nothing but the writing separates human from machine text."""

import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from auditor.errors import ConfigError
from auditor.sample_data.builder import PLAN, build_sample
from auditor.sample_data.duplicates import LEAST_JACCARD
from auditor.sample_data.human import gensim_texts
from auditor.sample_data.machine import SMALL, machine_texts
from auditor.sample_data.passages import jaccard, shingles
from auditor.sample_data.setting import MACHINE_ERA
from auditor.sample_data.truth import AI, HUMAN, SampleTruth, read_truth
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.chooser import read_split
from auditor.sources.read.interface import SourceOptions


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleTruth:
    return build_sample(tmp_path_factory.mktemp("sample") / "web")


@pytest.fixture(scope="module")
def texts(sample: SampleTruth) -> dict[tuple[str, int], str]:
    return {(shard.shard, row): t for shard in sample.shards for row, t in enumerate(read(sample.corpus / shard.shard))}


@pytest.fixture(scope="module")
def reference(sample: SampleTruth) -> list[str]:
    return [text for file in sample.reference.files for text in read(sample.reference_folder / file)]


def read(path: Path) -> list[str]:
    """Every text of a shard, by the format's own rules and not by the builder's code."""
    if path.suffix == ".parquet":
        return pl.read_parquet(path)["text"].to_list()
    content = gzip.decompress(path.read_bytes())
    if path.name.endswith(".jsonl.gz"):
        return [json.loads(line)["text"] for line in content.decode().splitlines()]
    found = []
    while content:
        head, _, rest = content.partition(b"\r\n\r\n")
        length = int(head.rpartition(b"Content-Length: ")[2])
        if b"WARC-Type: conversion" in head:
            found.append(rest[:length].decode())
        assert rest[length : length + 4] == b"\r\n\r\n"
        content = rest[length + 4 :]
    return found


def files(sample: SampleTruth) -> dict[str, bytes]:
    folders = (sample.corpus, sample.reference_folder)
    return {path.name: path.read_bytes() for folder in folders for path in folder.iterdir()} | {
        "truth": sample.path.read_bytes()
    }


def test_the_same_seed_writes_the_same_bytes_and_another_seed_does_not(sample, tmp_path):
    assert files(build_sample(tmp_path / "again")) == files(sample)
    other = files(build_sample(tmp_path / "other", seed=8))
    assert all(other[name] != content for name, content in files(sample).items())


def test_the_corpus_folder_holds_shards_only_and_the_truth_lies_beside_it(sample):
    assert sorted(path.name for path in sample.corpus.iterdir()) == sorted(plan.file for plan in PLAN)
    assert sample.path == sample.corpus.with_name("web.truth.json")
    assert sample.reference_folder == sample.corpus.with_name("web.reference")


def test_the_truth_file_reads_back_equal(sample):
    assert read_truth(sample.path) == sample


def test_the_sample_has_the_size_that_is_promised(sample):
    assert 3_600 <= sample.documents <= 3_700
    assert 350 <= sample.reference.documents <= 400
    assert len(sample.shards) == 6


def test_the_truth_matches_what_is_written(sample, texts):
    for shard in sample.shards:
        assert len(read(sample.corpus / shard.shard)) == shard.documents == len(shard.rows)
        for row in shard.rows:
            words = len(texts[shard.shard, row.row].split())
            assert (words, words >= sample.minimum_words) == (row.words, row.eligible)
    machine = {text.prompt for text in machine_texts()}
    assert all((row.source in machine) == (row.label == AI) for shard in sample.shards for row in shard.rows)


def test_an_audit_reads_every_document_in_the_order_of_the_truth_with_its_host_and_date(sample):
    options = SourceOptions()
    corpus = plan_corpus([str(sample.corpus)], options)
    assert [shard.name for shard in corpus.shards] == [shard.shard for shard in sample.shards]
    for planned, shard in zip(corpus.shards, sample.shards, strict=True):
        read_back = pl.concat(batch.frame for split in planned.splits for batch in read_split(planned, split, options))
        assert read_back["row"].to_list() == [row.row for row in shard.rows]
        assert read_back["host"].to_list() == [row.host for row in shard.rows]
        dates = [str(date) if date else None for date in read_back["date"]]
        assert dates == [row.date[:10] if row.date else None for row in shard.rows]


def test_the_fractions_are_the_planned_ones_with_copies_counted_as_documents(sample):
    for plan, shard in zip(PLAN, sample.shards, strict=True):
        eligible = [row for row in shard.rows if row.eligible]
        assert sum(row.label == AI for row in eligible) == round(plan.share * len(eligible))
        assert shard.synthetic_fraction == pytest.approx(plan.share, abs=0.5 / len(eligible))


def test_eligible_and_short_documents_keep_clear_of_the_threshold(sample):
    words = np.array([row.words for shard in sample.shards for row in shard.rows])
    assert not ((words > 90) & (words < 108)).any()
    assert 0.03 < (words < 90).mean() < 0.07


def test_planted_clusters_are_all_the_duplicates_there_are(sample, texts):
    for cluster in sample.clusters:
        first, *copies = (texts[member] for member in cluster.members)
        closest = min(jaccard(first, copy) for copy in copies)
        assert closest == pytest.approx(cluster.jaccard, abs=1e-4)
        assert closest == 1.0 if cluster.kind == "exact" else LEAST_JACCARD <= closest < 1.0
    assert Counter(cluster.kind for cluster in sample.clusters).keys() == {"exact", "near"}
    planted = {frozenset(pair) for cluster in sample.clusters for pair in pairs(cluster.members)}
    assert close_pairs({key: text for key, text in texts.items() if len(text.split()) >= 100}) == planted


def pairs(members):
    return [(a, b) for i, a in enumerate(members) for b in members[i + 1 :]]


def close_pairs(texts: dict, threshold: float = 0.5) -> set[frozenset]:
    """Every pair of documents with a Jaccard similarity over the threshold, by counting shared shingles."""
    own = {key: shingles(text) for key, text in texts.items()}
    holders = defaultdict(list)
    for key, found in own.items():
        for shingle in found:
            holders[shingle].append(key)
    shared = Counter(frozenset(pair) for keys in holders.values() if 1 < len(keys) < 50 for pair in pairs(keys))
    return {
        pair
        for pair, count in shared.items()
        for a, b in [tuple(pair)]
        if count / (len(own[a]) + len(own[b]) - count) >= threshold
    }


def test_duplicates_are_planted_within_and_across_shards(sample):
    spread = [len({shard for shard, _ in cluster.members}) > 1 for cluster in sample.clusters]
    assert 0.3 < np.mean(spread) < 0.7


def test_only_human_documents_are_dated_before_the_machine_era(sample):
    era = MACHINE_ERA.strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = [row for shard in sample.shards for row in shard.rows if row.date]
    assert all(row.label == HUMAN for row in rows if row.date < era)
    assert sum(row.date < era for row in rows) > sample.documents / 10
    undated = [shard for shard in sample.shards if not shard.dated]
    assert len(undated) == 1
    assert all(row.date is None for row in undated[0].rows)
    assert "date" not in pl.read_parquet_schema(sample.corpus / undated[0].shard)


def test_hosts_are_many_and_few_carry_machine_text_alone(sample):
    labels = defaultdict(set)
    for shard in sample.shards:
        for row in shard.rows:
            labels[row.host].add(row.label)
    alone = [host for host, found in labels.items() if found == {AI}]
    assert len(alone) <= len(labels) / 8
    assert len(labels) > 100


def test_the_reference_is_human_and_shares_no_work_and_no_passage_with_the_corpus(sample, texts, reference):
    sources = {row.source for shard in sample.shards for row in shard.rows}
    assert not sources.intersection(sample.reference.sources)
    assert len(reference) == sample.reference.documents
    used = set().union(*(shingles(text) for text in texts.values()))
    assert max(len(shingles(text) & used) / len(shingles(text)) for text in reference) < 0.25
    machine = set().union(*(shingles(text.text) for text in machine_texts()))
    assert max(len(shingles(text) & machine) / len(shingles(text)) for text in reference) < 0.05


def surface_features(text: str) -> list[float]:
    """Length, newlines and typography: what no detector should be able to live on.

    Plain quotes and apostrophes are left out: fiction and letters hold speech, manuals hold none.
    """
    marks = [
        text.count(mark) / len(text.split()) for mark in ("\n", "\t", "*", "`", "#", "|", "\u2019", "\u201c", "  ")
    ]
    lengths = [len(block.split()) for block in text.split("\n\n")]
    return [sum(lengths), len(lengths), max(lengths), min(lengths), *marks]


def test_length_newlines_and_typography_do_not_separate_the_classes(sample, texts):
    """AUC of a logistic model on surface features, cross-validated, over one document of every cluster."""
    rows = [(shard.shard, row) for shard in sample.shards for row in shard.rows if row.eligible and row.cluster is None]
    features = np.array([surface_features(texts[shard, row.row]) for shard, row in rows])
    labels = np.array([row.label == AI for _, row in rows])
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    scores = cross_val_predict(model, features, labels, cv=5, method="decision_function")
    assert roc_auc_score(labels, scores) < 0.65


def test_machine_text_is_of_many_genres_and_hardly_any_by_the_small_model(sample):
    machine = [row for shard in sample.shards for row in shard.rows if row.label == AI]
    assert len({row.genre for row in machine}) > 50
    assert sum(row.writer == SMALL for row in machine) <= 0.12 * len(machine)


def test_every_shard_holds_600_documents_and_the_reference_every_kind_of_human_text(sample):
    assert min(shard.documents for shard in sample.shards) >= 600
    kinds = {source.partition(":")[0] for source in sample.reference.sources}
    assert {"wikipedia", "lee", "scipy", "numpy"} < kinds and kinds & {"stdlib", "topic"}


def test_a_sample_is_not_built_over_other_files(sample, tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "thesis.txt").write_text("precious")
    with pytest.raises(ConfigError, match=r"thesis\.txt"):
        build_sample(tmp_path / "web")
    (tmp_path / "plain").write_text("a file")
    with pytest.raises(ConfigError, match="is a file"):
        build_sample(tmp_path / "plain")


def test_without_gensim_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr("auditor.sample_data.human.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"corpus-auditor\[sample\]"):
        gensim_texts()
