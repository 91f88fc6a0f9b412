"""The slow twin of clustering: one loop over all documents in order of id, with dictionaries."""

import numpy as np

from auditor.neardup.greedy import DOUBT, ROUNDS
from tests.neardup.corpora import LSH, Corpus


def near_duplicates(corpus: Corpus, copies: set[int], *, exact: bool) -> dict[int, tuple[int, float, bool]]:
    """member -> (representative, Jaccard, estimated), exact copies left out."""
    spread = DOUBT * LSH.deviation if exact else 0
    hashes = LSH.hashes(corpus.signatures)
    stars: dict[tuple[int, int], list[int]] = {}
    found = {}
    for d in sorted(int(i) for i in corpus.ids):
        row = corpus.rows[d]
        if d in copies or not corpus.sets[row]:
            continue
        mine = [(band, int(hashes[row, band])) for band in range(LSH.bands)]
        candidates = {r for bucket in mine for r in stars.get(bucket, [])}
        estimate = {r: float((corpus.signatures[row] == corpus.signatures[corpus.rows[r]]).mean()) for r in candidates}
        best = d
        for r in sorted(candidates, key=lambda r: (-estimate[r], r)):
            jaccard, estimated = estimate[r], True
            if LSH.threshold - spread <= jaccard < LSH.threshold + spread:
                measured = corpus.jaccard(d, r)
                if not np.isnan(measured):
                    jaccard, estimated = measured, False
            if jaccard >= LSH.threshold:
                found[d], best = (r, jaccard, estimated), r
                break
        for bucket in mine:
            here = stars.setdefault(bucket, [])
            if best not in here and len(here) < ROUNDS:
                here.append(best)
    return found
