"""Contacts that orders bring: complaints, service, requests for products that are new."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from crm_lib.simulate.behaviour import lifecycle
from crm_lib.simulate.block import Block, Complaints, Floats, Ints, Lines, Orders, People
from crm_lib.simulate.laws import STAGES
from crm_lib.simulate.tables import arrow, opening_hours
from crm_lib.simulate.tables.contact_rows import Part, Subject, answered, cases, costs, part

COSTLY_LEAST = 400
"""Serving a costly customer after an order costs at least so many cents."""

SERVICE = {
    "delivery date": Subject(0.35, 0.98, "Logistics"),
    "use of the product": Subject(0.25, 0.95, "Customer service"),
    "invoice": Subject(0.25, 0.97, "Finance"),
    "change of an order": Subject(0.15, 0.96, "Customer service"),
}
SERVICE_SETTLED_DAYS = 0.4
SERVICE_FOLLOWS_DAYS = 2.0
"""A service contact follows its order after 0.1 days + an exponential time of this mean."""

REQUESTS = {
    "larger pack": Subject(0.3, 0.5, "Product management"),
    "lower price": Subject(0.3, 0.35, "Sales"),
    "clearer instructions": Subject(0.25, 0.8, "Product management"),
    "more variants": Subject(0.15, 0.25, "Product management"),
}
REQUEST_SETTLED_DAYS = 12.0
REQUEST_FOLLOWS_DAYS = 5.0


def complaints(block: Block, orders: Orders, made: Complaints, lines: Lines) -> Part:
    """The complaints, about the dearest line of the order, by cause; all cost something."""
    stream, law = block.stream("contacts: complaints"), block.company.laws.complaints
    return part(
        "complaint",
        orders.customer[made.order],
        made.made,
        product_id=_products(block, _dearest(orders, lines, made.order)),
        reason=arrow.texts(made.cause, list(law.causes)),
        department=arrow.texts(
            made.cause, [department for _, _, department in law.causes.values()]
        ),
        cost=arrow.money(costs(stream, law.cost, len(made))),
        resolved_at=opening_hours.times(made.resolved, block.clock),
        **answered(stream, len(made)),
    )


def service(block: Block, people: People, orders: Orders, lines: Lines) -> Part:
    """Service after a share of the orders; after every order of a costly customer.

    What a costly customer's contact costs is a factor within `Service.costly_factor` × margin of the
    order (net amount − cost of goods, before returns), at least `COSTLY_LEAST`.
    """
    stream, law = block.stream("contacts: service"), block.company.laws.service
    is_costly = people.is_costly[orders.customer]
    rows = np.flatnonzero(is_costly | (stream.random(len(orders)) < law.rate))
    factor = stream.uniform(*law.costly_factor, len(rows))
    factored = arrow.cents(factor * _margins(orders, lines)[rows] / 100)
    usual = costs(stream, law.cost, len(rows))
    cost = np.where(is_costly[rows], np.maximum(factored, COSTLY_LEAST), usual)
    delay = 0.1 + stream.exponential(SERVICE_FOLLOWS_DAYS, len(rows))
    return cases(
        block,
        stream,
        "service",
        orders.customer[rows],
        _times(orders)[rows] + delay,
        SERVICE,
        SERVICE_SETTLED_DAYS,
        product_id=_products(block, _dearest(orders, lines, rows)),
        cost=arrow.money(cost),
    )


def requests(block: Block, orders: Orders, lines: Lines) -> Part:
    """What customers ask for who bought a product whose category was new: introduced or growing."""
    stream = block.stream("contacts: requests")
    product = _new_products(block, orders, lines)
    wanted = stream.random(len(orders)) < block.company.laws.request_rate
    rows = np.flatnonzero((product >= 0) & wanted)
    delay = 0.5 + stream.exponential(REQUEST_FOLLOWS_DAYS, len(rows))
    return cases(
        block,
        stream,
        "request",
        orders.customer[rows],
        _times(orders)[rows] + delay,
        REQUESTS,
        REQUEST_SETTLED_DAYS,
        product_id=_products(block, product[rows]),
    )


def _times(orders: Orders) -> Floats:
    return opening_hours.continuous(orders.day, orders.second)


def _products(block: Block, product: Ints) -> pa.Array:
    return arrow.texts(product, [p.product_id for p in block.company.products])


def _margins(orders: Orders, lines: Lines) -> Ints:
    """Margin of each order in cents: exact, sums of cents stay far below 2**53."""
    sold = np.where(lines.is_return, 0, lines.amount - lines.cost)
    return np.bincount(lines.order, weights=sold, minlength=len(orders)).astype(np.int64)


def _dearest(orders: Orders, lines: Lines, chosen: Ints) -> Ints:
    """The product of the dearest line of each of the orders `chosen`."""
    is_chosen = np.zeros(len(orders), dtype=bool)
    is_chosen[chosen] = True
    rows = np.flatnonzero(is_chosen[lines.order] & ~lines.is_return)
    rows = rows[np.argsort(lines.amount[rows], kind="stable")]
    product = np.full(len(orders), -1)
    product[lines.order[rows]] = lines.product[rows]  # of several, the last: the dearest
    return product[chosen]


def _new_products(block: Block, orders: Orders, lines: Lines) -> Ints:
    """A product of each order whose category was in introduction or growth; -1: it has none."""
    company, clock = block.company, block.clock
    sizes = [len(category.products) for category in company.categories]
    stage = np.repeat(lifecycle.stages(company, clock), sizes, axis=0)
    is_new = (stage == STAGES.index("Introduction")) | (stage == STAGES.index("Growth"))
    rows = np.flatnonzero(is_new[lines.product, clock.month_of_day[lines.day]] & ~lines.is_return)
    product = np.full(len(orders), -1)
    product[lines.order[rows]] = lines.product[rows]
    return product
