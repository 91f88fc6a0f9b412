"""Figures of made-up scopes for the tests of the gate."""

from auditor.gate.policy import parse_policy
from auditor.records import Estimate


def estimate(value, lower=None, upper=None) -> Estimate:
    lower, upper = value if lower is None else lower, value if upper is None else upper
    return Estimate(value, lower, upper, 0.95, "test", 500)


def shards(**found) -> dict:
    return {("shard", name): {"synthetic_fraction": e} for name, e in found.items()}


def rules(*texts: str, head: str = "") -> object:
    return parse_policy(head + "\n" + "\n".join(f"[[rule]]\n{text}" for text in texts))


SYNTHETIC = 'name = "r"\nscope = "shard"\nquantity = "synthetic_fraction"\nwarn_above = 0.1\nerror_above = 0.2\n'
