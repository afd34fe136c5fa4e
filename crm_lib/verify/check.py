"""One reference number, printed elsewhere or computed apart, and how near ours must come to it."""

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

APART = "apart from this software"
"""How the source of a number ends that nobody printed: it was computed or measured to check ours."""

_NOTHING = 1e-300
"""Tolerance of a reference of 0: what a double cannot tell from it."""


@dataclass(frozen=True)
class Check:
    """A reference number and how we get ours.

    `reference` is the number as a text with the digits that are known; `tolerance` the largest
    difference that passes, in the number's own unit; `source` where the reference is printed, or how
    it was computed, ending in `APART`; `ours` computes our number from the public data.
    """

    subject: str
    what: str
    reference: str
    tolerance: float
    source: str
    ours: Callable[[Study], float]

    @property
    def is_printed(self) -> bool:
        """Is it printed in a paper, a note or another software's tests? Else it was computed apart."""
        return not self.source.endswith(APART)

    def run(self, study: Study) -> Result:
        """Our number beside the reference; what cannot be computed fails with its reason."""
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
        """Ours − reference."""
        return self.ours - float(self.check.reference)

    @property
    def holds(self) -> bool:
        return abs(self.difference) <= self.check.tolerance

    @property
    def shown(self) -> str:
        """Our number with one digit more than the reference, so that a near miss can be seen."""
        if math.isnan(self.ours):
            return "none"
        number = Decimal(self.check.reference)
        if "e" in self.check.reference.lower() or len(number.as_tuple().digits) > 12:
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
