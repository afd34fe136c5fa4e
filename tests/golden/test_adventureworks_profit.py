"""AdventureWorks' resellers: sales below cost, and a whale curve whose tail eats most of the profit.

60,855 reseller lines, 635 active resellers and 21,829 lines below cost are the sample's published counts;
the sums beside them are taken from the raw file by plain arithmetic, not by `crm_lib`.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest

from crm_lib.analysis import losses, profit
from tests.analysis.ledger import exact


@pytest.fixture(scope="module")
def sales(shared_data: Path) -> pd.DataFrame:
    return pd.read_parquet(
        shared_data / "adventureworks_dw" / "FactResellerSales.parquet",
        columns=["ResellerKey", "ProductKey", "SalesAmount", "TotalProductCost"],
    )


@pytest.fixture(scope="module")
def lines(sales: pd.DataFrame) -> ir.Table:
    names = {"SalesAmount": "amount", "TotalProductCost": "cost"}
    return ibis.memtable(
        sales.rename(columns=names).assign(
            customer_id=sales["ResellerKey"].astype(str), product_id=sales["ProductKey"].astype(str)
        )
    )


@pytest.fixture(scope="module")
def customers(lines: ir.Table) -> ir.Table:
    """One ledger row a reseller, all of its lines in one month."""
    nothing = ibis.null("decimal(18, 4)")
    zero = ibis.literal(Decimal(0)).cast("decimal(18, 4)")
    sums = lines.group_by("customer_id").agg(
        revenue=lines.amount.sum(), cost_of_goods=lines.cost.sum(), lines=lines.count()
    )
    earned = sums.revenue - sums.cost_of_goods
    absent = ("contact_cost", "effort_cost", "handling_cost", "terms_cost", "exposure_cost",
              "campaign_cost", "acquisition_cost")  # fmt: skip
    ledger = sums.mutate(
        month=ibis.literal("2013-01-01").cast("date"), occasions=1, orders=1, gross_sales=sums.revenue,
        discount=zero, returns=zero, gross_profit=earned, cost_to_serve=zero, contribution=earned,
        profit=earned, **dict.fromkeys(absent, nothing),
    )  # fmt: skip
    return profit.by_customer(ledger)


def test_lines_sold_below_cost(lines: ir.Table, sales: pd.DataFrame) -> None:
    rows = exact(profit.by_product(lines, by="product_id"))
    assert sum(row["lines"] for row in rows) == 60_855  # type: ignore[misc]
    assert sum(row["below_cost"] for row in rows) == 21_829  # type: ignore[misc]
    lost = (sales["TotalProductCost"] - sales["SalesAmount"]).clip(lower=0).sum()
    assert sum(row["below_cost_loss"] for row in rows) == lost  # type: ignore[misc]


def test_the_tail_eats_most_of_what_the_best_earn(customers: ir.Table, sales: pd.DataFrame) -> None:
    (row,) = exact(profit.peak(customers))
    own = (sales["SalesAmount"] - sales["TotalProductCost"]).groupby(sales["ResellerKey"]).sum()
    assert row["customers"] == len(own) == 635
    assert (row["unprofitable"], row["earning"]) == ((own < 0).sum(), (own > 0).sum()) == (335, 300)
    assert row["loss"] == -own[own < 0].sum()
    assert row["profit"] == own.sum()
    assert row["peak_rate"] == pytest.approx(5.6188, rel=1e-4)


def test_all_of_them_lose_by_what_the_goods_cost(customers: ir.Table) -> None:
    """No other cost is known, so nothing else can be the cause."""
    rows = exact(losses.negatives(customers))
    assert len(rows) == 335
    assert {row["cause"] for row in rows} == {"cost_of_goods"}
