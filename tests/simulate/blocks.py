"""Blocks of the declared companies, made once and shared by the tests of the laws."""

from __future__ import annotations

from functools import cache

import numpy as np

from crm_lib.simulate import company, making
from crm_lib.simulate.behaviour.choice import Choice
from crm_lib.simulate.block import BLOCK_CUSTOMERS, Block
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.laws import Company


class Life(making.Life):
    """A block with everything that its customers bought."""

    @property
    def order_value(self) -> np.ndarray:
        """Net value of each order in money, before anything comes back."""
        sold = ~self.lines.is_return
        return np.bincount(self.lines.order[sold], self.lines.amount[sold]) / 100


def lived(company: Company, months: int, *, seed: int = 1, number: int = 0) -> Life:
    clock = Clock(company.laws, months)
    count = BLOCK_CUSTOMERS
    block = Block(company, clock, seed, number, number * count, count)
    return Life(**vars(making.live(block, Choice(company, clock, seed))))


@cache
def retailer(months: int = 48) -> Life:
    return lived(company("retailer"), months)


@cache
def plain_retailer(months: int = 48) -> Life:
    return lived(company("retailer", without_disturbance=True), months)


def within(found: float, law: float, standard_error: float, errors: float = 4.0) -> bool:
    """Does a sample agree with its law? Four standard errors: one false alarm in 16,000."""
    return abs(found - law) <= errors * standard_error


def share_agrees(found: int, of: int, law: float) -> bool:
    """Does a count agree with the share that the law states (binomial error)?"""
    return within(found / of, law, float(np.sqrt(law * (1 - law) / of)))
