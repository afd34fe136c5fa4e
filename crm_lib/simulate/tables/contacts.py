"""Contacts: everything customers tell the company, and what serving them costs, as one table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crm_lib.simulate.block import Block, Complaints, Floats, Ints, Lines, Orders, People, Spells
from crm_lib.simulate.tables import (
    accounts,
    arrow,
    contact_orders,
    contact_reasons,
    contact_surveys,
    contact_visits,
    opening_hours,
)
from crm_lib.simulate.tables.contact_rows import Part


def table(
    block: Block,
    people: People,
    spells: Spells,
    orders: Orders,
    complaints: Complaints,
    lines: Lines,
) -> pa.Table:
    """The canonical `contacts`, by customer and time, and a raw `contact_id`, unique in the company.

    Contacts after the window do not exist; `resolved_at` is null where it lies beyond it. `cost` is
    null where none is recorded (surveys, requests, reasons). `rep_id` is the account's home
    representative; the column is left out for companies without accounts.
    """
    parts = [
        contact_orders.complaints(block, orders, complaints, lines),
        contact_orders.service(block, people, orders, lines),
        contact_orders.requests(block, orders, lines),
        contact_visits.visits(block, spells, orders),
        *contact_surveys.surveys(block, people),
        contact_reasons.joined(block, people),
        contact_reasons.left(block, spells),
    ]
    customer, time, stated = _sorted(block, parts)
    columns = {
        "contact_id": pa.array((block.number << 32) + np.arange(len(customer))),
        "customer_id": arrow.ids("C", people.number).take(pa.array(customer)),
        "at": opening_hours.times(time, block.clock),
        **{name: stated[name] for name in stated.column_names},
    }
    if block.company.accounts is not None:
        home = accounts.home_rep(block, people)
        columns["rep_id"] = accounts.rep_ids(block, home[customer])
    return pa.table(columns)


def cost_cents(block: Block, people: People, contacts: pa.Table) -> Ints:
    """What the contacts of each customer (row of `People`) cost together, in cents."""
    number = pc.cast(pc.utf8_slice_codeunits(contacts["customer_id"], 1), pa.int64()).to_numpy() - 1
    cents = pc.cast(pc.multiply(pc.fill_null(contacts["cost"], 0), 100), pa.int64()).to_numpy()
    customer = number - block.first
    return np.bincount(customer, weights=cents, minlength=len(people)).astype(np.int64)


def _sorted(block: Block, parts: list[Part]) -> tuple[Ints, Floats, pa.Table]:
    """Contacts within the window, by customer and time."""
    customer = np.concatenate([part.customer for part in parts])
    time = np.concatenate([part.time for part in parts])
    rows = np.flatnonzero(time < block.clock.days)
    rows = rows[np.lexsort((time[rows], customer[rows]))]
    stated = pa.concat_tables([part.stated for part in parts]).unify_dictionaries()
    return customer[rows], time[rows], stated.combine_chunks().take(pa.array(rows))
