"""Meaning: which documents are embedded, what is made of them, and what is said where nothing can be."""

import shutil
from dataclasses import replace

import duckdb
import numpy as np
import polars as pl
import pytest

from auditor.cli.main import run as command
from auditor.detectors.deep import encoder
from auditor.errors import DetectorError
from auditor.estimate.diversity.meaning.figures import Embedded, Meaning, measure_meaning
from auditor.pipeline.diversity import meaning
from auditor.pipeline.diversity.reference import DATED, GIVEN
from auditor.pipeline.documents.view import open_view
from auditor.pipeline.map.batch import score_bins
from auditor.pipeline.report.forgotten import keep_figures
from auditor.pipeline.run.reopen import read_report
from auditor.pipeline.run.retained import forget_texts
from auditor.pipeline.run.run import load_run
from auditor.records import Status, plain
from auditor.reports.model.schema import check, unknown_keys
from auditor.reports.render.notebook import figure
from auditor.run_columns import SAMPLE_BINS
from auditor.store.database import connect, query
from auditor.text.batch import TextBatch


class StandIn:
    """Embeds a text by the letters it is made of, one dimension for each; keeps what it read."""

    def __init__(self, *, blind=()):
        self.read, self.blind = [], blind

    def figures(self, batch):
        texts = [batch.document(i) for i in range(len(batch))]
        self.read += texts
        counts = np.array(
            [np.bincount(np.frombuffer(t.encode()[:2000], np.uint8), minlength=256) for t in texts], float
        )
        counts[[text.startswith(tuple(self.blind)) for text in texts]] = np.nan
        return counts


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A corpus of one topic and a reference of six, audited with a stand-in for the encoder."""
    where = tmp_path_factory.mktemp("meaning")
    rng = np.random.default_rng(8)
    for name, topics in (("corpus", 1), ("reference", 6)):
        rows = []
        for i in range(120):
            letters = list("abcdefghijklmnopqrstuvwx"[(i % topics) * 4 :][:4])
            own = ["".join(rng.choice(letters, 5)) for _ in range(60)]
            shared = rng.choice("the river towns should pay for walls when rain came earlier than they".split(), 90)
            rows.append({"text": " ".join(rng.permutation([*own, *shared])), "language": "en"})
        pl.DataFrame(rows).write_parquet(where / f"{name}.parquet")
    given = [str(where / "corpus.parquet"), "--human-reference", str(where / "reference.parquet"), "--meaning", "100"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meaning, "sentence_encoder", StandIn)
        assert command(["audit", *given, "--out", str(where / "run"), "--quiet"]) == 0
    return where


@pytest.fixture
def run(folder):
    return folder / "run"


def measured(run, stand_in, monkeypatch, *, reference=GIVEN, **settings):
    """The figures of the run's texts under other settings."""
    monkeypatch.setattr(meaning, "sentence_encoder", stand_in if callable(stand_in) else lambda: stand_in)
    opened = load_run(run)
    opened = replace(opened, config=opened.config.model_copy(update={"meaning": 100, **settings}))
    schema = {"document": pl.UInt64, "cluster": pl.UInt64, "representative": pl.Boolean, "kind": pl.String}
    none = pl.DataFrame(schema={**schema, "jaccard": pl.Float32})
    with duckdb.connect() as connection:
        open_view(connection, run, opened.plan.tasks, none, pl.DataFrame(schema={"document": pl.UInt64}))
        return meaning.measure_meanings(connection, opened, reference, lambda text: None)


def test_a_corpus_of_one_topic_is_more_alike_than_its_reference(run):
    report = read_report(run)
    found = report["corpus"]["meaning"]
    assert found["similarity"]["n"] == found["reference_similarity"]["n"] == 100
    assert found["similarity_change"]["lower"] > 0 and found["loss"]["lower"] > 0
    assert 1 < found["effective_documents"]["value"] < found["reference_effective_documents"]["value"] < 100
    assert unknown_keys(report) == []
    kinds = [s["meaning"] for s in report["strata"] if s["kind"] == "kind" and "meaning" in s]
    assert kinds and all(kind["similarity"]["n"] >= meaning.LEAST for kind in kinds)
    with connect(run / "audit.duckdb", read_only=True) as connection:
        rows = query(connection, "SELECT scope_kind, quantity, value FROM estimates WHERE quantity = 'meaning.loss'")
    assert ("corpus", "meaning.loss", pytest.approx(found["loss"]["value"])) in rows.rows()
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "How alike documents are in what they say" in page and 'id="meaning"' in page
    assert "this corpus" in figure(check(report), "meaning").page


def test_figures_outlive_the_texts_that_they_were_made_from(run):
    before = read_report(run)
    now = plain({"corpus": {"meaning": Meaning.nothing(meaning.NO_TEXT)}})
    assert keep_figures(now, before, ("corpus",))["corpus"]["meaning"] == before["corpus"]["meaning"]


def test_the_documents_of_lowest_hash_are_read_and_give_what_the_estimator_gives(run, monkeypatch):
    stand_in = StandIn()
    found = measured(run, stand_in, monkeypatch, meaning=60)
    expected = []
    for sample in run.glob("parts/*/sample.parquet"):
        known = pl.read_parquet(sample.with_name("documents.parquet"), columns=["stable_id", "group"])
        expected.append(pl.read_parquet(sample).sort("stable_id").head(60).join(known, on="stable_id"))
    assert sorted(stand_in.read) == sorted(text for frame in expected for text in frame["text"])
    values = []
    for frame in expected:
        body = Embedded(StandIn().figures(Texts(frame["text"])), frame["group"].to_numpy())
        values.append(measure_meaning(body, None).similarity)
    got = [found.corpus.similarity, found.corpus.reference_similarity]
    assert sorted((e.value, e.lower) for e in got) == [
        pytest.approx(e) for e in sorted((e.value, e.lower) for e in values)
    ]


class Texts(list):
    def document(self, i):
        return self[i]


def test_only_hashes_below_the_first_full_stratum_are_a_sample_of_all_documents(run, monkeypatch):
    monkeypatch.setattr(meaning, "SAMPLE_PER_CELL", 30)  # as if the splits had kept so few: the 30th of each is full
    stand_in = StandIn()
    measured(run, stand_in, monkeypatch, reference="none")
    samples = [pl.read_parquet(path) for path in run.glob("parts/*/sample.parquet")]
    kept = next(frame for frame in samples if set(frame["text"]) & set(stand_in.read))
    full = kept.with_columns(stratum=pl.Series(score_bins(kept["score"].to_numpy(), SAMPLE_BINS)))
    cells = full.group_by("language", "stratum").agg(pl.len(), last=pl.col("stable_id").max())
    bound = cells.filter(pl.col("len") >= 30)["last"].min()
    assert sorted(stand_in.read) == sorted(
        kept.filter(pl.col("stable_id") <= bound).sort("stable_id").head(100)["text"]
    )


def test_dated_documents_of_the_corpus_are_a_reference_too(run, monkeypatch):
    found = measured(run, StandIn(), monkeypatch, reference=DATED)  # none of these has a date
    assert "0 documents" in found.corpus.loss.reason and found.corpus.similarity.is_number
    found = measured(run, StandIn(), monkeypatch, reference="none: give --human-reference")
    assert found.corpus.loss.reason == "no human reference"


def test_documents_that_the_encoder_does_not_read_are_said(run, monkeypatch):
    read = StandIn()
    measured(run, read, monkeypatch)
    half = sorted({text[:12] for text in read.read})[::2]
    found = measured(run, StandIn(blind=half), monkeypatch).corpus.similarity
    assert found.status == Status.INCONCLUSIVE and "the encoder reads" in found.reason
    none = measured(run, StandIn(blind=[""]), monkeypatch).corpus.similarity
    assert none.status == Status.NOT_MEASURED and "0 documents" in none.reason


def test_what_is_not_measured_says_why_and_what_to_do(run, tmp_path, monkeypatch):
    def missing():
        raise DetectorError("the weights of encoder are not installed; run: auditor detectors install encoder")

    assert "auditor detectors install encoder" in measured(run, missing, monkeypatch).corpus.loss.reason
    stand_in = StandIn()
    assert "--meaning N" in measured(run, stand_in, monkeypatch, meaning=0).corpus.loss.reason
    assert stand_in.read == []
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    forget_texts(copy)
    assert "--retain none" in measured(copy, stand_in, monkeypatch).corpus.loss.reason


TOPICS = {
    "bread": "The baker mixes flour, water and yeast, kneads the dough until it is smooth, lets it rise in a warm bowl "
    "and bakes the loaf in a hot oven until the crust turns brown and the kitchen smells of fresh bread. ",
    "court": "The judge heard the appeal of the tenant against the landlord, read the contract aloud, and ruled that "
    "the notice was invalid because the law requires three months between the letter and the eviction. ",
}


def test_the_real_encoder_places_texts_by_what_they_say():
    if encoder.obstacle() is not None:
        pytest.skip("the encoder is not installed: auditor detectors install encoder")
    texts = [TOPICS["bread"] * 3, "Every morning he does it again. " + TOPICS["bread"] * 3, TOPICS["court"] * 3]
    batch = TextBatch.of(pl.Series(texts), pl.Series(["en"] * 3))
    vectors = encoder.of_meaning().figures(batch)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    assert vectors.shape == (3, 384) and cosine[0, 1] > 0.8 and cosine[0, 2] < 0.4
