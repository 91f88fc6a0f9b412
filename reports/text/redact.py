"""Excerpts without what identifies a person or grants access: e-mail addresses, telephone numbers, keys, credentials in
URLs.

Every expression is linear in the text: no nested repetition, every repetition bounded.
"""

from __future__ import annotations

import re

from auditor.reports.text.clean import clean

LIMIT = 400

# Order matters: whole URLs before e-mail (user@host in them), named keys before long tokens, account and card numbers
# before telephone numbers, which are parts of them.
RULES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "key",
        re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,8000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"),
        "[key]",
    ),
    (
        "credentials",
        re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://)[^\s/@:]{0,200}:?[^\s/@]{0,200}@", re.I),
        r"\1[credentials]@",
    ),
    (
        "credentials",
        re.compile(
            r"([?&;](?:access_token|api_?key|auth|key|pass(?:word|wd)?|secret|session|sig(?:nature)?|token)=)[^\s&#;\"'<>]{1,500}",
            re.I,
        ),
        r"\1[key]",
    ),
    (
        "credentials",
        re.compile(
            r"\b((?:api[_ -]?key|auth[_ -]?token|access[_ -]?token|client[_ -]?secret|secret|password|passwd|pwd|bearer)"  # noqa: E501
            r"[\"']{0,1}\s{0,3}(?:[:=]|is)?\s{0,3}[\"']{0,1})(?=[^\s]{0,64}[0-9!@#$%^&*_])[^\s\"',;<>]{6,500}",
            re.I,
        ),
        r"\1[key]",
    ),
    (
        "key",
        re.compile(
            r"\b(?:sk|pk|rk|ghp|gho|ghu|ghs|ghr|glpat|github_pat|hf|xox[abprs]|AKIA|ASIA|AIza|ya29|npm|pypi)"
            r"[-_.]?[A-Za-z0-9_.-]{12,300}"
        ),
        "[key]",
    ),
    ("key", re.compile(r"\beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,2000}(?:\.[A-Za-z0-9_-]{0,2000})?"), "[key]"),
    (
        "key",
        re.compile(r"\b(?=[A-Za-z+/_-]{0,60}[0-9])(?=[0-9a-z+/_-]{0,60}[A-Z])[A-Za-z0-9+/_-]{32,2000}={0,2}"),
        "[key]",
    ),
    ("key", re.compile(r"\b(?=[a-f]{0,60}[0-9])[0-9a-f]{32,128}\b"), "[key]"),
    (
        "e-mail",
        re.compile(
            r"[\w.%+-]{1,64}(?:@|\s?[\[(]\s?at\s?[\])]\s?)[\w-]{1,63}(?:(?:\.|\s?[\[(]\s?dot\s?[\])]\s?)[\w-]{1,63}){1,5}"
        ),
        "[e-mail]",
    ),
    ("number", re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"), "[number]"),
    ("number", re.compile(r"(?<![\w.])[0-9]{4}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}(?![\w])"), "[number]"),
    ("telephone", re.compile(r"(?<![\w.,/-])(?:\+|00)[1-9][0-9 ().\u00a0/-]{6,22}[0-9](?!\w)"), "[telephone]"),
    (
        "telephone",
        re.compile(
            r"(?<![\w.,/-])\(?0?[1-9][0-9]{1,4}\)?[ .\u00a0/-]{1,2}[0-9]{2,4}(?:[ .\u00a0/-][0-9]{2,4}){1,3}(?![\w-])"
        ),
        "[telephone]",
    ),
)


def redact(text: str, limit: int = LIMIT) -> str:
    """The text's beginning, cleaned, with everything the rules match replaced by its kind."""
    # Twice the limit is looked at, so that nothing cut in half at the end escapes its rule.
    line = clean(text, 2 * limit)
    for _, pattern, instead in RULES:
        line = pattern.sub(instead, line)
    return clean(line, limit)
