"""Streams of random numbers by name, so that one use of chance in an audit never moves the draws of another.

A stream is seeded by the audit's seed and the number listed here. The numbers are part of the results: another number
gives other draws, so they never change.
"""

from __future__ import annotations

import numpy as np

STREAMS: dict[str, tuple[int, ...]] = {
    "simulation": (),  # of model collapse; the user's own --seed
    "topic vectors": (),  # start of the range finder
    "topics": (),  # starts of k-means
    "possible worlds": (),  # of the three-way split; a seed of their own
    "synthetic fraction": (5,),
    "diversity of shards": (6,),  # and the place of the shard
    "diversity of the corpus": (7,),
    "diversity of strata": (8,),  # and the place of the stratum within its kind: kinds share it, none is compared
    "review": (12,),  # the sample for people to label
    "diversity of topics": (9,),
    "vendi score": (10,),
    "sampled shards": (11,),  # --shards-sample
    "joint fit": (17,),  # of two audits that are compared
    "mixed text": (24,),  # the worlds of the three-way split
    "alarm limit": (20,),  # of the control chart, seeded by its horizon
}


def rng(seed: int, name: str, *place: int) -> np.random.Generator:
    """The generator of a named stream.

    Parameters: place, a further number where one name serves many (shards, strata)
    Raises: KeyError for a name that is not listed
    """
    return np.random.default_rng([seed, *STREAMS[name], *place])
