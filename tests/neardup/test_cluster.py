"""Clusters against a slow twin; the same bytes for any order and partition; nothing glued, nothing silent."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import StoreError
from auditor.neardup.cluster import CLUSTERS, Statistics, gather_candidates, settle
from auditor.neardup.stars import exact_duplicates, stars
from auditor.sketch.bands import band_frame
from tests.neardup.corpora import LSH, Corpus, clustered, edited, families
from tests.neardup.naive import near_duplicates

RNG = np.random.default_rng(11)


def written(frame: pl.DataFrame, path) -> bytes:
    frame.write_parquet(path)
    return path.read_bytes()


@given(st.integers(0, 10**6), st.integers(0, 12), st.booleans())
@settings(max_examples=40)
def test_clusters_are_those_of_the_slow_twin(seed, groups, exact):
    corpus = families(seed, groups)
    duplicates = exact_duplicates(corpus.content)
    copies = set(duplicates["document"].to_list())
    expected = near_duplicates(corpus, copies, exact=exact)
    found = clustered(corpus, exact=corpus.exact if exact else None)
    near = found.frame.filter((pl.col("kind") == "near") & (pl.col("document") != pl.col("cluster")))
    got = {d: (r, j, e) for d, r, j, e in near.select("document", "cluster", "jaccard", "estimated").iter_rows()}
    assert got.keys() == expected.keys()
    for d, (r, j, e) in expected.items():
        assert got[d] == (r, pytest.approx(j, abs=1e-6), e)
    for document, original in duplicates.iter_rows():
        row = found.frame.row(by_predicate=pl.col("document") == document, named=True)
        assert row["kind"] == "exact" and row["cluster"] == expected.get(original, (original,))[0]


@given(st.integers(0, 10**6), st.integers(1, 5), st.permutations(range(30)))
@settings(max_examples=25)
def test_the_result_is_the_same_to_the_byte_for_any_order_partition_and_memory(seed, parts, shuffled):
    import tempfile
    from pathlib import Path

    corpus = families(seed, 12)
    order = np.argsort([shuffled[i % 30] for i in range(len(corpus.ids))], kind="stable")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = clustered(corpus, exact=corpus.exact)
        other = clustered(corpus, exact=corpus.exact, parts=parts, order=order, limit=4096, scratch=folder)
        assert written(one.frame, folder / "a") == written(other.frame, folder / "b")
        assert one.statistics == other.statistics


def test_every_member_resembles_its_representative_and_the_cluster_is_its_smallest_id():
    corpus = families(3, 200, most=12)
    frame = clustered(corpus, exact=corpus.exact).frame
    assert frame.schema == CLUSTERS
    for document, cluster, jaccard in frame.select("document", "cluster", "jaccard").iter_rows():
        true = corpus.jaccard(document, cluster)
        assert true >= 0.7 and abs(true - jaccard) < 0.15
    smallest = frame.group_by("cluster").agg(pl.col("document").min(), pl.len())
    assert (smallest["document"] == smallest["cluster"]).all() and smallest["len"].min() >= 2
    assert frame["document"].is_unique().all()


def test_a_chain_of_drifting_copies_is_cut_where_members_stop_resembling_the_representative():
    text = RNG.integers(0, 1 << 62, 400, np.uint64)
    chain = [np.concatenate([text[20 * i : 20 * i + 250]]) for i in range(6)]  # neighbours .85, next but one .72
    corpus = Corpus(chain, np.arange(6))
    found = clustered(corpus, exact=corpus.exact)
    assert found.statistics.components == 1 and found.statistics.split == 1
    for document, cluster in found.frame.select("document", "cluster").iter_rows():
        assert document - cluster <= 1


def test_pages_of_one_template_are_not_glued():
    template = RNG.integers(0, 1 << 62, 190, np.uint64)
    pages = [np.concatenate([template, RNG.integers(0, 1 << 62, 60, np.uint64)]) for _ in range(300)]  # J .61
    corpus = Corpus(pages, RNG.permutation(300))
    found = clustered(corpus, exact=corpus.exact)
    assert found.statistics.candidates > 250 and found.frame.is_empty()


def test_documents_left_over_are_counted_when_every_bucket_has_its_eight_stars():
    same = RNG.integers(0, 1 << 32, 128, np.uint32)
    rows = RNG.integers(0, 1 << 32, (20, 128), np.uint32)
    rows[:, :8] = same[:8]  # one shared bucket, nothing else in common
    ids = np.arange(20, dtype=np.uint64)
    found = gather_candidates([stars(band_frame(ids, rows, LSH)).lazy()], [(ids, rows)], LSH)
    statistics = settle(found, exact_duplicates(families(0, 0).content)).statistics
    assert (statistics.left_over, statistics.near, statistics.split) == (12, 0, 1)


def test_empty_texts_are_no_duplicates_and_short_ones_only_of_the_same_words():
    words = [np.array(w, np.uint64) for w in ([], [], [7], [7], [7, 8], [8, 7], [7] * 5, [7] * 5000)]
    corpus = Corpus(words, np.arange(8))
    frame = clustered(corpus, exact=corpus.exact).frame
    assert frame.select("document", "cluster", "kind").rows() == [
        (2, 2, "exact"),
        (3, 2, "exact"),
        (6, 6, "near"),
        (7, 6, "near"),
    ]


def test_a_copy_of_a_near_member_stands_in_its_cluster_with_its_jaccard():
    base = RNG.integers(0, 1 << 62, 300, np.uint64)
    near = edited(base, 0.01, RNG)
    corpus = Corpus([base, near, near, base], np.array([5, 6, 7, 8]))
    frame = clustered(corpus, exact=corpus.exact).frame
    assert frame["cluster"].to_list() == [5] * 4
    assert frame["kind"].to_list() == ["near", "near", "exact", "exact"]
    assert frame["jaccard"][1] == frame["jaccard"][2] < 1 == frame["jaccard"][3]


def test_a_candidate_without_a_signature_is_an_error_that_names_it():
    corpus = Corpus([np.arange(9, dtype=np.uint64)] * 2, np.array([1, 2]))
    edges = [pl.DataFrame({"document": [2], "centre": [1]}, schema={"document": pl.UInt64, "centre": pl.UInt64}).lazy()]
    with pytest.raises(StoreError, match="incomplete"):
        gather_candidates(edges, [corpus.taken(np.array([0]))], LSH)
    with pytest.raises(StoreError, match="scratch"):
        gather_candidates(edges, [corpus.taken(np.array([0, 1]))], LSH, limit=100)


def test_texts_that_cannot_be_read_again_are_decided_by_their_signatures():
    corpus = families(5, 60)
    blind = clustered(corpus, exact=lambda left, right: np.full(len(left), np.nan))
    assert blind.frame.equals(clustered(corpus).frame)
    assert blind.statistics.measured == 0 and blind.frame.filter(pl.col("kind") == "near")["jaccard"].min() >= 0.8


def test_documents_to_read_are_those_in_doubt_and_suffice():
    corpus = families(8, 150)
    bands = band_frame(corpus.ids, corpus.signatures, LSH)
    found = gather_candidates([stars(bands).lazy()], [corpus.taken(np.arange(len(corpus.ids)))], LSH)
    wanted = set(found.to_read.tolist())
    assert 0 < len(wanted) < len(corpus.ids)
    asked = []

    def exact(left, right):
        asked.extend([*left.tolist(), *right.tolist()])
        return corpus.exact(left, right)

    settle(found, exact_duplicates(corpus.content), exact=exact)
    assert set(asked) <= wanted


def test_statistics_add_up_and_keep_the_most_rounds():
    one, two = Statistics(edges=2, rounds=3), Statistics(edges=5, rounds=1, near=4)
    assert one + two == two + one == Statistics(edges=7, rounds=3, near=4)
