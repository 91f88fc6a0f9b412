"""Dates as sources write them, into a date or null: whole columns at a time."""

from __future__ import annotations

import polars as pl

EARLIEST, LATEST = pl.date(1000, 1, 1), pl.date(2100, 1, 1)

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DAY_FIRST = rf"(?i)\b(\d{{1,2}})[ -]({_MONTHS})[a-z]*\.?,?[ -](\d{{4}})\b"
_MONTH_FIRST = rf"(?i)\b({_MONTHS})[a-z]*\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b"


def to_dates(column: pl.Series) -> tuple[pl.Series, dict[str, int]]:
    """Parse a column of dates in any of the usual forms.

    Understands dates and timestamps, `2019-04-25T12:57:54Z`, `2019/04/25`, `20190425`, `20190425125754`, `2019-04`,
    `2019`, epoch seconds to nanoseconds, `Thu, 25 Apr 2019 …`, `25 April 2019`, `April 25, 2019`. A month or a year
    alone is its first day. Time zones are left as written.

    Returns: the dates, null where there is none; counts of `date_unreadable` and `date_out_of_range`
    """
    kind = column.dtype
    frame = column.alias("d").to_frame()
    present = column.is_not_null()
    if kind == pl.Date or kind == pl.Datetime:
        dates = column.cast(pl.Date, strict=False)
    elif kind.is_numeric():
        dates = frame.select(_from_number(pl.col("d"))).to_series()
    elif kind == pl.String:
        present &= column.str.strip_chars() != ""
        dates = _from_strings(frame)
    else:
        dates = pl.Series("d", [None] * len(column), dtype=pl.Date)
    inside = dates.alias("d").to_frame().select((pl.col("d") >= EARLIEST) & (pl.col("d") < LATEST)).to_series()
    counts = {
        "date_unreadable": int((present & dates.is_null()).sum()),
        "date_out_of_range": int((~inside).sum()),
    }
    return dates.set(~inside.fill_null(True), None).alias("date"), {reason: n for reason, n in counts.items() if n}


def _from_strings(frame: pl.DataFrame) -> pl.Series:
    """ISO dates for all at once; the other forms only for the rest."""
    d = pl.col("d").str.strip_chars()
    iso = frame.select(d.str.head(10).str.to_date("%Y-%m-%d", strict=False)).to_series()
    left = iso.is_null() & frame.to_series().is_not_null()
    if not left.any():
        return iso
    rest = frame.filter(left)
    number = pl.when(d.str.contains(r"^-?\d{4,19}(\.\d+)?$")).then(d).cast(pl.Float64, strict=False)
    stamp = pl.when(d.str.contains(r"^(1|20)\d{12,13}$") & (d.str.len_bytes() == 14)).then(d.str.head(8))
    day, month = d.str.extract_groups(_DAY_FIRST), d.str.extract_groups(_MONTH_FIRST)
    parsed = rest.select(
        pl.coalesce(
            d.str.extract(r"^(\d{4}[/.]\d{1,2}[/.]\d{1,2})").str.replace_all("[/.]", "-").str.to_date(strict=False),
            stamp.str.to_date("%Y%m%d", strict=False),
            _from_number(number),
            pl.when(d.str.contains(r"^\d{4}-\d{2}$")).then(d + "-01").str.to_date("%Y-%m-%d", strict=False),
            _from_names(day.struct[0], day.struct[1], day.struct[2]),
            _from_names(month.struct[1], month.struct[0], month.struct[2]),
        )
    ).to_series()
    return iso.scatter(left.arg_true(), parsed)


def _from_names(day: pl.Expr, month: pl.Expr, year: pl.Expr) -> pl.Expr:
    written = pl.concat_str(year, month.str.to_titlecase(), day.str.zfill(2), separator="-")
    return written.str.to_date("%Y-%b-%d", strict=False)


def _from_number(x: pl.Expr) -> pl.Expr:
    """A year, YYYYMMDD, or an epoch in the unit that its size tells."""
    digits = pl.when(x.is_finite() & (x.abs() < 9.2e18)).then(x).cast(pl.Int64, strict=False)
    year = pl.when(digits.is_between(1000, 2100)).then(digits).cast(pl.String) + "-01-01"
    compact = pl.when(digits.is_between(10_000_101, 21_001_231)).then(digits).cast(pl.String)
    size = digits.abs()
    seconds = (
        pl.when(size < 10**11)
        .then(digits)
        .when(size < 10**14)
        .then(digits // 10**3)
        .when(size < 10**17)
        .then(digits // 10**6)
        .otherwise(digits // 10**9)
    )
    # Dates before 1970 written as epochs are rarer than nonsense: small numbers (0, 1, -1) mean "unknown".
    epoch = pl.from_epoch(pl.when(seconds > 86_400).then(seconds), time_unit="s").cast(pl.Date)
    return pl.coalesce(year.str.to_date("%Y-%m-%d", strict=False), compact.str.to_date("%Y%m%d", strict=False), epoch)
