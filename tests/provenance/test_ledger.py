"""The ledger: what is declared beside what was measured, digests without order, the top tenth of hosts."""

import random

import pytest

from auditor.provenance.ledger import Line, Stated, TopHosts, declared_findings, entry, rows, top_hosts, total_digest
from auditor.records import Estimate

SOURCE = {
    "bytes": 10,
    "fingerprint": "f",
    "digest": "00000000000000ff",
    "text_digest": "0f",
    "format": "jsonl",
    "compression": None,
}


def line(measured: Estimate, *, declared=0, documents=100, sidecar=None) -> Line:
    counts = {"documents": documents, "eligible_documents": documents, "tokens": 1, "bytes": 1, "skipped": 0}
    shard = {"shard": "a", "path": "/a", **counts, "synthetic_fraction": measured.as_dict()}
    return entry(shard, SOURCE, Stated(declared=declared, sidecar=sidecar or {}))


def estimate(value, lower, upper) -> Estimate:
    return Estimate(value, lower, upper, 0.95, "m", 100)


@pytest.mark.parametrize(
    ("measured", "declared", "found"),
    [
        (estimate(0.2, 0.15, 0.25), 0, True),
        (estimate(0.2, 0.15, 0.25), 20, False),
        (estimate(0.2, 0.04, 0.4), 0, False),
        (Estimate.not_measured("no document"), 0, False),
    ],
)
def test_what_declares_less_than_was_measured_is_a_finding(measured, declared, found):
    findings = declared_findings([line(measured, declared=declared)])
    assert bool(findings) == found
    if found:
        assert "declares 0%" in findings[0].message
        assert findings[0].advice


def test_a_sidecar_declares_the_whole_shard_and_keeps_only_known_names():
    said = {"licence": "MIT", "generator": "m", "verifier": "v", "origin": "o", "password": "x"}
    found = line(estimate(0.9, 0.8, 0.95), sidecar=said)
    assert found.declared_synthetic_share == 1
    assert (found.licences, found.verifier, found.origin) == ({"MIT": 100}, "v", "o")
    assert "password" not in str(found)
    assert declared_findings([found]) == []
    assert {"shard": "a", "name": "origin", "value": "o"} in rows([found])


@pytest.mark.parametrize("nobody", [None, ""])
def test_a_sidecar_that_names_no_generator_declares_none_and_is_held_to_it(nobody):
    found = line(estimate(0.2, 0.15, 0.25), sidecar={"generator": nobody})
    assert found.declared_synthetic_share == 0
    assert found.generators == {}
    assert [finding.kind for finding in declared_findings([found])] == ["undeclared_synthetic"]


def test_the_digest_of_the_whole_has_no_order():
    digests = [f"{random.Random(i).getrandbits(64):016x}" for i in range(50)]
    shuffled = random.Random(1).sample(digests, 50)
    assert total_digest(digests) == total_digest(shuffled)
    assert total_digest(digests[1:]) != total_digest(digests)
    assert total_digest([]) == "0" * 16


def test_the_top_tenth_of_hosts_is_by_volume():
    found = top_hosts([(f"h{i}", 1, i) for i in range(25)])
    assert (found.hosts, found.listed) == (25, 3)
    assert [row.host for row in found.top] == ["h24", "h23", "h22"]
    assert found.share_of_bytes == pytest.approx((24 + 23 + 22) / 300)
    assert top_hosts([]) == TopHosts(0, 0, None, [])
