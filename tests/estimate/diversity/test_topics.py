"""Topics that were put in come out again, with their names; one that is thinned out is the one that was lost."""

import numpy as np
import pytest

from auditor.estimate.diversity.lost import Bodies, at_size, lost_in
from auditor.estimate.diversity.shares import lost_names, share_retained
from auditor.estimate.diversity.topics import document_vectors, find_topics, name_topics, topic_cells, word_vectors
from auditor.records import Status

WORDS = 100  # of each topic; as many are common to all


def written(topics: np.ndarray, rng: np.random.Generator, length: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Documents of each topic: a third of the words is its own, the rest common. Hashes are spread over 64 bits."""
    own = rng.random((len(topics), length)) < 1 / 3
    rank = np.minimum(rng.zipf(1.3, own.shape) - 1, WORDS - 1)
    word = np.where(own, (topics[:, None] + 1) * WORDS, 0) + rank
    hashes = (word.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    hashes ^= hashes >> np.uint64(29)
    return hashes.reshape(-1), np.arange(len(topics) + 1) * length


def test_topics_are_found_again_and_named_by_their_own_words():
    rng = np.random.default_rng(1)
    true = rng.integers(0, 8, 800)
    hashes, offsets = written(true, rng)
    found = find_topics(document_vectors(word_vectors(hashes, offsets), seed=0), seed=0)
    purity = np.mean([np.bincount(true[found == t]).max() / np.sum(found == t) for t in np.unique(found[found >= 0])])
    assert purity > 0.95
    types = np.unique(hashes)
    known = {int(h): f"{w // WORDS - 1}" for w, h in zip(np.unique(_words(types)), types, strict=False)}
    assert len(known) == len(types)
    names = name_topics(
        found, np.repeat(np.arange(800), 120), np.searchsorted(types, hashes), [_name(t) for t in types]
    )
    for topic in np.unique(found):
        assert names[topic].split(", ")[0] == str(np.bincount(true[found == topic]).argmax())


def _words(types: np.ndarray) -> np.ndarray:
    table = {}
    for word in range(WORDS * 9):
        h = (word + 1) * 0x9E3779B97F4A7C15 % 2**64
        table[h ^ (h >> 29)] = word
    return np.array([table[int(t)] for t in types])


def _name(kind: np.uint64) -> str:
    return str(int(_words(np.array([kind]))[0]) // WORDS - 1)


def test_topics_do_not_depend_on_the_seed_s_call_order():
    rng = np.random.default_rng(2)
    vectors = document_vectors(word_vectors(*written(rng.integers(0, 4, 300), rng)), seed=0)
    np.testing.assert_array_equal(find_topics(vectors, seed=3), find_topics(vectors, seed=3))


def body(share: np.ndarray, documents: int, rng: np.random.Generator):
    return topic_cells(
        rng.choice(len(share), documents, p=share), rng.integers(0, 32, documents), np.full(documents, 255)
    )


def test_the_loss_of_topics_is_covered():
    even, uneven = np.full(10, 0.1), np.array([0.55] + [0.05] * 9)
    true = 1 - (1 / np.sum(uneven**2)) / 10
    covered = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        spectra = (body(share, 1500, rng).spectrum() for share in (uneven, even))
        found = lost_in(Bodies(*spectra, least=100, unit="documents"), standard=at_size).q2
        assert found.method.startswith("Hill q=2 at 1,500 documents")
        covered += found.lower <= true <= found.upper
    assert covered >= 17


def test_a_few_documents_are_inconclusive():
    rng = np.random.default_rng(0)
    spectra = (body(np.full(5, 0.2), n, rng).spectrum() for n in (60, 900))
    assert "60 documents: too few" in lost_in(Bodies(*spectra, least=100, unit="documents"), standard=at_size).q0.reason


@pytest.mark.parametrize("kept", [1.0, 0.4])
def test_the_share_that_a_minority_keeps_is_covered(kept):
    """The field's 90/10 example: a class of one in ten, of whose documents some are replaced by the majority's."""
    inside = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        sizes = rng.poisson(60, 32).astype(float), rng.poisson(60, 32).astype(float)
        ours, theirs = rng.binomial(sizes[0].astype(int), 0.1 * kept), rng.binomial(sizes[1].astype(int), 0.1)
        found = share_retained(ours, theirs, sizes)
        inside += found.lower <= kept <= found.upper
    assert inside >= 34


def test_only_what_surely_lost_is_named():
    rng = np.random.default_rng(0)
    reference = rng.poisson([[20.0], [10.0], [10.0]], (3, 32)).astype(float)
    corpus = rng.poisson([[26.0], [10.0], [3.0]], (3, 32)).astype(float)
    rows = lost_names(["majority", "steady", "minority"], corpus, reference)
    assert [row.name for row in rows] == ["minority"]
    assert rows[0].corpus == corpus[2].sum()


def test_a_class_that_is_gone_keeps_nothing_and_one_unknown_to_the_reference_is_not_measured():
    each, none = np.full(32, 5.0), np.zeros(32)
    sizes = np.full(32, 50.0), np.full(32, 50.0)
    gone = share_retained(none, each, sizes)
    assert (gone.value, gone.lower) == (0.0, 0.0)
    assert 0 < gone.upper < 0.1
    assert share_retained(each, none, sizes).status == Status.NOT_MEASURED
