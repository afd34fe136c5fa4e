"""The stages of a customer's life and the limits between them, checked when they are read.

The defaults are below; `stages:` of `dataset.yml` changes them. The rules are in `analysis.stages`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from crm_lib.errors import UsageError, unknown

STAGES = (
    "Prospect",
    "New",
    "Developing",
    "Established",
    "Reactivated",
    "At risk",
    "Dormant",
    "Lost",
)
"""All stages, in the order of a customer's life."""


class Thresholds(BaseModel):
    """The limits of the stages, in multiples of the customer's expected gap.

    With n own gaps, the expected gap is n/(n+prior_gaps) own mean gap + prior_gaps/(n+prior_gaps)
    population.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    at_risk: float = Field(default=1.5, gt=0)
    """at risk beyond a silence of so many expected gaps"""
    dormant: float = 3.0
    """dormant beyond so many expected gaps"""
    lost: float = 6.0
    """lost beyond so many expected gaps"""
    prior_gaps: float = Field(default=3.0, gt=0)
    """how many own gaps the typical gap of all customers is worth; with as many own gaps a customer
    counts as established"""
    shortest_gap_days: float = Field(default=1.0, gt=0)
    """no expected gap is shorter (days); 7 where many come every other day, so that a long weekend is
    no silence"""

    @model_validator(mode="after")
    def _rising(self) -> Thresholds:
        if not self.at_risk < self.dormant < self.lost:
            raise ValueError(
                "the limits must rise: at_risk < dormant < lost, "
                f"not {self.at_risk:g}, {self.dormant:g}, {self.lost:g}"
            )
        return self

    @classmethod
    def of(cls, configured: Mapping[str, float]) -> Thresholds:
        """The thresholds as `stages:` of `dataset.yml` changes them.

        Raises UsageError for an unknown name, a value that is no number or limits that do not rise.
        """
        for name in configured:
            if name not in cls.model_fields:
                raise UsageError("stages: " + unknown("threshold", name, cls.model_fields))
        try:
            return cls.model_validate(dict(configured))
        except ValidationError as error:
            text = error.errors()[0]["msg"].removeprefix("Value error, ")
            place = "".join(f"{part}: " for part in error.errors()[0]["loc"])
            raise UsageError(f"stages: {place}{text}.") from None


DEFAULT = Thresholds()
