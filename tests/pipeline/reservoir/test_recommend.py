"""Sizing by stratum: which strata a run has, their spectra, what sidecars declare, what the total is made of."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from auditor.collapse.options import ReservoirOptions
from auditor.collapse.stratum import Shard, Stratum
from auditor.pipeline.reservoir import strata as strata
from auditor.pipeline.reservoir.declared import read_declared, verdict
from auditor.pipeline.reservoir.measurements import ELSEWHERE, Measurements
from auditor.pipeline.reservoir.recommend import frequencies, resize, size_reservoir
from auditor.pipeline.reservoir.section import report_section
from auditor.pipeline.run.parts import part_folder
from auditor.records import Estimate
from auditor.sketch.types import merge

WORDS = np.array([f"w{i}" for i in range(20_000)])
KNOWN = Estimate(0.2, 0.1, 0.3, method="given", n=100)
RETAINED = Estimate(0.95, 0.9, 0.99, method="given", n=100)
SIDECAR = {"generator": "lm", "verifier": "proofs", "error_rate": 0.1, "keep_right": 0.9, "keep_wrong": 0.3}


class Run:
    """A run's parts without its audit: two shards of documents whose words are drawn from Zipf's law."""

    def __init__(self, folder: Path, languages: tuple[str, ...] = ("en",), topics: tuple[str, ...] = ("one",)) -> None:
        self.folder, rng = folder, np.random.default_rng(0)
        self.shards = [f"{place}/{place}.jsonl" for place in ("web", "books")]
        for key, shard in enumerate(self.shards):
            (folder / "corpus" / shard).parent.mkdir(parents=True)
            own = part_folder(folder, str(key))
            own.mkdir(parents=True)
            rows = [_row(rng, i, languages[i % len(languages)], topics[i % len(topics)]) for i in range(240)]
            frame = pl.DataFrame(rows)
            frame.with_columns(bytes=pl.col("text").str.len_bytes(), eligible=True).drop("text").write_parquet(
                own / "documents.parquet"
            )
            frame.write_parquet(own / "sample.parquet")
        tasks = [
            SimpleNamespace(key=str(key), shard=SimpleNamespace(name=name, path=str(folder / "corpus" / name)))
            for key, name in enumerate(self.shards)
        ]
        corpus = SimpleNamespace(shards=[task.shard for task in tasks])
        self.plan = SimpleNamespace(of_role=lambda role: tasks, corpus=corpus)
        kinds = [("language", name) for name in languages] + [("topic", name) for name in topics]
        self.whole = Stratum("corpus", 96_000, 480, 480_000, KNOWN, None, RETAINED)
        self.measured = [Shard(name, 48_000, 240, 240_000, KNOWN, RETAINED, KNOWN) for name in self.shards]
        self.strata = [Stratum(name, 0, 0, 0, KNOWN, None, ELSEWHERE, kind) for kind, name in kinds]

    def declare(self, shard: str, said: dict) -> None:
        (self.folder / "corpus" / f"{shard}.provenance.json").write_text(json.dumps(said))

    def sized(self, options: ReservoirOptions | None = None):
        measured = Measurements(self.whole, tuple(self.measured), tuple(self.strata))
        return size_reservoir(self.folder, self.plan, measured, _types(), options or ReservoirOptions())


def _row(rng, i: int, language: str, topic: str) -> dict:
    rank = np.minimum(rng.zipf(1.3 if topic == "one" else 1.6, 200), WORDS.size) - 1
    return {
        "row": i,
        "stable_id": i,
        "doc_id": str(i),
        "language": language,
        "topic": topic,
        "words": 200,
        "score": -1.0,
        "score_bin": 0,
        "text": " ".join(WORDS[rank]),
    }


def _types() -> pl.DataFrame:
    counts = np.maximum(2e5 / np.arange(1, 20_001) ** 1.1, 1).astype(int)
    kept = {"level": 1, "bin": 0, "group": 0, "fixed": True, "threshold": 2**64 - 1}
    whole = {"type": None, "count": int(counts.sum()), "blocks": int(counts.sum()) // 200}
    rows = [{"type": i, "count": int(c), "blocks": max(int(c) // 2, 1)} for i, c in enumerate(counts)]
    return merge([pl.DataFrame([row | kept for row in [whole, *rows]], schema_overrides=_SCHEMA).select(*_SCHEMA)])


_SCHEMA = {
    "level": pl.UInt8,
    "type": pl.UInt64,
    "bin": pl.UInt8,
    "group": pl.UInt8,
    "count": pl.UInt64,
    "blocks": pl.UInt64,
    "fixed": pl.Boolean,
    "threshold": pl.UInt64,
}


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path, topics=("one", "two"))


def test_every_topic_and_folder_is_sized_with_a_spectrum_of_its_own(run):
    found = report_section(run.sized())
    names = [(row["kind"], row["name"]) for row in found["strata"]]
    assert names == [("topic", "one"), ("topic", "two"), ("folder", "books"), ("folder", "web")]
    for row in found["strata"]:
        assert all(row[band]["human_tokens"] > 0 for band in ("optimistic", "central", "pessimistic")), row
        assert row["sample_tokens"] >= 200 * 200
    assert found["central"]["strata"][0]["stratum"] == "corpus"


def test_the_topic_that_still_discovers_most_comes_first(run):
    rows = [row for row in report_section(run.sized())["priorities"] if row["kind"] == "topic"]
    assert [row["name"] for row in rows] == ["one", "two"]
    assert rows[0]["gain"] > 2 * rows[1]["gain"]


def test_languages_share_no_words_and_add_up_to_the_total(tmp_path):
    sized = Run(tmp_path, languages=("en", "de")).sized()
    central = sized.total.as_dict()["central"]
    assert [row["stratum"] for row in central["strata"]] == ["de", "en"]
    assert central["tokens"] == sum(row["tokens"] for row in central["strata"])
    assert {row["kind"] for row in report_section(sized)["strata"]} == {"language", "folder"}


def test_a_run_of_one_language_and_one_folder_is_the_corpus_alone(tmp_path):
    alone = Run(tmp_path)
    alone.measured = [replace(shard, name=shard.name.split("/")[1]) for shard in alone.measured]
    alone.plan.of_role("corpus")[0].shard.name = "web.jsonl"
    alone.plan.of_role("corpus")[1].shard.name = "books.jsonl"
    found = report_section(alone.sized())
    assert found["strata"] == [] and [row["name"] for row in found["priorities"]] == ["corpus"]


def test_without_retained_texts_strata_are_sized_by_their_fractions_alone(tmp_path):
    bare = Run(tmp_path, languages=("en", "de"))
    for path in tmp_path.rglob("sample.parquet"):
        path.unlink()
    found = report_section(bare.sized())
    assert found["central"]["human_tokens"] == pytest.approx(0.8 * 96_000, abs=2)
    assert all(row["reason"] is None and row["sample_tokens"] == 0 for row in found["strata"])


def test_strata_of_kind_and_source_are_sized_as_the_report_has_them(run):
    for name, fraction in (("recipes", 0.9), ("forum posts", 0.95)):
        made = Estimate(fraction, fraction - 0.02, fraction + 0.02, method="given", n=50)
        run.strata.append(Stratum(name, 48_000, 240, 240_000, made, None, ELSEWHERE, "kind"))
    run.whole = replace(run.whole, fraction=Estimate(0.92, 0.9, 0.94, method="given", n=100))
    found = report_section(run.sized())
    kinds = [row for row in found["keep"]["kinds"] if row["kind"] == "kind"]
    assert [row["name"] for row in kinds] == ["recipes", "forum posts"]
    assert kinds[0]["tokens"]["value"] == pytest.approx(4_800) and kinds[0]["acquire"]["central"] > 0
    assert "most of it forum posts" in found["sentence"]


def test_strata_add_up_to_the_corpus_or_it_is_said_why_they_do_not(run):
    kept = report_section(run.sized())["keep"]
    sums = {row["kind"]: row for row in kept["sums"]}
    assert set(sums) == {"topic", "folder"}
    for row in sums.values():
        assert row["human_tokens"] == pytest.approx(kept["tokens"]["value"], rel=0.02)
        assert row["note"] is None or "tokens to acquire (the corpus: " in row["note"]
    made = Estimate(0.95, 0.9, 0.99, method="given", n=50)
    run.strata[-1] = replace(run.strata[-1], fraction=made)
    off = {row["kind"]: row for row in report_section(run.sized())["keep"]["sums"]}
    assert "human tokens to keep" not in (off["folder"]["note"] or "")
    assert "By topic the strata add up to" in off["topic"]["note"] and "(the corpus: 76,800)" in off["topic"]["note"]
    run.strata[-1] = replace(run.strata[-1], fraction=Estimate.not_measured("no anchors of its kind"))
    unsized = {row["kind"]: row for row in report_section(run.sized())["keep"]["sums"]}["topic"]
    assert "two cannot be sized" in unsized["note"] and "they hold 50% of the text" in unsized["note"]


def test_a_stratum_without_anchors_is_named_without_a_figure_and_the_others_have_theirs(run):
    run.strata[-1] = replace(run.strata[-1], fraction=Estimate.not_measured("no anchors of its kind"))
    found = report_section(run.sized())
    rows = {row["name"]: row for row in found["strata"] if row["kind"] == "topic"}
    assert rows["two"]["reason"].endswith("not measured (no anchors of its kind)") and "central" not in rows["two"]
    assert rows["one"]["central"]["tokens"] is not None and found["central"]["tokens"] is not None


def test_a_corpus_that_is_all_machine_text_keeps_nothing_and_acquires_the_whole_share(run):
    made = Estimate(1.0, 0.97, 1.0, method="given", n=100)
    run.whole = replace(run.whole, fraction=made)
    run.measured = [replace(shard, fraction=made) for shard in run.measured]
    run.strata = [replace(own, fraction=made) for own in run.strata]
    found = report_section(run.sized())
    assert found["keep"]["tokens"]["value"] == 0 and found["keep"]["shards"] == []
    assert {row["reason"] for row in found["keep"]["left_out"]} == {"less than 5% of it is human text"}
    central = found["central"]
    assert central["tokens"] == pytest.approx(central["required_share"] * 96_000 / 4, abs=2)
    assert 0 < central["tokens"] < 96_000 and central["human_share"] == pytest.approx(central["required_share"])
    assert found["sentence"].startswith("The corpus holds no human text to keep; add ")


def test_admitted_synthetic_text_leaves_the_contamination_and_the_rest_does_not(run):
    run.whole = replace(run.whole, fraction=Estimate(0.9, 0.85, 0.95, method="given", n=100))
    plain = run.sized().total.as_dict()["pessimistic"]
    run.declare(run.shards[0], SIDECAR)
    admitted = run.sized()
    run.declare(run.shards[0], SIDECAR | {"error_rate": 0.9})
    refused = run.sized()
    assert admitted.total.as_dict()["pessimistic"]["tokens"] < plain["tokens"]
    assert refused.total.as_dict()["pessimistic"]["tokens"] == plain["tokens"]
    (row,) = report_section(admitted)["declared"]
    assert row["admitted"] and row["threshold"] == pytest.approx(0.75) and row["tokens"] == 48_000
    (row,) = report_section(refused)["declared"]
    assert not row["admitted"] and "not below Feng's threshold 0.75" in row["reason"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"generator": "lm"}, "no verifier"),
        ({"generator": "lm", "kind": "generated"}, "no credit"),
        ({"generator": "lm", "kind": ["rephrased"]}, "no verifier"),
        ({"generator": "lm", "verifier": "me"}, "must give error_rate"),
        (SIDECAR | {"error_rate": "none"}, "must give error_rate"),
        (SIDECAR | {"keep_wrong": 3}, "must give error_rate"),
        (SIDECAR | {"keep_right": 0}, "not below"),
    ],
)
def test_a_declaration_that_cannot_be_checked_admits_nothing(run, said, why):
    run.declare(run.shards[0], said)
    declared = read_declared(run.plan, run.measured)
    (own,) = declared.synthetic.values()
    assert not own.passes and why in verdict(own)


def test_verified_human_text_counts_in_full_unless_the_measurement_says_otherwise(run):
    run.declare(run.shards[0], {"generator": None, "verifier": "two editors"})
    assert not read_declared(run.plan, run.measured).human
    clean = replace(run.measured[0], fraction=Estimate(0.01, 0.0, 0.05, method="given"))
    assert read_declared(run.plan, [clean, run.measured[1]]).human == {run.shards[0]}


def test_documents_that_score_as_machine_written_are_in_no_spectrum(run):
    key = run.plan.of_role("corpus")[0].key
    path = part_folder(run.folder, key) / "sample.parquet"
    pl.read_parquet(path).with_columns(score=pl.lit(3.0)).write_parquet(path)
    found = strata.sampled_spectra(run.folder, run.plan, {"folder": ["web", "books"]})
    assert list(found) == [("folder", "books")]
    assert found["folder", "books"].units == 240


def test_a_stratum_spectrum_is_a_plain_count_of_its_words(run):
    found = strata.sampled_spectra(run.folder, run.plan, {"topic": ["one"]})["topic", "one"]
    texts = pl.concat([pl.read_parquet(path) for path in run.folder.rglob("sample.parquet")]).filter(topic="one")[
        "text"
    ]
    counts: dict[str, int] = {}
    held: dict[str, int] = {}
    for text in texts:
        for word in text.split():
            counts[word] = counts.get(word, 0) + 1
        for word in set(text.split()):
            held[word] = held.get(word, 0) + 1
    assert found.tokens == sum(counts.values()) and found.types == len(counts)
    assert found.seen_times(1) == sum(count == 1 for count in counts.values())
    assert float(found.incidence @ found.multiplicity) == pytest.approx(sum(held.values()))
    np.testing.assert_allclose(found.by_group.sum(1), found.frequency * found.multiplicity)
    assert found.group_tokens.sum() == found.tokens


def test_folders_fractions_bound_their_shards_and_need_nearly_all_of_them():
    shard = Shard("a", 100, 1, 600, KNOWN, RETAINED, KNOWN)
    dirty = replace(shard, tokens=300, fraction=Estimate(0.6, 0.5, 0.7, method="given", n=10))
    unknown = replace(dirty, fraction=Estimate.not_measured("too short"))
    found = strata.pooled_fraction([shard, dirty])
    assert (found.lower, found.value, found.upper) == pytest.approx((0.4, 0.5, 0.6))
    assert strata.pooled_fraction([shard, unknown]).value is None


def test_blocks_of_words_tell_how_rare_words_clump():
    found = frequencies(_types())
    assert found.unit == "blocks of 200 words" and found.units > 0
    assert float((found.frequency / found.incidence)[-1]) == pytest.approx(2, rel=0.1)
    np.testing.assert_allclose(found.by_group.sum(1), found.frequency * found.multiplicity)
    assert found.group_tokens.sum() == found.tokens


def test_a_finished_run_is_sized_again_as_the_audit_sized_it(audited, report, tmp_path):
    config = ReservoirOptions()
    found = resize(audited, config, mix=tmp_path / "mix.toml")
    assert alike(json.loads(json.dumps(found["strata"])), report["reservoir"]["strata"])
    for band in ("optimistic", "central", "pessimistic"):
        assert found[band]["tokens"] == pytest.approx(report["reservoir"][band]["tokens"], rel=1e-3)
    plan = tomllib.loads((tmp_path / "mix.toml").read_text())
    assert plan["collect"] and plan["existing"] and plan["mix"]
    assert {row["varied"] for row in report["reservoir"]["sensitivity"]} >= {
        "fraction",
        "width",
        "tolerance",
        "horizon",
    }
    assert report["reservoir"]["words"] and report["reservoir"]["narrower"]


def alike(first, second):
    """The same tree, numbers within a thousandth or one: report.json rounds what the sizing starts from."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(alike(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(alike, first, second))
    if isinstance(first, int | float) and isinstance(second, int | float):
        return first == pytest.approx(second, rel=1e-3, abs=1 if isinstance(first, int) else 1e-6)
    return first == second
