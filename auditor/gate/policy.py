"""A policy: rules with bounds and waivers, read from TOML and checked whole before anything is judged."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Any

from auditor.errors import ConfigError, nearest
from auditor.gate.quantities import is_known, is_share, suggestions

SCOPE_KINDS = ("corpus", "shard", "language", "topic", "host", "year", "length")
UNMEASURED = ("inconclusive", "pass", "fail")
SECTIONS = ("name", "false_discovery_rate", "strict", "rule", "waiver")
BOUNDS = ("warn_above", "error_above", "warn_below", "error_below")


@dataclass(frozen=True, slots=True)
class Rule:
    """Bounds on one quantity of some scopes. Above or below, never both: those are two rules.

    match, except_: globs on the scope's name; not_measured: the verdict on a scope without a figure; optional: whether
    the rule may match nothing
    """

    name: str
    scope: str
    quantity: str
    warn_above: float | None = None
    error_above: float | None = None
    warn_below: float | None = None
    error_below: float | None = None
    match: tuple[str, ...] = ("*",)
    except_: tuple[str, ...] = ()
    not_measured: str = "inconclusive"
    optional: bool = False
    why: str = ""

    @property
    def above(self) -> bool:
        """Whether too much is bad (else too little)."""
        return self.warn_above is not None or self.error_above is not None

    @property
    def error(self) -> float | None:
        """The bound that fails, None where the rule only warns."""
        return self.error_above if self.above else self.error_below

    @property
    def warn(self) -> float | None:
        """The bound that warns, None where there is none."""
        return self.warn_above if self.above else self.warn_below

    def covers(self, scope: str) -> bool:
        """Whether the rule applies to a scope of this name."""
        return matches(scope, self.match) and not matches(scope, self.except_)


@dataclass(frozen=True, slots=True)
class Waiver:
    """A rule that some scopes may break until a date, for a stated reason."""

    rule: str
    until: date
    reason: str
    scope: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules and waivers; digest is the hash of the text that they were read from."""

    name: str
    rules: tuple[Rule, ...]
    waivers: tuple[Waiver, ...] = ()
    false_discovery_rate: float = 0.05
    strict: bool = False
    digest: str = ""


def default_policy() -> str:
    """The text of the commented default policy."""
    return resources.files("auditor.gate").joinpath("default.toml").read_text(encoding="utf-8")


def load_policy(path: Path | str) -> Policy:
    """Read a policy file.

    Raises: ConfigError that lists everything wrong at once
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"there is no policy {path}; `auditor gate --init > {path}` writes one") from None
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigError(f"the policy {path} cannot be read: {wrong}") from None
    return parse_policy(text, where=str(path))


def parse_policy(text: str, *, where: str = "the policy") -> Policy:
    """A policy from TOML.

    Raises: ConfigError that lists everything wrong at once
    """
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as wrong:
        raise ConfigError(f"{where} is not TOML: {wrong}") from None
    wrong_things: list[str] = list(_unknown(tree, SECTIONS, "the policy"))
    rules = [rule for i, row in _tables(tree, "rule", wrong_things) if (rule := _rule(row, i, wrong_things))]
    waivers = [waiver for i, row in _tables(tree, "waiver", wrong_things) if (waiver := _waiver(row, i, wrong_things))]
    rate = tree.get("false_discovery_rate", 0.05)
    if not _is_number(rate) or not 0 < rate < 1:
        wrong_things.append(f"false_discovery_rate = {rate!r} is not a share between 0 and 1")
    if not isinstance(tree.get("strict", False), bool):
        wrong_things.append("strict must be true or false")
    if not isinstance(tree.get("name", ""), str):
        wrong_things.append("name must be text")
    if not tree.get("rule"):
        wrong_things.append("there is no [[rule]], so nothing would be judged")
    wrong_things += _clashes(rules) + _orphans(rules, waivers)
    if wrong_things:
        raise ConfigError(f"{where} cannot be used: " + "; ".join(wrong_things))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    name = tree.get("name") or Path(where).name
    return Policy(name, tuple(rules), tuple(waivers), float(rate), tree.get("strict", False), digest)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of the patterns or fits one; a name with brackets in it can be written literally."""
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


def _tables(tree: Mapping[str, Any], key: str, wrong: list[str]) -> Iterable[tuple[int, dict[str, Any]]]:
    rows = tree.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        wrong.append(f"write each {key} under [[{key}]], with two brackets")
        return []
    return enumerate(rows, 1)


def _rule(row: dict[str, Any], number: int, wrong: list[str]) -> Rule | None:
    given = {("except_" if key == "except" else key): value for key, value in row.items()}
    where, before = f"rule {row.get('name') or number}", len(wrong)
    known = [field.name.rstrip("_") for field in fields(Rule)]
    wrong += _unknown(row, known, where)
    wrong += [f"{where}: {key} is missing" for key in ("name", "scope", "quantity") if key not in row]
    wrong += [
        f"{where}: {key} must be text"
        for key in ("name", "scope", "quantity", "not_measured", "why")
        if key in row and not isinstance(row[key], str)
    ]
    if len(wrong) > before:
        return None
    if row["scope"] not in SCOPE_KINDS:
        wrong.append(
            f"{where}: scope = {row['scope']!r} is none of {', '.join(SCOPE_KINDS)}"
            + nearest(row["scope"], SCOPE_KINDS)
        )
    if not is_known(row["quantity"]):
        wrong.append(f"{where}: there is no quantity {row['quantity']!r}" + nearest(row["quantity"], suggestions()))
    if row.get("not_measured", "inconclusive") not in UNMEASURED:
        wrong.append(f"{where}: not_measured must be one of {', '.join(UNMEASURED)}")
    if not isinstance(row.get("optional", False), bool):
        wrong.append(f"{where}: optional must be true or false")
    for key in ("match", "except_"):
        if key in given:
            given[key] = _patterns(given[key], f"{where}: {key.rstrip('_')}", wrong)
    wrong += _bounds(row, where)
    return Rule(**given) if len(wrong) == before else None


def _bounds(row: Mapping[str, Any], where: str) -> list[str]:
    given = {key: row[key] for key in BOUNDS if key in row}
    if not given:
        return [f"{where}: no bound; give error_above, warn_above, error_below or warn_below"]
    bad = [f"{where}: {key} = {value!r} is not a number" for key, value in given.items() if not _is_number(value)]
    if bad:
        return bad
    if is_share(row["quantity"]):
        bad = [
            f"{where}: {key} = {value} lies outside 0-1; shares are written as 0.1, not 10"
            for key, value in given.items()
            if not 0 <= value <= 1
        ]
    sides = {key.split("_")[1] for key in given}
    if len(sides) > 1:
        bad.append(f"{where}: bounds above and below contradict or need two rules; keep one side")
    elif len(given) == 2:
        side = sides.pop()
        warn, error = given[f"warn_{side}"], given[f"error_{side}"]
        if (warn > error) if side == "above" else (warn < error):
            bad.append(f"{where}: contradictory bounds, warn_{side} = {warn} would come after error_{side} = {error}")
    return bad


def _waiver(row: dict[str, Any], number: int, wrong: list[str]) -> Waiver | None:
    where, before = f"waiver {number}", len(wrong)
    wrong += _unknown(row, [field.name for field in fields(Waiver)], where)
    wrong += [f"{where}: {key} is missing" for key in ("rule", "until", "reason") if key not in row]
    until = row.get("until")
    if "until" in row and (isinstance(until, datetime) or not isinstance(until, date)):
        wrong.append(f"{where}: until must be a date without quotes, such as 2027-03-31")
    if "reason" in row and (not isinstance(row["reason"], str) or not row["reason"].strip()):
        wrong.append(f"{where}: the reason is empty")
    scope = _patterns(row.get("scope", "*"), f"{where}: scope", wrong)
    if len(wrong) > before:
        return None
    assert isinstance(until, date)
    return Waiver(str(row["rule"]), until, row["reason"].strip(), scope)


def _patterns(value: Any, where: str, wrong: list[str]) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed or not all(isinstance(entry, str) for entry in listed):
        wrong.append(f'{where} must be a pattern such as "crawl/*", or a list of them')
        return ()
    return tuple(listed)


def _clashes(rules: list[Rule]) -> list[str]:
    """Rules that share a name, and pairs of rules that nothing can satisfy together."""
    names = [rule.name for rule in rules]
    out = [f"two rules are named {name!r}" for name in dict.fromkeys(names) if names.count(name) > 1]
    for low in (rule for rule in rules if rule.error_below is not None):
        for high in (rule for rule in rules if rule.error_above is not None):
            same = (low.scope, low.quantity, low.match) == (high.scope, high.quantity, high.match)
            if same and low.error_below >= high.error_above:  # type: ignore[operator]
                out.append(f"rules {low.name!r} and {high.name!r} contradict each other: no {low.quantity} passes both")
    return out


def _orphans(rules: list[Rule], waivers: list[Waiver]) -> list[str]:
    names = [rule.name for rule in rules]
    return [
        f"a waiver names the rule {waiver.rule!r}, which does not exist" + nearest(waiver.rule, names)
        for waiver in waivers
        if waiver.rule not in names
    ]


def _unknown(row: Mapping[str, Any], known: Iterable[str], where: str) -> Iterable[str]:
    known = list(known)
    return [f"{where} has no key {key!r}" + nearest(key, known) for key in row if key not in known]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
