"""A shop that delivers its order lines in a file a month, and its contacts in one file."""

from __future__ import annotations

from collections.abc import Mapping

from tests.conftest import MakeProject

HEAD = "customer,order,when,amount,cost"
CONTACTS = "who,at,kind,cost\nanna,2023-01-09,visit,7.50\nben,2023-02-02,visit,4.00\n"
YML = """
title: Months
currency: EUR
money_decimals: 2
observed_from: 2023-01-01
default_as_of: 2023-04-01
tables:
  lines:
    source: {files: data/shop/lines_*.csv}
    columns: {customer_id: customer, order_id: order, ordered_at: when, amount: amount, cost: cost}
  contacts:
    source: {files: data/shop/contacts.csv}
    columns: {customer_id: who, at: at, kind: kind, cost: cost}
"""


def deliver(make_project: MakeProject, files: Mapping[str, str], contacts: str = CONTACTS) -> None:
    """Make `shop` the project's data set: order lines by file, without the head."""
    content = {name: f"{HEAD}\n{text}\n" for name, text in files.items()}
    make_project("shop", {**content, "contacts.csv": contacts}, YML)
