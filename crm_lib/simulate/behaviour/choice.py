"""Choice: which product a line holds, for every kind of customer and every month."""

from __future__ import annotations

import numpy as np

from crm_lib.simulate.behaviour import lifecycle
from crm_lib.simulate.block import Floats, Ints
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.laws import ADOPTERS, STAGES, Company


def draws(company: Company) -> Floats:
    """How strongly each segment (row) is drawn to each category (column)."""
    return np.array(
        [[s.categories.get(c.name, 0.0) for c in company.categories] for s in company.segments]
    )


class Choice:
    """The products of a company as lines choose among them, made once for all blocks.

    The weight of a product = draw of its category on the segment × demand for the category in the
    month × the adopter's weight for the stage of the category × weight of the product in its
    category × (1 − price cut) ** (elasticity + 1), as the weight is one of money: a quantity that rises by
    the elasticity costs that much less.
    """

    def __init__(self, company: Company, clock: Clock, seed: int) -> None:
        products = company.products
        self.list_price: Floats = np.array([p.list_price for p in products])
        self.cost_rate: Floats = np.array([p.cost_rate for p in products])
        self.return_rate: Floats = np.array([p.return_rate for p in products])
        self.price_cuts: Floats = lifecycle.price_cuts(company, clock, seed)
        self.category: Ints = np.repeat(
            np.arange(len(company.categories)), [len(c.products) for c in company.categories]
        )
        weights = self._weights(company, clock)
        sums = weights.sum(axis=-1, keepdims=True)
        if (sums <= 0).any():
            segment = company.segments[int(np.argwhere(sums <= 0)[0][0])].name
            raise ValueError(f"The segment '{segment}' has no product to choose in some month.")
        edges = np.cumsum(weights / sums, axis=-1)
        edges[..., -1] = 1.0
        self._shape = edges.shape
        cells = edges.reshape(-1, edges.shape[-1])
        # One rising row of numbers: cell 0 in 0..1, cell 1 in 1..2 …, searched in one go.
        self._edges = (cells + np.arange(len(cells))[:, None]).ravel()

    def _weights(self, company: Company, clock: Clock) -> Floats:
        """Weight by segment, adopter, month and product."""
        stage = lifecycle.stages(company, clock)
        factors = np.ones((len(STAGES) + 1, len(ADOPTERS)))  # the last row is for "not yet"
        for name, row in company.laws.adoption.items():
            factors[STAGES.index(name)] = row
        by_category = (
            draws(company)[:, None, :, None] * lifecycle.demand(company, clock)[None, None]
        )
        by_category = by_category * factors[stage].transpose(2, 0, 1)[None]
        elasticity = np.array([s.price_elasticity for s in company.segments])
        cheaper = (1 - self.price_cuts)[None] ** (elasticity + 1)[:, None, None]
        within = lifecycle.product_weights(company, clock)[None] * cheaper
        weights = by_category[:, :, self.category, :] * within[:, None]
        return np.moveaxis(weights, 2, 3)

    def draw(self, segment: Ints, adopter: Ints, month: Ints, stream: np.random.Generator) -> Ints:
        """A product for each line: positions in `Company.products`."""
        _, adopters, months, products = self._shape
        cell = (segment * adopters + adopter) * months + month
        found = np.searchsorted(self._edges, cell + stream.random(len(cell)), side="right")
        return np.minimum(found - cell * products, products - 1)
