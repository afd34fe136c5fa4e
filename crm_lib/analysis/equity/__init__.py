"""Customer equity: what the present customers will earn together, and those who will come, apart.

Equity of the present customers is the sum of their residual CLV. Future cohorts are those expected to
be won within the horizon at the pace of the last twelve full months, each customer worth what one
earns within the horizon of the first purchase, less what it costs to win one. What a new customer does
is learnt from those alone whose first purchase was seen: who was there before buys otherwise. Where
the pace is not steady, or too few came, no value is put on customers to come. The levers say what a
little more retention, acquisition or margin is worth; everything is computed again for each.
"""

from crm_lib.analysis.equity.customers_to_come import Future, future, parts
from crm_lib.analysis.equity.drivers import Levers, levers
from crm_lib.analysis.equity.new_customers import Newcomers, newcomers, steady
from crm_lib.analysis.equity.present_customers import stakes

__all__ = [
    "Future", "Levers", "Newcomers", "future", "levers", "newcomers", "parts", "stakes", "steady",
]  # fmt: skip
