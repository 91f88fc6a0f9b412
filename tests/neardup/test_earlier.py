"""Documents seen in earlier audits, lookups through datasketch's index, and refusals that say why."""

import numpy as np
import polars as pl
import pytest
from datasketch import MinHash, MinHashLSH

from auditor.errors import ConfigError
from auditor.neardup.earlier import SEEN, against, comparable, shared_buckets
from auditor.neardup.lookup import candidates, index_of, matches, sketch_of
from auditor.sketch.bands import band_frame, parameters
from auditor.sketch.minhash import SEED
from tests.neardup.corpora import LSH, PERMUTED, Corpus, edited, families

RNG = np.random.default_rng(4)


def touched(base: np.ndarray) -> np.ndarray:
    """A copy with two words replaced: Jaccard .90 for 200 words."""
    out = base.copy()
    out[[60, 140]] = 1, 2
    return out


BASES = [RNG.integers(0, 1 << 62, 200, np.uint64) for _ in range(30)]
EARLIER = Corpus(BASES, RNG.permutation(1000)[:30])
# Of 40 documents: 10 the same, 10 slightly edited, 10 rewritten by half, 10 new; ids from the same small range.
NOW = Corpus(
    [
        *BASES[:10],
        *(touched(b) for b in BASES[10:20]),
        *(edited(b, 0.3, RNG) for b in BASES[20:]),
        *(RNG.integers(0, 1 << 62, 200, np.uint64) for _ in range(10)),
    ],
    RNG.permutation(1000)[:40],
)


def batches(corpus: Corpus, parts: int = 3):
    return [corpus.taken(rows) for rows in np.array_split(np.arange(len(corpus.ids)), parts)]


def partitions(now: Corpus, earlier: Corpus):
    ours, theirs = (band_frame(c.ids, c.signatures, LSH) for c in (now, earlier))
    return [(ours.filter(pl.col("band") == b), theirs.filter(pl.col("band") == b)) for b in range(LSH.bands)]


@pytest.mark.parametrize("spilled", [False, True])
def test_documents_seen_before_are_found_with_what_they_resemble(spilled, tmp_path):
    scratch = tmp_path if spilled else None
    seen = against(partitions(NOW, EARLIER), batches(NOW), batches(EARLIER), 0.8, scratch=scratch)
    assert seen.schema == SEEN and seen["document"].is_sorted()
    found = {document: (earlier, jaccard) for document, earlier, jaccard in seen.iter_rows()}
    assert found.keys() == {int(d) for d in NOW.ids[:20]}
    for i in range(20):
        earlier, jaccard = found[int(NOW.ids[i])]
        assert earlier == EARLIER.ids[i]
        assert jaccard == 1 if i < 10 else 0.8 <= jaccard < 1


def test_a_run_against_itself_has_seen_everything_and_against_nothing_nothing():
    corpus = families(2, 40)
    seen = against(partitions(corpus, corpus), batches(corpus), batches(corpus), 0.8)
    has_words = [int(d) for d, s in zip(corpus.ids, corpus.sets, strict=True) if s]
    assert sorted(seen["document"].to_list()) == sorted(has_words) and (seen["jaccard"] == 1).all()
    nothing = Corpus([], np.empty(0))
    assert against(partitions(corpus, nothing), batches(corpus), batches(nothing), 0.8).is_empty()
    assert against(partitions(nothing, corpus), batches(nothing), batches(corpus), 0.8).is_empty()


def test_a_bucket_gives_at_most_its_eight_smallest_earlier_documents():
    schema = {"band": pl.UInt8, "hash": pl.UInt64, "document": pl.UInt64}
    ours = pl.DataFrame([(0, 7, 1), (0, 8, 2)], schema=schema, orient="row")
    theirs = pl.DataFrame([(0, 7, 100 - i) for i in range(50)], schema=schema, orient="row")
    assert sorted(shared_buckets(ours, theirs).rows()) == [(1, earlier) for earlier in range(51, 59)]


def test_a_run_made_with_other_parameters_is_refused_naming_them():
    ours = {**PERMUTED.as_dict(), **LSH.as_dict(), "width": 5}
    comparable(ours, dict(ours), "RUN2")
    theirs = {**ours, "seed": 7, **parameters(0.7).as_dict()}
    with pytest.raises(ConfigError, match=r"RUN2.*bands is 21 there and 16 here.*rows.*seed is 7 there and 1 here"):
        comparable(ours, theirs, "RUN2")
    with pytest.raises(ConfigError, match="width is None there"):
        comparable(ours, {k: v for k, v in ours.items() if k != "width"}, "RUN2")


def test_signatures_of_a_run_are_sketches_of_datasketch():
    lean = sketch_of(NOW.signatures[0], SEED)
    own = MinHash(seed=SEED, hashvalues=NOW.signatures[0], scheme="affine32")
    assert MinHash(seed=SEED, hashvalues=lean.hashvalues, scheme="affine32") == own
    assert lean.jaccard(sketch_of(EARLIER.signatures[0], SEED)) == 1
    index = index_of(EARLIER.ids, EARLIER.signatures, LSH, seed=SEED)
    assert isinstance(index, MinHashLSH) and index.query(own) == [int(EARLIER.ids[0])]


def test_a_lookup_tells_what_the_corpus_holds_of_each_text_best_first():
    queries = band_frame(np.arange(40, dtype=np.uint64), NOW.signatures, LSH)
    wanted = candidates(queries, band_frame(EARLIER.ids, EARLIER.signatures, LSH).lazy())
    found = matches(NOW.signatures, wanted, batches(EARLIER), LSH, seed=SEED)
    assert found["query"].unique().sort().to_list() == list(range(20))
    for query, document, jaccard in found.iter_rows():
        assert document == EARLIER.ids[query] and (jaccard == 1 if query < 10 else jaccard < 1)
    assert matches(NOW.signatures, wanted[:0], batches(EARLIER), LSH, seed=SEED).is_empty()


def test_a_lookup_finds_all_members_of_a_cluster():
    corpus = Corpus([BASES[0], touched(BASES[0]), BASES[0], BASES[1]], np.array([4, 3, 2, 1]))
    query = corpus.signatures[:1]
    wanted = candidates(
        band_frame(np.zeros(1, np.uint64), query, LSH), band_frame(corpus.ids, corpus.signatures, LSH).lazy()
    )
    found = matches(query, wanted, batches(corpus), LSH, seed=SEED)
    assert found["document"].to_list() == [2, 4, 3] and found["jaccard"].to_list()[:2] == [1, 1]
