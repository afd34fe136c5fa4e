"""A company whose profit can be computed by hand: seven order lines and every kind of cost.

Money of 2023 in EUR, as of 1 April. anna buys in January and February and returns one line; ben buys in
January on 60 days' payment terms; carla is in the customer table, but never buys; dora is not in it and
buys once, at an unknown cost; one line is of nobody known.
"""

from __future__ import annotations

LINES = """customer,order,when,amount,discount,cost,place
anna,1,2023-01-05,100.00,10.00,60.00,Köln
anna,1,2023-01-05,20.00,0.00,15.00,Köln
anna,2,2023-02-07,50.00,0.00,30.00,Bonn
anna,3,2023-02-20,-20.00,0.00,-12.00,Köln
ben,4,2023-01-31,365.25,0.00,300.00,Bonn
,5,2023-02-10,40.00,5.00,25.00,Köln
dora,6,2023-03-31,10.00,0.00,,Bonn
"""
CUSTOMERS = """id,since,won_for
anna,2023-01-04,30.00
ben,,12.50
carla,2023-02-01,8.00
"""
CONTACTS = """who,at,kind,cost
anna,2023-01-09 10:00,complaint,7.50
anna,2023-02-09 10:00,service,
ben,2023-03-02 09:00,visit,
ben,2023-03-02 09:30,survey,
stranger,2023-02-02 12:00,service,4.00
anna,2023-04-01 08:00,complaint,99.00
"""
EFFORTS = """rep,who,month,hours,cost
R1,ben,2023-01-01,2,80.00
R1,ben,2023-02-01,1.5,
R2,carla,2023-03-01,0.25,
"""
CAMPAIGNS = """id,starts,cost
K1,2023-02-01,10.00
K2,2023-03-01,6.00
K3,2023-04-02,1000.00
"""
EXPOSURES = """campaign,who,arm,sent,cost
K1,anna,treatment,2023-02-03 09:00,0.50
K1,ben,treatment,,0.50
K1,carla,treatment,2023-03-01 09:00,0.50
K1,dora,control,2023-02-03 09:00,0.00
K3,anna,treatment,,5.00
"""
ACCOUNTS = """who,days
ben,60
"""
FILES = {
    "lines.csv": LINES, "customers.csv": CUSTOMERS, "contacts.csv": CONTACTS, "efforts.csv": EFFORTS,
    "campaigns.csv": CAMPAIGNS, "exposures.csv": EXPOSURES, "accounts.csv": ACCOUNTS,
}  # fmt: skip

COLUMNS = {
    "lines": "customer_id: customer, order_id: order, ordered_at: when, amount: amount, discount: discount, cost: cost, place: place",
    "customers": "customer_id: id, acquired_on: since, acquisition_cost: won_for",
    "contacts": "customer_id: who, at: at, kind: kind, cost: cost",
    "efforts": "rep_id: rep, customer_id: who, month: month, hours: hours, cost: cost",
    "campaigns": "campaign_id: id, starts_on: starts, cost: cost",
    "exposures": "campaign_id: campaign, customer_id: who, arm: arm, sent_at: sent, cost: cost",
    "accounts": "customer_id: who, payment_days: days",
}

RULES = """
ledger:
  contact_cost: {visit: 25, other: 2.00}
  hour_cost: 40
  order_cost: 1.50
  line_cost: 0.25
  return_cost: 3
  capital_rate: 0.10
"""


def yml(
    tables: tuple[str, ...] = tuple(COLUMNS), rules: str = "", name: str = "co", **columns: str
) -> str:
    """`dataset.yml` of the company with these tables; `columns` replaces the mapping of a table."""
    text = (
        "title: Company\ncurrency: EUR\nobserved_from: 2023-01-01\ndefault_as_of: 2023-04-01\n"
        f"money_decimals: 2\n{rules}\ntables:\n"
    )
    for table in tables:
        mapped = columns.get(table, COLUMNS[table])
        text += f"  {table}:\n    source: {{files: data/{name}/{table}.csv}}\n"
        text += f"    columns: {{{mapped}}}\n"
    return text
