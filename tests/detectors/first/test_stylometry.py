"""The model of style: its kernel adds up what the products of two measures weigh."""

import numpy as np

from auditor.detectors.first import stylometry


def test_the_kernel_is_the_products_times_the_weights():
    rng = np.random.default_rng(7)
    model = stylometry.load()
    standard = model.standard(model.centre + model.spread * rng.normal(size=(50, len(model.centre))) * 3)
    out = np.empty((50, 2))
    stylometry.weigh(standard.astype(np.float64), model.single, model.twofold, out)
    slow = stylometry.products(standard).astype(np.float64) @ model.weights.T.astype(np.float64)
    np.testing.assert_allclose(out, slow, rtol=1e-4, atol=1e-4)


def test_a_score_does_not_depend_on_the_batch():
    rng = np.random.default_rng(8)
    model = stylometry.load()
    standard = rng.normal(size=(33, len(model.centre)))
    whole, alone = np.empty((33, 2)), np.empty((33, 2))
    stylometry.weigh(standard, model.single, model.twofold, whole)
    for d in range(33):
        stylometry.weigh(standard[d : d + 1], model.single, model.twofold, alone[d : d + 1])
    assert np.array_equal(whole, alone)
