r"""Records whose quotes are not those of RFC 4180: a way of reading is taken only where the fields fit the header."""

import pytest

from auditor.sources.read.quotes import MOST_LINES, all_literal, escaped, literal, unescaped_inside


def test_a_backslash_before_a_quote_is_an_escape():
    assert escaped('1,"she said \\"no\\", and left"\n', iter(()), ",", 2) == ["1", 'she said "no", and left']
    assert escaped('1,"a \\\\ b"\n', iter(()), ",", 2) == ["1", "a \\ b"]


def test_a_record_takes_the_lines_that_it_needs_and_no_more():
    more = iter(['over \\"two\\" lines"\n', "2,next\n"])
    assert escaped('1,"it goes\n', more, ",", 2) == ["1", 'it goes\nover "two" lines']
    assert next(more) == "2,next\n"


def test_another_number_of_fields_is_no_record():
    assert escaped('1,"a \\" b",c\n', iter(()), ",", 2) is None
    assert literal('1,a "b" c\n', ",", 3) is None
    assert unescaped_inside('1,"a "b" c",d\n', ",", 2) is None


def test_an_open_quote_ends_with_the_file_and_within_bounds():
    assert escaped('1,"never closed\n', iter(["more\n"]), ",", 2) is None
    endless = iter(["more\n"] * (2 * MOST_LINES))
    assert escaped('1,"never closed\n', endless, ",", 2) is None
    assert sum(1 for _ in endless) > MOST_LINES - 2


def test_only_a_quote_before_a_delimiter_closes_a_field_with_bare_quotes():
    assert unescaped_inside('1,"he is "tall" they say",2\n', ",", 3) == ["1", 'he is "tall" they say', "2"]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_quotes_can_be_ordinary_characters(end):
    assert literal(f'1\t5" pipe{end}', "\t", 2) == ["1", '5" pipe']


def test_lines_are_whole_records_only_if_each_has_all_fields():
    assert all_literal(['a,"b\n', 'c",d\n'], ",", 2)
    assert not all_literal(['a,"b\n', "c\n"], ",", 2)
