"""Credibility: how far what is known of one customer is believed against what is known of all.

Bühlmann & Straub 1970 (Bühlmann & Gisler 2005, A Course in Credibility Theory, ch. 4). Each customer
has observations of a rate, each with a weight, around a true rate of the customer's own. The customer's
mean rate is believed to w / (w + k), with w the sum of the weights and k = within ÷ between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FEWEST = 30
"""Degrees of freedom (observations − customers) below which chance cannot be told from differences."""
_TRACE = 1e-12
"""Rounding leaves such a share of a mean square as a variance where a customer's rates are the same."""


@dataclass(frozen=True)
class Credibility:
    """What is chance and what is the customer's own.

    within: variance of an observation around the customer's true rate, times its weight; None: not
    known, there being too few customers with several observations. between: variance of the true
    rates; 0 where nothing says that they differ.
    """

    within: float | None
    between: float

    @property
    def k(self) -> float | None:
        """Weight from which on the own mean counts more than everyone's; None: it never counts."""
        known = self.within is not None and self.between > 0
        return self.within / self.between if known and self.within is not None else None

    @property
    def is_known(self) -> bool:
        """Whether the data can tell a customer's own rate from chance at all."""
        return self.within is not None


UNKNOWN = Credibility(None, 0.0)
"""Nothing is known: everyone's mean is expected of each."""


def credibility(sums: Mapping[str, float]) -> Credibility:
    """The estimators of Bühlmann & Gisler, ch. 4.8, from sums over customers.

    customers; n (observations); w, w2 (of a customer's weight and of its square); weighed, squares (of
    w × mean rate and w × its square); within (of weight × squared distance from the customer's mean).
    """
    spare = sums["n"] - sums["customers"]
    if not spare >= FEWEST:
        return UNKNOWN
    within = max(sums["within"], 0.0) / spare
    within = within if within > _TRACE * sums["squares"] else 0.0
    scatter = sums["squares"] - sums["weighed"] ** 2 / sums["w"] - (sums["customers"] - 1) * within
    room = sums["w"] - sums["w2"] / sums["w"]
    between = max(scatter / room, 0.0) if room > 0 else 0.0
    # Where all rates are the same, rounding must not make them differ.
    return Credibility(within, between if scatter > _TRACE * sums["squares"] else 0.0)
