"""Profit: what each customer earns us, month by month, and how few make all of it (whale curve).

Everything rests on the profit ledger (`book.ledger`): one row a customer and month, and rows without
a customer for what no rule allocates. Which costs are in `profit` depends on the data set;
`book.profit_label` names it for what it is. A column of the ledger is null throughout where the data
set lacks the component, and stays null here.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from crm_lib import levels
from crm_lib.baskets import added
from crm_lib.cost_components import COSTS, MONEY, PARTS, SERVING, WINNING, with_totals
from crm_lib.engine import collect
from crm_lib.errors import NotInData, UsageError, unknown
from crm_lib.needs import needs
from crm_lib.periods import Window, is_partial_month, months
from crm_lib.ratios import share_of

_WHOLE = ibis.window()
_COUNTS = ("occasions", "orders", "lines")
COLUMNS = ("customer_id", "first_month", *_COUNTS, *MONEY, "profit_rate", "is_negative")
"""What `summed` has of each customer."""

_ADDS = {
    "lines.cost": "cost of goods and gross profit",
    "contacts.cost": "cost of contacts",
    "efforts.cost": "cost of the representatives' work",
    "exposures.cost": "cost of reaching customers by campaigns",
    "campaigns.cost": "cost of campaigns",
    "customers.acquisition_cost": "cost of winning customers",
}


@needs(lines=(), optional=_ADDS)
def by_customer(ledger: ir.Table) -> ir.Table:
    """What each customer earned or cost us over the whole observed window.

    In: the ledger. Out: one row a known customer with an order line or a cost: customer_id,
    first_month (with a purchase; null for one who never bought), occasions, orders, lines, all money
    of the ledger summed (see `MONEY`), profit_rate (profit ÷ revenue; null where revenue is not
    positive), profit_rank (1 = most; equal profits share a rank), is_negative (profit below zero).
    """
    return ranked(summed(ledger))


@needs(lines=(), optional=_ADDS)
def summed(ledger: ir.Table) -> ir.Table:
    """`by_customer` without the rank, for which everybody has to be known. In: the ledger, or a part."""
    known = ledger.filter(ledger.customer_id.notnull())
    sums = known.group_by("customer_id").agg(
        first_month=known.month.min(where=known.occasions > 0),
        **{name: added(known[name]) for name in (*_COUNTS, *PARTS)},
    )
    sums = with_totals(sums).select("customer_id", "first_month", *_COUNTS, *MONEY)
    return sums.mutate(profit_rate=share_of(sums.profit, sums.revenue), is_negative=sums.profit < 0)


@needs(lines=())
def ranked(customers: ir.Table) -> ir.Table:
    """`customers` (see `summed`) with profit_rank: 1 = most; equal profits share a rank."""
    joined = customers.join(profit_levels(customers), "profit")
    return joined.relocate("profit_rank", after="profit_rate")


@needs(lines=())
def profit_levels(customers: ir.Table) -> ir.Table:
    """One row a distinct profit: profit, profit_rank (1 = most). In: `summed`."""
    counts = customers.group_by("profit").agg(here=lambda t: t.count())
    best_first = ibis.cumulative_window(order_by=counts.profit.desc())
    as_much = counts.here.cast("float64").sum().over(best_first)  # see `added`
    return counts.select("profit", profit_rank=as_much.cast("int64") - counts.here + 1)


@needs(lines=())
def by_month(ledger: ir.Table, *, observed: Window) -> ir.Table:
    """Profit and the cost to serve, month by month.

    Out: one row a calendar month, in order, zeros where nothing happened: month, all money of the
    ledger (customers and what belongs to none; it adds up to the ledger), profit_rate (÷ revenue),
    active_customers (known, with a purchase), cost_to_serve_per_customer (÷ active customers),
    cost_to_serve_share (÷ revenue), is_partial (not every day of the month observed).
    """
    summed = ledger.group_by("month").agg(
        active_customers=ledger.count(where=ledger.customer_id.notnull() & (ledger.occasions > 0)),
        **{name: ledger[name].sum() for name in PARTS},
    )
    summed = with_totals(summed)
    calendar = [
        {"month": month, "is_partial": is_partial_month(month, observed)}
        for month in months(observed)
    ]
    every = ibis.memtable(calendar, schema={"month": "date", "is_partial": "bool"})
    joined = every.outer_join(summed, "month")
    known = {name: joined[name].max().over(_WHOLE).notnull() for name in MONEY}
    filled = joined.select(
        month=ibis.coalesce(joined.month, joined.month_right),
        is_partial=joined.is_partial.fill_null(True),
        active_customers=joined.active_customers.fill_null(0),
        **{n: ibis.ifelse(known[n], joined[n].fill_null(0), joined[n]) for n in MONEY},
    )
    serving = filled.cost_to_serve.cast("float64")
    return filled.mutate(
        profit_rate=share_of(filled.profit, filled.revenue),
        cost_to_serve_per_customer=serving / filled.active_customers.nullif(0),
        cost_to_serve_share=share_of(filled.cost_to_serve, filled.revenue),
    ).order_by("month")


@needs(lines=())
def bridge(ledger: ir.Table) -> ir.Table:
    """From gross sales to profit, step by step, for all rows of the ledger.

    In: the ledger, or its sums `by_month`, which are fewer. Out: one row a step that the data set
    knows, in order: number, step (a column of the ledger), amount (money; a deduction is negative),
    kind ("start", "cost", "subtotal", "end"). Every subtotal is the start and the deductions before it;
    a subtotal that nothing was deducted for since the one before is left out, as is one that a missing
    cost would make misleading.
    """
    sums = with_totals(ledger.agg(**{name: ledger[name].sum() for name in PARTS}))
    totals = ibis.memtable(sums.to_pyarrow())
    present = collect(totals.select(*(totals[name].notnull().name(name) for name in MONEY))).iloc[0]
    steps = _steps({name for name in MONEY if present[name]})
    parts = [
        totals.select(
            number=ibis.literal(i, "int64"),
            step=ibis.literal(name),
            amount=-totals[name] if kind == "cost" else totals[name],
            kind=ibis.literal(kind),
        )
        for i, (name, kind) in enumerate(steps)
    ]
    return ibis.union(*parts).order_by("number") if len(parts) > 1 else parts[0]


_SECTIONS = (
    ("gross_sales", ("discount", "returns")),
    ("revenue", ("cost_of_goods",)),
    ("gross_profit", SERVING),
    ("contribution", WINNING),
)
"""Each level of profit with the deductions that follow it."""


def _steps(present: set[str]) -> list[tuple[str, str]]:
    """The steps of `bridge`: (column, kind)."""
    steps: list[tuple[str, str]] = []
    for level, deductions in _SECTIONS:
        if level in present and (not steps or steps[-1][1] == "cost"):
            steps.append((level, "subtotal" if steps else "start"))
        steps += [(name, "cost") for name in deductions if name in present]
    # The last level is profit itself, whatever it is called.
    if steps[-1][1] == "subtotal":
        steps.pop()
    return [*steps, ("profit", "end")]


@needs(lines=())
def whale(customers: ir.Table, *, points: int = 200) -> ir.Table:
    """The whale curve: cumulative profit, customers sorted by profit, the best first.

    In: `by_customer`. Out: at most `points` + 2 rows in order, from (0, 0) over the peak to everyone:
    customers (so many of the best), customers_share, profit (theirs together, money), profit_share
    (of all profit; null where that is not positive), is_peak (the last customer with a profit above
    zero). Raises NotInData where no cost is known, UsageError for fewer than one point.
    """
    if points < 1:
        raise UsageError(f"A whale curve needs at least one point, not {points}.")
    require_costs(customers)
    found = levels.levels(customers.select(value=customers.profit))
    earning = found.here.sum(where=found.value > 0).fill_null(0).over(_WHOLE)
    found = found.mutate(earning=earning)
    before = found.up_to - found.here
    passed = (found.up_to * points) // found.n > (before * points) // found.n
    last_earning = (found.value > 0) & (found.up_to == found.earning)
    steps = ibis.memtable({"point": range(1, points + 1)}, schema={"point": "int64"})
    each = found.filter(passed).cross_join(steps)
    # The first customer with whom so many points are reached, and the last who earns.
    kept = ibis.union(
        levels.at(each, (each.point * each.n + points - 1) // points, "earning"),
        levels.at(found.filter(last_earning), found.filter(last_earning).up_to, "earning"),
        distinct=True,
    )
    curve = kept.select(
        "customers",
        customers_share=kept.customers / kept.n,
        profit="value",
        profit_share=share_of(kept.value, kept.whole),
        is_peak=kept.customers == kept.earning,
    )
    zero = {name: ibis.literal(0).cast(type_) for name, type_ in curve.schema().items()}
    return ibis.union(curve.limit(1).select(**zero), curve).order_by("customers")


@needs(lines=())
def peak(customers: ir.Table) -> ir.Table:
    """Where the whale curve peaks and what its tail costs.

    In: `by_customer`. Out: one row: customers, earning (with a profit above zero), earning_share,
    peak_profit (theirs together), profit (of all), peak_rate (peak ÷ profit; null where profit is not
    positive), unprofitable (with a profit below zero), unprofitable_share, loss (theirs, positive
    money: peak_profit − profit), never_bought (of the unprofitable). Where no cost is known profit is
    revenue, and unprofitable are those who returned more than they bought.
    """
    negative = customers.profit < 0
    sums = customers.agg(
        customers=customers.count(),
        earning=(customers.profit > 0).sum().fill_null(0),
        peak_profit=customers.profit.sum(where=customers.profit > 0).fill_null(0),
        profit=customers.profit.sum().fill_null(0),
        unprofitable=negative.sum().fill_null(0),
        loss=-customers.profit.sum(where=negative).fill_null(0),
        never_bought=(negative & customers.first_month.isnull()).sum().fill_null(0),
    )
    return sums.mutate(
        earning_share=sums.earning / sums.customers.nullif(0),
        unprofitable_share=sums.unprofitable / sums.customers.nullif(0),
        peak_rate=share_of(sums.peak_profit, sums.profit),
    )


@needs(lines=())
def by_group(customers: ir.Table, groups: ir.Table, by: str) -> ir.Table:
    """Profit of the groups that customers belong to: segments, tiers, stages, sources.

    In: `by_customer` and a table with customer_id and the column `by`, one row a customer, which is not
    looked at where the first has that column. Out: one
    row a group, the most profit first: `by`, customers, revenue, profit, profit_share (of all
    profit; null where that is not positive), profit_rate (÷ revenue), profit_per_customer,
    unprofitable (customers), unprofitable_share. Customers without a group are in none of the rows
    called by name but in one whose `by` is null, so that the rows add up. Raises UsageError for an
    unknown column.
    """
    if by not in groups.columns:
        raise UsageError(unknown("column to group by", by, groups.columns))
    named = customers
    if by not in customers.columns:
        named = customers.left_join(groups.select("customer_id", by), "customer_id")
    grouped = named.group_by(by).agg(
        customers=named.count(),
        revenue=named.revenue.sum(),
        profit=named.profit.sum(),
        unprofitable=named.is_negative.sum(),
    )
    return grouped.mutate(
        profit_share=share_of(grouped.profit, grouped.profit.sum().over(_WHOLE)),
        profit_rate=share_of(grouped.profit, grouped.revenue),
        profit_per_customer=grouped.profit.cast("float64") / grouped.customers,
        unprofitable_share=grouped.unprofitable / grouped.customers,
    ).order_by(grouped.profit.desc(), by)


_LEVELS = ("category", "subcategory", "product_id")


@needs(lines=("product_id", "cost"), optional={"products.category": "gross profit by category"})
def by_product(
    lines: ir.Table, products: ir.Table | None = None, *, by: str = "category"
) -> ir.Table:
    """Gross profit by product or by a group of products.

    In: order lines; products for a `by` other than product_id. Only lines whose cost is known count.
    Out: one row a value of `by` (null: of no known product), the most gross profit first: `by`,
    lines, revenue (net), cost, gross_profit, gross_rate (÷ revenue), gross_share (of all gross
    profit; null where that is not positive), below_cost (sales, not returns, at less than their
    cost), below_cost_loss (what these lines lost, positive money). Costs beyond the goods are
    recorded for customers, not for products. Raises NotInData without costs or products, UsageError
    for another `by`.
    """
    if by not in _LEVELS:
        raise UsageError(unknown("level of products", by, _LEVELS))
    if "cost" not in lines.columns or "product_id" not in lines.columns:
        raise NotInData(
            "Gross profit by product needs `cost` and `product_id` of the table `lines`."
        )
    if by != "product_id":
        if products is None or by not in products.columns:
            raise NotInData(f"Gross profit by {by} needs `{by}` of the table `products`.")
        lines = lines.left_join(products.select("product_id", by), "product_id")
    known = lines.filter(lines.cost.notnull())
    below = (known.amount > 0) & (known.amount < known.cost)
    grouped = known.group_by(by).agg(
        lines=known.count(),
        revenue=known.amount.sum(),
        cost=known.cost.sum(),
        below_cost=below.sum(),
        below_cost_loss=(known.cost - known.amount).sum(where=below).fill_null(0),
    )
    grouped = grouped.mutate(gross_profit=grouped.revenue - grouped.cost)
    return grouped.mutate(
        gross_rate=share_of(grouped.gross_profit, grouped.revenue),
        gross_share=share_of(grouped.gross_profit, grouped.gross_profit.sum().over(_WHOLE)),
    ).order_by(grouped.gross_profit.desc(), by)


def require_costs(customers: ir.Table) -> None:
    """NotInData where no cost is known: revenue alone makes nobody unprofitable. In: `by_customer`."""
    one = collect(customers.select(COSTS).limit(1))  # null in every row, or in none
    if len(one) and one.isna().all(axis=None):
        raise NotInData(
            "Who earns and who costs needs a cost: `cost` of the table `lines` or `contacts`, or "
            "`acquisition_cost` of `customers`. How revenue is shared among customers is in Segments."
        )
