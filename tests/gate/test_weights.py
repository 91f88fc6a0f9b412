"""Weights leave machine text behind without losing what is rare in human text."""

import numpy as np

from auditor.gate.selection import cell
from auditor.gate.weights import CARRIERS, TailTally, human_weights, tail_shares


def naive(types, documents, chances, words):
    """Carriers, shares and retention by the definitions, in plain Python."""
    held = {t: [i for i, words_ in enumerate(documents) if t in words_] for t in types}
    weights = chances[:, 1]
    scarce = {t: who for t, who in held.items() if 0 < len(who) <= CARRIERS}
    rich = np.array([sum(1 / len(who) for who in scarce.values() if i in who) for i in range(len(documents))])
    mean = (weights * rich).sum() / (weights * words).sum()
    shares = np.minimum(rich / words / mean, 1)
    final = np.maximum(weights, shares)
    there = {t: who for t, who in held.items() if who}

    def kept(v):
        return float(np.mean([1 - np.prod([1 - v[i] for i in who]) for who in there.values()]))

    return shares, {"threshold": kept(chances[:, 0]), "weights": kept(weights), "protected": kept(final)}


def tallied(rng, *, batches):
    types = np.sort(rng.choice(10**6, 60, replace=False)).astype(np.uint64)
    documents = [
        rng.choice(types, rng.integers(0, 6)).tolist() + rng.integers(10**6, 10**7, 20).tolist() for _ in range(80)
    ]
    words = np.array([len(d) for d in documents])
    p = rng.random(80)
    chances = np.stack([(p < 0.5).astype(float), human_weights(p)], axis=1)
    tally = TailTally.of(types)
    for part in np.array_split(np.arange(80), batches):
        document = np.repeat(part, words[part])
        tally.add(np.concatenate([np.array(documents[i], np.uint64) for i in part]), document, chances[document])
    return tally, types, documents, chances, words


def shares_of(tally, words, weights):
    """Of every document."""
    carriers, held = tally.carried()
    out = np.zeros(len(words))
    out[carriers] = tail_shares(held, words[carriers], weights[carriers], float(weights @ words))
    return out


def test_shares_and_retention_are_those_of_the_definitions_in_any_batches():
    for seed in range(5):
        for batches in (1, 7):
            tally, types, documents, chances, words = tallied(np.random.default_rng(seed), batches=batches)
            shares, expected = naive(types.tolist(), documents, chances, words)
            np.testing.assert_allclose(shares_of(tally, words, chances[:, 1]), shares)
            carriers, _ = tally.carried()
            found = tally.retention(carriers, np.maximum(chances[:, 1], shares)[carriers])
            assert found["everything"] == 1
            np.testing.assert_allclose(found["threshold"], expected["threshold"])
            np.testing.assert_allclose(found["weights"], expected["weights"])
            assert found["weights"] <= found["protected"] <= expected["protected"] + 1e-12


def test_a_document_as_rich_as_human_text_is_never_weighted_down():
    tally = TailTally.of(np.array([5, 6, 7], np.uint64))
    keys = np.array([5, 1, 6, 1, 7, 1, 1, 1], np.uint64)
    document = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    weights = np.array([1.0, 1.0, 0.01, 0.01])
    tally.add(keys, document, np.stack([weights, weights], 1)[document])
    shares = shares_of(tally, np.full(4, 2), weights)
    assert shares[2] == 1
    assert shares[3] == 0


def test_what_was_not_measured_keeps_its_weight():
    assert human_weights(np.array([0.0, 0.25, 1.0, np.nan])).tolist() == [1.0, 0.75, 0.0, 1.0]


def test_a_reference_without_rare_types_protects_nothing():
    tally = TailTally.of(np.zeros(0, np.uint64))
    tally.add(np.array([1], np.uint64), np.array([0]), np.ones((1, 2)))
    assert shares_of(tally, np.array([1]), np.ones(1)).tolist() == [0]
    assert tally.retention(np.zeros(0, np.int64), np.zeros(0))["weights"] is None


def test_no_cell_is_a_formula():
    for text in ("=1+1", "+1", "-1", "@a", "\tx", "\rx"):
        assert cell(text) == "'" + text
    assert (cell("a=1"), cell(None)) == ("a=1", "")
