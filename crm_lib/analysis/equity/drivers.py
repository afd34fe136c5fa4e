"""What moves equity: a little more retention, acquisition or margin, and what each is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from crm_lib import btyd
from crm_lib.analysis.equity.customers_to_come import future
from crm_lib.analysis.equity.new_customers import Newcomers
from crm_lib.btyd.stakes import Living, Stakes, with_dropout

_Change = tuple[str, str, float, float]
"""Lever, step, and how equity of present customers and of those to come changes."""


@dataclass(frozen=True)
class Levers:
    """What a little more of each driver adds to equity.

    table: one row a lever ("retention", "acquisition", "margin") and step ("point", "percent"), with the
    change of the equity of present customers, of future ones, and of both (money). retention: expected
    occasions of the present customers in months 13–24 ÷ those in months 1–12, as the model has it.
    """

    table: pd.DataFrame
    retention: float


def levers(
    held: Stakes,
    model: btyd.PurchaseModel,
    won: Newcomers,
    *,
    of_new: tuple[float, float],
    spend_of_new: tuple[float, float],
    horizon_months: int,
    discount_rate: float,
) -> Levers:
    """What one per cent, or one point, more of retention, acquisition and margin is worth.

    Each lever is pulled from the day on, and present and future equity computed again:

    - retention: customers leave less readily, all by the same factor on the model's parameter of leaving
      (`DROPOUT`), such that `retention` grows by one point or by one per cent of itself. Who still is a
      customer on the day stays as it was. No row for a model without leaving, or where retention cannot
      grow so far.
    - acquisition: one per cent more new customers, at the same cost each; no row where none come.
    - margin: the margin of every occasion grows by one per cent of itself, or the margin rate by one
      point of what is spent; what it costs to win a customer stays.

    of_new, spend_of_new: margin and spend of the first and of a later occasion of a new customer. Where
    no value is put on customers to come (`won.refusal`) no lever changes it.
    """
    terms = {"horizon_months": horizon_months, "discount_rate": discount_rate}
    equity = _Equity(Living.of(held, model), model, won, of_new, terms)
    present, ahead = now = equity.present(), equity.ahead()
    kept = equity.living.kept(model)
    rows = _of_retention(equity, now, kept)
    if won.customers and not won.refusal:
        rows.append(("acquisition", "percent", 0.0, 0.01 * ahead))
    rows += _of_margin(equity, present, spend_of_new)
    table = pd.DataFrame(rows, columns=["lever", "step", "present", "future"])
    return Levers(table.assign(total=table["present"] + table["future"]), kept)


@dataclass(frozen=True)
class _Equity:
    """Equity of present customers and of those to come, computed again when a lever is pulled.

    of_new: margin of the first and of a later occasion of a new customer. terms: of `future`.
    """

    living: Living
    model: btyd.PurchaseModel
    won: Newcomers
    of_new: tuple[float, float]
    terms: Mapping[str, Any]

    def present(self, leaving: float = 1.0, of: str = "margin") -> float:
        """Of the present customers, the parameter of leaving times `leaving`."""
        return self.living.worth(_leaving(self.model, leaving), of=of, **self.terms)

    def ahead(self, leaving: float = 1.0) -> float:
        """Of those to come, alike; 0 where no value is put on them."""
        if self.won.refusal:
            return 0.0
        model = _leaving(self.won.known, leaving)
        return future(self.won, model=model, of_new=self.of_new, **self.terms).equity


def _leaving(model: btyd.PurchaseModel, factor: float) -> btyd.PurchaseModel:
    """`with_dropout`, for models without leaving, too, where the factor is 1."""
    return with_dropout(model, factor) if factor != 1 else model


def _of_retention(equity: _Equity, now: tuple[float, float], kept: float) -> list[_Change]:
    """Retention of a point more than `kept`, and of one per cent. now: what both are worth as it is."""
    rows: list[_Change] = []
    for step, target in (("point", kept + 0.01), ("percent", kept * 1.01)):
        factor = equity.living.keeping(equity.model, target)
        if factor is not None:
            gains = equity.present(factor) - now[0], equity.ahead(factor) - now[1]
            rows.append(("retention", step, *gains))
    return rows


def _of_margin(equity: _Equity, present: float, spend: tuple[float, float]) -> list[_Change]:
    """A margin rate of a point more, and a margin of one per cent. spend: of a new customer."""
    free = replace(equity, won=replace(equity.won, costs={}))  # winning costs no more for it
    point = equity.present(of="spend"), replace(free, of_new=spend).ahead()
    return [
        ("margin", "point", 0.01 * point[0], 0.01 * point[1]),
        ("margin", "percent", 0.01 * present, 0.01 * free.ahead()),
    ]
