"""One number that somebody published, and how near ours must come to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from crm_lib.errors import CrmError

if TYPE_CHECKING:
    from crm_lib.verify.study import Study

PARAMETER = 1e-3
"""Relative tolerance of a parameter or a prediction: optimisers stop at different places."""

LOG_LIKELIHOOD = 0.01
"""Absolute tolerance of a log-likelihood from the same data."""

_NOTHING = 1e-300
"""Tolerance of a published 0: what a double cannot tell from it."""


@dataclass(frozen=True)
class Check:
    """A published number and how we get ours.

    `published` is the text as printed; `tolerance` the largest difference that passes, in the
    number's own unit; `ours` computes our number from the public data.
    """

    subject: str
    what: str
    published: str
    tolerance: float
    source: str
    ours: Callable[[Study], float]

    def run(self, study: Study) -> Result:
        """Our number beside the published one; what cannot be computed fails with its reason."""
        try:
            return Result(self, float(self.ours(study)), "")
        except CrmError as error:
            return Result(self, math.nan, str(error))


@dataclass(frozen=True)
class Result:
    """A check that was run: our number (NaN with a `problem` where there is none)."""

    check: Check
    ours: float
    problem: str

    @property
    def difference(self) -> float:
        """Ours − published."""
        return self.ours - float(self.check.published)

    @property
    def holds(self) -> bool:
        return abs(self.difference) <= self.check.tolerance

    @property
    def shown(self) -> str:
        """Our number with one digit more than the published one, so that a near miss can be seen."""
        if math.isnan(self.ours):
            return "none"
        number = Decimal(self.check.published)
        if "e" in self.check.published.lower() or len(number.as_tuple().digits) > 12:
            return f"{self.ours:.{len(number.as_tuple().digits)}g}"
        return f"{self.ours:.{max(_decimals(number) + 1, 0)}f}"


def as_printed(published: str, relative: float = 0.0) -> float:
    """Tolerance of a number that was rounded for print: half a unit of its last digit, or a share of it."""
    number = Decimal(published)
    # A hair more than the half: 1.2345 and its nearest double must not differ.
    half = 0.5 * 10.0 ** -_decimals(number) * (1 + 1e-9)
    return max(half, relative * abs(float(number)))


def relative(published: str, share: float) -> float:
    """Tolerance of a number printed to the last digit: a share of it."""
    return max(share * abs(float(published)), _NOTHING)


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
