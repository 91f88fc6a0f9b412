"""How many different documents there are in effect: Hill numbers of documents within near-duplicate clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auditor.records import Estimate

ORDERS = (0, 1, 2)


def effective_documents(sizes: Sequence[int], number: Sequence[int], documents: int) -> dict[str, Estimate]:
    """Hill numbers (Hill 1973, Ecology 54:427, eq. 4) of clusters as types; a document in no cluster is its own type.

    Every document is known, so this is a full count. Parameters: sizes of clusters, number of clusters of each size
    """
    if not documents:
        return dict.fromkeys(("q0", "q1", "q2"), Estimate.not_measured("it holds no document", method="census"))
    if not len(sizes):
        return dict.fromkeys(("q0", "q1", "q2"), Estimate.census(documents, documents))
    single = documents - int(np.dot(sizes, number))
    share = np.array([*sizes, 1], float) / documents
    count = np.array([*number, single], float)
    numbers = count.sum(), np.exp(-np.sum(count * share * np.log(share))), 1.0 / np.sum(count * share**2)
    return {f"q{order}": Estimate.census(float(x), documents) for order, x in zip(ORDERS, numbers, strict=True)}


def lost_documents(effective: dict[str, Estimate], documents: int) -> dict[str, Estimate]:
    """1 - D / n: against as many documents that all differ."""
    return {
        key: Estimate.census(1.0 - each.value / documents, documents) if each.value is not None else each
        for key, each in effective.items()
    }
