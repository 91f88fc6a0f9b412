"""Real pages with much in common: notices, licences. Texts are read where they are and never kept."""

import numpy as np
import polars as pl
import pytest

from auditor.neardup.cluster import Clusters, gather_candidates, settle
from auditor.neardup.evidence import differences, longest_shared
from auditor.neardup.shingles import ShingleStore, jaccard
from auditor.neardup.stars import exact_duplicates, stars
from auditor.sketch.bands import band_frame
from auditor.sketch.content import content_hashes
from auditor.sketch.minhash import shingle_set, signatures
from auditor.text.batch import TextBatch
from tests.neardup.corpora import LSH, PERMUTED

pytestmark = pytest.mark.labelled


def clustered(texts: list[str], folder) -> tuple[Clusters, list[np.ndarray]]:
    batch, ids = TextBatch.of(pl.Series(texts)), np.arange(len(texts), dtype=np.uint64)
    content = content_hashes(batch.text, batch.offsets)
    copies = exact_duplicates(pl.DataFrame({"content_1": content[:, 0], "content_2": content[:, 1], "document": ids}))
    rows = signatures(batch.tokens, PERMUTED)
    edges = stars(band_frame(ids, rows, LSH), without=copies["document"].to_numpy())
    found = gather_candidates([edges.lazy()], [(ids, rows)], LSH)
    sets = [shingle_set(batch.tokens, i) for i in range(len(texts))]
    store = ShingleStore(folder / "shingles")
    for document in found.to_read:
        store.add(document, sets[document])
    return settle(found, copies, exact=store.jaccards), sets


@pytest.fixture(scope="module")
def notices(labelled) -> list[str]:
    return pl.read_parquet(labelled / "human_dated_gov.parquet")["text"].to_list()


def test_templated_notices_are_clustered_only_where_they_really_repeat(notices, tmp_path):
    clusters, sets = clustered(notices, tmp_path)
    frame = clusters.frame
    assert 0 < frame.height < 0.02 * len(notices)
    for document, representative in frame.select("document", "representative").iter_rows():
        assert jaccard(sets[document], sets[representative]) >= LSH.threshold - 2 * LSH.deviation
    largest = frame["cluster"].value_counts(sort=True)["cluster"][0]
    other = frame.filter((pl.col("cluster") == largest) & (pl.col("document") != largest))["document"][0]
    assert len(longest_shared(notices[largest], notices[other])) > 0.3 * len(notices[largest])
    assert any(not passage.same for passage in differences(notices[largest], notices[other]))


def test_one_licence_under_different_projects_does_not_glue_them(notices, tmp_path):
    words = [text.split() for text in notices if len(text.split()) > 300]
    licence, bodies = " ".join(words[0][:300]), [" ".join(each[:80]) for each in words[1:201]]
    pages = [f"{body} {licence}" for body in bodies]
    again = [f"{body} updated {licence}" for body in bodies[:50]]  # the same project, one word more
    clusters, _ = clustered(pages + again, tmp_path)
    pairs = set(
        clusters.frame.filter(pl.col("document") != pl.col("cluster")).select("document", "cluster").iter_rows()
    )
    assert pairs == {(200 + i, i) for i in range(50)}
    assert clusters.statistics.rejected > 1000
