"""The only date arithmetic: days, months, fiscal years and the windows that reports compare.

Every window is half-open: it includes `start` and excludes `end`, as `as_of` is excluded.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from crm_lib.errors import NotInData, UsageError, check_whole, unknown

if TYPE_CHECKING:
    import ibis.expr.types as ir

YEAR_DAYS = 365.25
"""A year, wherever days are counted in years."""
MONTH_DAYS = YEAR_DAYS / 12
"""A month, where it is no calendar month."""
Step = Literal["day", "week", "month", "quarter", "year"]
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Window:
    """The days from `start` to the day before `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise UsageError(f"A window must end after it starts, not {self.start} – {self.end}.")

    @property
    def last_day(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def __str__(self) -> str:
        return f"{self.start} – {self.last_day}" if self.days > 1 else f"{self.start}"


def parse_day(value: str | date | datetime, what: str = "day") -> date:
    """A date from ISO text (YYYY-MM-DD). Raises UsageError that shows the form expected."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError:
        raise UsageError(
            f"The {what} '{value}' is not a date. Write it as YYYY-MM-DD, for example 2018-01-01."
        ) from None


def month_start(day: date) -> date:
    return day.replace(day=1)


def month_number(day: date) -> int:
    """The number of its month, counted from January of the year 0: one more each month, across years, too."""
    return day.year * 12 + day.month - 1


def month_numbers(days: ir.DateValue) -> ir.IntegerValue:
    """`month_number` of a column of days."""
    return (days.year() * 12 + days.month() - 1).cast("int64")


def add_months(day: date, months: int) -> date:
    """The same day `months` later (earlier if negative), clipped to the month's last day."""
    year, month = divmod(month_number(day) + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def months_between(earlier: date, later: date) -> int:
    """Calendar months from the month of `earlier` to the month of `later`."""
    return month_number(later) - month_number(earlier)


def months(window: Window) -> list[date]:
    """First days of every calendar month that the window touches."""
    first = month_start(window.start)
    return [add_months(first, i) for i in range(months_between(first, window.last_day) + 1)]


def month_window(month: date) -> Window:
    first = month_start(month)
    return Window(first, add_months(first, 1))


def last_full_month(as_of: date) -> Window:
    """The latest calendar month that lies wholly before `as_of`."""
    return month_window(add_months(month_start(as_of), -1))


def compared(observed: Window, *, months: int) -> tuple[Window, Window]:
    """The last `months` full months and as many before them, (after, before); fewer where fewer are observed.

    Raises UsageError for less than one month, NotInData where no two full months are observed.
    """
    check_whole("months", months)
    end = last_full_month(observed.end).end
    for length in range(months, 0, -1):
        after = Window(add_months(end, -length), end)
        before = Window(add_months(after.start, -length), after.start)
        if observed.start <= before.start:
            return after, before
    raise NotInData(f"Two full months are needed to compare them; {observed} holds fewer.")


def trailing(as_of: date, months: int) -> Window:
    """The `months` months that end the day before `as_of`. Raises UsageError for less than one."""
    check_whole("months", months)
    return Window(add_months(as_of, -months), as_of)


def is_partial_month(month: date, observed: Window) -> bool:
    """True when the observed days do not cover the whole calendar month."""
    whole = month_window(month)
    return whole.start < observed.start or whole.end > observed.end


def as_of_days(text: str, every: Step | None = None) -> list[date]:
    """The `as_of` days of a run: one day, or `FIRST..LAST` stepped by `every`, both included.

    Raises UsageError for a malformed day, a range without a step, or an empty range.
    """
    if ".." not in text:
        if every is not None:
            raise UsageError("--every needs a range of days: --as-of 2017-06-01..2017-12-01.")
        return [parse_day(text, "as_of")]
    first, last = (parse_day(part, "as_of") for part in text.split("..", 1))
    if every is None:
        raise UsageError("A range of days needs a step: --every day|week|month|quarter|year.")
    if last < first:
        raise UsageError(f"The range {first}..{last} ends before it starts.")
    return list(_stepped(first, last, every))


def _stepped(first: date, last: date, every: Step) -> Iterator[date]:
    if every not in _MONTHS and every not in _DAYS:
        raise UsageError(unknown("step", every, [*_DAYS, *_MONTHS]))
    count, day = 0, first
    while day <= last:
        yield day
        count += 1
        if every in _MONTHS:
            day = add_months(first, count * _MONTHS[every])
        else:
            day = first + timedelta(days=count * _DAYS[every])
