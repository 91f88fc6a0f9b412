"""A policy is checked whole before anything is judged, and says what is wrong with it."""

import pytest

from auditor.errors import ConfigError
from auditor.gate.policy import default_policy, load_policy, matches, parse_policy

from .figures import SYNTHETIC, rules


def wrong(text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        parse_policy(text)
    assert raised.value.exit_code == 2
    return str(raised.value)


def test_the_default_policy_has_active_rules_and_reads():
    policy = parse_policy(default_policy())
    assert {rule.scope for rule in policy.rules} == {"corpus", "shard"}
    assert all(rule.error is not None for rule in policy.rules)


def test_what_is_commented_out_in_the_default_policy_reads_too():
    lines = default_policy().split("# --- more")[1].splitlines()[1:]
    text = "\n".join(line.removeprefix("# ") for line in lines)
    assert len(parse_policy(default_policy() + text).rules) > len(parse_policy(default_policy()).rules)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("synthetic_fraction", "synthetic_fracton"), "did you mean synthetic_fraction"),
        (("error_above", "eror_above"), "did you mean error_above"),
        (('"shard"', '"shrad"'), "did you mean shard"),
        (("error_above = 0.2", "error_above = 20"), "shares are written as"),
        (("error_above = 0.2", 'error_above = "0.2"'), "is not a number"),
        (("error_above = 0.2", "error_above = nan"), "is not a number"),
        (("error_above = 0.2", "error_above = true"), "is not a number"),
        (("error_above = 0.2", "error_above = 0.05"), "contradictory bounds"),
        (("error_above = 0.2", "error_below = 0.05"), "keep one side"),
        (("warn_above = 0.1\nerror_above = 0.2", ""), "no bound"),
        (('name = "r"', ""), "name is missing"),
    ],
)
def test_mistakes_in_a_rule_are_named(change, said):
    assert said in wrong("[[rule]]\n" + SYNTHETIC.replace(*change))


def test_all_mistakes_are_said_at_once():
    message = wrong('fdr = 1\n[[rule]]\nname = "a"\nscope = "x"\nquantity = "y"\n[[waiver]]\nrule = "b"\n')
    for word in ("fdr", "'x'", "'y'", "no bound", "until is missing", "reason is missing"):
        assert word in message


def test_two_rules_that_nothing_can_satisfy_contradict_each_other():
    below = 'name = "s"\nscope = "shard"\nquantity = "synthetic_fraction"\nerror_below = 0.5\n'
    with pytest.raises(ConfigError, match="contradict each other"):
        rules(SYNTHETIC, below)


@pytest.mark.parametrize("text", ["", "rule = 3", "[rule]\nname = 'x'", "= =", "[[rule]]\nmatch = 3"])
def test_what_is_no_policy_is_refused(text):
    wrong(text)


def test_a_waiver_needs_a_rule_a_date_and_a_reason():
    head = "[[rule]]\n" + SYNTHETIC + "[[waiver]]\n"
    assert "did you mean" in wrong(
        head + 'rule = "R"\nuntil = 2030-01-01\nreason = "x"\n[[rule]]\n' + SYNTHETIC.replace('"r"', '"RR"')
    )
    assert "date" in wrong(head + 'rule = "r"\nuntil = "2030-01-01"\nreason = "x"')
    assert "reason" in wrong(head + 'rule = "r"\nuntil = 2030-01-01\nreason = " "')


def test_a_policy_that_is_not_there_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigError, match="gate --init"):
        load_policy(tmp_path / "none.toml")


def test_names_with_brackets_match_themselves():
    assert matches("a[1].jsonl", ["a[1].jsonl"])
    assert matches("crawl/a.jsonl", ["crawl/*"])
    assert not matches("Crawl/a.jsonl", ["crawl/*"])
