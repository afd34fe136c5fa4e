"""The page on the two companies and their laws, made from the declarations: `docs/companies.md`.

`python -m crm_lib.reference` (or `make docs`) writes it beside the reference. First what is planted,
in words (`page_summary`), then the truth that lies beside the data, then the laws (`page_laws`).
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import StrictUndefined, Template

from crm_lib import markdown
from crm_lib.markdown import code
from crm_lib.simulate import laws, page_laws, page_summary, page_values
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.companies import COMPANIES, company

PLACE = "docs/companies.md"
MONTHS = 60
"""The window whose dates the page shows; that of `crm simulate` unless asked otherwise."""

TRUTH = {
    "laws": (
        "a parameter of a law",
        "all of the laws below, with `value` and `meaning`; first company, size, window and seed",
    ),
    "customers": (
        "a customer",
        "who it is: `segment`, `source`, `adopter`, its own purchase `rate` and `hazard` of leaving (a "
        "day), `mean_order_value`, whether it `is_regular`, `is_costly` or `never_buys`",
    ),
    "spells": (
        "a time as a customer",
        "when it began and when the customer really left (`left_on`, empty: still there), and the "
        "complaint it left for (`left_for`)",
    ),
    "profits": (
        "a customer",
        "`revenue`, `margin`, every cost and what remains (`contribution`), exact, over the window",
    ),
    "segments": (
        "a planted segment",
        "its `customers` and `buyers`, how many are `unprofitable`, the `contribution` of all and the "
        "`losses` with those",
    ),
    "tenure": (
        "a year of the relationship",
        "what the customers who stayed that long brought in it (`revenue`, `margin`) and in their first "
        "year (`revenue_first_year`, `margin_first_year`): the same customers compared",
    ),
    "months": (
        "a month",
        "the company's `orders`, `lines`, customers who `joined`, `revenue`, `returns`, `discount`, "
        "`cost`: what must be left once the data are clean",
    ),
    "categories": ("a stage of a category", "when it began (`from_on`) and ended (`to_on`)"),
    "products": (
        "a product",
        "its `successor_id` and when that took over (`replaced_on`), `return_rate`, `cost_rate`",
    ),
    "campaigns": (
        "a campaign",
        "its true `lift`, with `discount_rate`, `redemption` and `control_share`",
    ),
    "prospects": (
        "a prospect",
        "its true `conversion_probability` and whether it `converts`, be it after the window",
    ),
    "wallets": (
        "a customer, year and category",
        "what the customer spends on it anywhere (`true_spend`), `our_share` of it and the rivals'",
    ),
    "accounts": (
        "an account (the supplier)",
        "its `rung`, `share_of_wallet`, `true_value` a year, whether it `is_key`, and whether its "
        "discount fits its own value (`discount_fits`)",
    ),
    "efforts": (
        "an account and month (the supplier)",
        "hours spent on it (`actual_hours`) and what its value asks for (`right_hours`)",
    ),
    "defects": (
        "a planted defect (with `--dirt`)",
        "`file`, `row`, `column`, `rule_id` that finds it, its `fate`, the cell before and after "
        "(`was`, `now`) and the `money` in it",
    ),
}
"""Table of `truth/`: what one row of it is, and what it tells."""


def text() -> str:
    """The whole page as Markdown."""
    template = Template(
        Path(__file__).with_name("companies.md.j2").read_text(encoding="utf-8"),
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True,
    )  # fmt: skip
    companies = [company(name) for name in COMPANIES]
    clocks = [Clock(each.laws, MONTHS) for each in companies]
    known = [page_laws.by_law(*pair) for pair in zip(companies, clocks, strict=True)]
    return template.render(
        months=MONTHS,
        start=clocks[0].start,
        ends=laws.WINDOW_ENDS,
        planted=[
            (each, page_summary.planted(each, clock))
            for each, clock in zip(companies, clocks, strict=True)
        ],
        truth=truth(),
        companies=page_laws.companies(companies, known),
        laws=page_laws.sections(companies, known),
        pages=[page_values.page(*pair) for pair in zip(companies, known, strict=True)],
    )


def truth() -> str:
    """The tables of `truth/` as a Markdown table."""
    rows = [(code(name), row, tells) for name, (row, tells) in TRUTH.items()]
    return markdown.table(("file", "one row is", "what it tells"), rows)
