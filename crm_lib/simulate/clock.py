"""The calendar of a simulated company: its days, its months, and time as purchases see it.

Purchases happen at a constant rate in *seasonal* time: a day of December counts more than one of
February, and an outside event changes what a day counts from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from crm_lib import periods
from crm_lib.simulate.laws import WINDOW_ENDS, Laws

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Clock:
    """The window of a company: `months` calendar months that end with `WINDOW_ENDS`."""

    laws: Laws
    months: int

    @cached_property
    def month_starts(self) -> list[date]:
        """First day of each month, and of the month after the window."""
        return [periods.add_months(WINDOW_ENDS, number) for number in range(-self.months, 1)]

    @property
    def start(self) -> date:
        return self.month_starts[0]

    @cached_property
    def days(self) -> int:
        return (WINDOW_ENDS - self.start).days

    @cached_property
    def month_of_day(self) -> Ints:
        """The month (from 0) of each day of the window."""
        lengths = np.diff([day.toordinal() for day in self.month_starts])
        return np.repeat(np.arange(self.months), lengths)

    @cached_property
    def intensity(self) -> Floats:
        """What each day counts: the month's season, the weekday and the events so far."""
        calendar_month = np.array([day.month - 1 for day in self.month_starts[:-1]])
        counts = np.array(self.laws.season)[calendar_month][self.month_of_day]
        week = np.array(self.laws.week) / np.mean(self.laws.week)
        counts *= week[(self.start.weekday() + np.arange(self.days)) % 7]
        for event in self.laws.events:
            counts[max(self.day_at(event.moment), 0) :] *= event.factor
        return counts

    def day_at(self, moment: float) -> int:
        """The day on which a moment falls; negative before the window."""
        return round(moment * self.days)

    def month_at(self, moment: float) -> int:
        """The month (from 0) at whose first day a moment takes effect; negative before the window."""
        return round(moment * self.months)

    def date_of(self, day: int) -> date:
        return self.start + timedelta(days=int(day))

    @cached_property
    def _elapsed(self) -> Floats:
        return np.concatenate([[0.0], np.cumsum(self.intensity)])

    def seasonal(self, time: Floats) -> Floats:
        """Seasonal days from the start of the window to `time` (calendar days, within the window)."""
        return np.interp(time, np.arange(self.days + 1), self._elapsed)

    def calendar(self, seasonal: Floats) -> Floats:
        """The inverse of `seasonal`."""
        return np.interp(seasonal, self._elapsed, np.arange(self.days + 1))
