"""What excerpts never show: who can be reached, and what opens a door."""

import pytest

from auditor.reports.text.redact import LIMIT, redact

KEY = "sk-" + "aB3dE6gH9kL2mN5pQ8sT"  # put together, so that no scanner takes it for a real one


@pytest.mark.parametrize(
    ("text", "hidden", "left"),
    [
        ("Write to jane.doe@mail.example.org today", "jane.doe", "Write to [e-mail] today"),
        ("jane [at] mail [dot] example", "jane", "[e-mail]"),
        ("Call +49 170 123 45 67 now", "170", "Call [telephone] now"),
        ("Call (555) 123-4567 now", "4567", "[telephone]"),
        ("https://user:secret1@host.example/path", "secret1", "https://[credentials]@host.example/path"),
        ("https://h.example/?q=tea&token=abc123def&x=1", "abc123def", "token=[key]&x=1"),
        (f"export KEY={KEY}", KEY, "[key]"),
        ("AKIA" + "ABCDEFGHIJKLMNOP is mine", "ABCDEFGHIJ", "[key] is mine"),
        ("password: hunter2!x", "hunter2", "password: [key]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "eyJzdWIi", "[key]"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----", "MIIE", "[key]"),
        ("card 4111 1111 1111 1111 expired", "1111", "card [number] expired"),
        ("IBAN DE89 3704 0044 0532 0130 00 please", "0532", "[number] please"),
        ("d41d8cd98f00b204e9800998ecf8427e", "d41d8", "[key]"),
    ],
)
def test_what_identifies_or_opens_is_replaced_by_what_it_was(text, hidden, left):
    shown = redact(text)
    assert hidden not in shown and left in shown


@pytest.mark.parametrize(
    "text",
    [
        "In 1998 the river rose by 4.5 metres, and 12,000 people left.",
        "The password was forgotten by everyone in the village.",
        "See chapter 3, pages 12-19, and the map at 1:25000.",
        "https://example.org/2021/05/a-long-title-about-the-walls",
    ],
)
def test_plain_prose_stays_as_it_is(text):
    assert redact(text) == text


def test_nothing_cut_in_half_at_the_end_escapes():
    for place in range(LIMIT - 40, LIMIT + 5):
        shown = redact("x " * (place // 2) + "jane.doe@mail.example.org and more " * 3)
        assert "jane" not in shown and "doe@" not in shown and len(shown) <= LIMIT


@pytest.mark.parametrize(
    "text", ["a" * 10**6, "a@" * 5 * 10**5, "1 " * 5 * 10**5, "-----BEGIN " * 10**5, "aA1/" * 10**5]
)
def test_of_a_megabyte_only_the_beginning_is_looked_at(text):
    assert redact(text) == redact(text[: 20 * LIMIT])
