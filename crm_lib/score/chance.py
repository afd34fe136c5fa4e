"""Chance: how many of a group would be among those marked if the marks were dealt out blindly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from crm_lib.present import words
from crm_lib.score.row import Row, share

ERRORS = 3.0
"""Standard deviations above chance from which something counts as found."""


@dataclass(frozen=True)
class Overlap:
    """How marks meet cases: `hits` customers are both, of `base` customers in all."""

    base: int
    cases: int
    marked: int
    hits: int
    fewest: int
    """with fewer cases, or fewer marks, nothing is judged"""

    @cached_property
    def by_chance(self) -> int:
        """So many hits, at most, come about by chance: less than once in 740 times there are more.

        The quantile of the hypergeometric law that leaves as much above as `ERRORS` standard
        deviations of a normal law do.
        """
        from scipy.stats import hypergeom, norm

        return int(hypergeom.isf(norm.sf(ERRORS), self.base, self.cases, self.marked))

    @property
    def holds(self) -> bool | None:
        """Whether there are more hits than by chance; None where there are too few to tell."""
        if min(self.cases, self.marked) < self.fewest:
            return None
        return self.hits > self.by_chance

    def row(self, measure: str, planted: str, *, of_cases: bool, note: str) -> Row:
        """The hits as a share of the cases (recall), or of the marked (precision)."""
        whole = self.cases if of_cases else self.marked
        tolerance = ""
        if self.holds is None:
            note = f"Not judged: fewer than {self.fewest} cases or marks. {note}"
        else:
            tolerance = f"above {words.percent(self.by_chance / whole)}"
        return Row(measure, planted, share(self.hits, whole), tolerance, self.holds, note)
