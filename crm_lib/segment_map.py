"""The segment map: which combination of RFM scores makes which segment, checked when it is made.

The default is below; `segments:` of `dataset.yml` replaces it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

from crm_lib.errors import UsageError, listing, unknown

NO_PURCHASE = "No purchase"
"""Segment and value tier of a known customer who has no purchase occasion yet."""


@dataclass(frozen=True)
class Rule:
    """Customers whose scores lie in these ranges, both ends included, belong to segment `name`."""

    name: str
    recency: tuple[int, int]
    frequency: tuple[int, int]
    monetary: tuple[int, int] | None = None
    meaning: str = ""
    action: str = ""

    def holds(self, recency: int, frequency: int, monetary: int) -> bool:
        """Whether this rule takes the combination of scores."""
        ranges = (self.recency, self.frequency, self.monetary or (monetary, monetary))
        scores = (recency, frequency, monetary)
        return all(low <= s <= high for (low, high), s in zip(ranges, scores, strict=True))


class SegmentMap:
    """Which segment a combination of scores belongs to: exactly one, whatever the combination.

    Several rules may share a name, so that a segment need not be a rectangle. Raises UsageError
    that names the combinations when rules overlap or leave a gap.
    """

    def __init__(self, rules: Sequence[Rule], *, scores: int = 5) -> None:
        self.rules = tuple(rules)
        self.scores = scores
        for rule in self.rules:
            self._check_ranges(rule)
        self._check_partition()

    @classmethod
    def from_config(cls, rules: Sequence[Mapping[str, Any]]) -> SegmentMap:
        """The map under `segments:` of `dataset.yml`; the default map where there is none.

        Each rule has `name`, `recency: [low, high]`, `frequency: [low, high]` and optionally
        `monetary: [low, high]`, `meaning` and `action`.
        """
        if not rules:
            return DEFAULT
        known = [field.name for field in fields(Rule)]
        for rule in rules:
            for key in rule:
                if key not in known:
                    raise UsageError(f"segments: {unknown('key', key, known)}")
            if missing := [key for key in known[:3] if key not in rule]:
                raise UsageError(f"segments: the rule {dict(rule)} needs {listing(missing)}.")
        return cls([Rule(**{**rule, **_ranges(rule)}) for rule in rules])

    @property
    def names(self) -> tuple[str, ...]:
        """The segments in the order of the rules, without the customers who never bought."""
        return tuple(dict.fromkeys(rule.name for rule in self.rules))

    def segment(self, recency: int, frequency: int, monetary: int = 1) -> str:
        """The segment of one combination of scores."""
        return next(r.name for r in self.rules if r.holds(recency, frequency, monetary))

    def _check_ranges(self, rule: Rule) -> None:
        if not rule.name or rule.name == NO_PURCHASE:
            raise UsageError(
                f"segments: '{rule.name}' cannot name a segment; '{NO_PURCHASE}' is taken by "
                "customers without a purchase."
            )
        for measure in ("recency", "frequency", "monetary"):
            low, high = getattr(rule, measure) or (1, self.scores)
            if not 1 <= low <= high <= self.scores:
                raise UsageError(
                    f"segments: '{rule.name}' has {measure} [{low}, {high}]; scores go from 1 to "
                    f"{self.scores}, the lower first."
                )

    def _check_partition(self) -> None:
        span = range(1, self.scores + 1)
        monetary = span if any(rule.monetary for rule in self.rules) else range(1, 2)
        hits: Counter[str] = Counter()
        for r, f, m in product(span, span, monetary):
            cell = f"R{r} F{f}" + (f" M{m}" if len(monetary) > 1 else "")
            hits[cell] = sum(rule.holds(r, f, m) for rule in self.rules)
        for fault, cells in (
            ("belong to no segment", [cell for cell, n in hits.items() if n == 0]),
            ("belong to several segments", [cell for cell, n in hits.items() if n > 1]),
        ):
            if cells:
                raise UsageError(
                    f"segments: {len(cells)} of {len(hits)} combinations of scores {fault}: "
                    f"{listing(cells, 10)}. Every combination needs exactly one."
                )


def _ranges(rule: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """The score ranges of a configured rule as pairs of whole numbers."""
    ranges = {}
    for key in ("recency", "frequency", "monetary"):
        if (value := rule.get(key)) is None:
            continue
        if not isinstance(value, (list, tuple)) or [type(v) for v in value] != [int, int]:
            raise UsageError(f"segments: {key} of '{rule['name']}' must be [low, high].")
        ranges[key] = (value[0], value[1])
    return ranges


DEFAULT = SegmentMap([
    Rule("Champions", (5, 5), (4, 5), None,
         "Among the most recently seen; bought more often than most", "Thank, reward, ask for referrals"),
    Rule("Loyal", (3, 4), (4, 5), None,
         "Bought more often than most; seen as recently as most, or more so", "Keep the rhythm; widen the choice"),
    Rule("Promising", (4, 5), (2, 3), None,
         "Last seen more recently than most; bought about as often as others", "Win the next purchase with a fitting offer"),
    Rule("Occasional", (4, 5), (1, 1), None,
         "Last seen more recently than most; bought less often than most", "Welcome; make the second purchase easy"),
    Rule("Cooling", (3, 3), (1, 3), None,
         "Seen about as recently as others; bought no more often than most", "Remind before the habit fades"),
    Rule("Slipping away", (1, 2), (4, 5), None,
         "Bought more often than most; last seen longer ago than most", "Contact in person; find out why"),
    Rule("Quiet", (1, 2), (2, 3), None,
         "Bought about as often as others; last seen longer ago than most", "One win-back offer at low cost"),
    Rule("Faded", (1, 2), (1, 1), None,
         "Bought less often than most; last seen longer ago than most", "Spend nothing beyond the newsletter"),
])  # fmt: skip
"""The default map, on recency and frequency; value is shown beside it by `value_tiers`.

Scores compare customers with one another, so the meanings do, too: in days, the last purchase of most
may be a week or two years ago.
"""
