"""The canonical tables: one declaration per table, from which everything else about a column follows.

Staging casts to these types, the structural expectations test them, error texts and the reference
documentation quote them. A data set supplies the tables it has; analyses say which they miss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crm_lib.errors import UsageError, unknown

Type = Literal["text", "day", "time", "money", "number", "count"]


@dataclass(frozen=True)
class Column:
    """One column: its type, unit and meaning.

    `required`: the data set must map it. `nullable`: a missing value is not a defect.
    `personal`: names a person; leaves a report only for an internal audience.
    `recorded_later`: a fact that may be written after the row; null as of an earlier day.
    """

    name: str
    type: Type
    meaning: str
    required: bool = False
    nullable: bool = True
    unit: str = ""
    personal: bool = False
    recorded_later: bool = False


@dataclass(frozen=True)
class Table:
    """One canonical table: its grain, columns and key.

    `key` is unique (empty: no key). `recorded` is the column that dates a row: rows dated on or
    after `as_of` do not exist yet. `references` maps a column to the table it points to.
    `open_ended` tables keep further columns as attributes.
    """

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    recorded: str | None = None
    references: tuple[tuple[str, str], ...] = ()
    open_ended: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column:
        """The declaration of column `name`; of an attribute when the table is open-ended.

        Raises UsageError for a name that does not exist.
        """
        for column in self.columns:
            if column.name == name:
                return column
        if self.open_ended:
            return Column(name, "text", "an attribute supplied by the data set")
        raise UsageError(unknown(f"column of '{self.name}'", name, self.column_names))


def _key(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, "text", meaning, required=True, nullable=nullable)


def _text(name: str, meaning: str) -> Column:
    return Column(name, "text", meaning)


def _money(name: str, meaning: str) -> Column:
    return Column(name, "money", meaning, unit="currency")


def _day(name: str, meaning: str, *, later: bool = False) -> Column:
    return Column(name, "day", meaning, recorded_later=later)


_CUSTOMER = _key("customer_id", "the customer")

LINES = Table(
    "lines",
    "one row is an order line",
    (
        _key("customer_id", "who bought; missing = anonymous, kept in totals only", nullable=True),
        _key("order_id", "the order, invoice or basket"),
        Column("ordered_at", "time", "when, in the business's time zone", True, False),
        Column("amount", "money", "net of discount, returns negative", True, False, "currency"),
        Column("quantity", "number", "units sold, returns negative", unit="units"),
        _text("product_id", "what was bought"),
        _money("discount", "given on this line, positive"),
        _money("cost", "of the goods sold on this line, positive"),
        _text("channel", "web, shop, phone …"),
        _text("place", "shop, region or country of the sale"),
        _text("rep_id", "the sales representative"),
        _text("campaign_id", "the campaign the sale is booked to"),
    ),
    recorded="ordered_at",
    references=(
        ("customer_id", "customers"),
        ("product_id", "products"),
        ("campaign_id", "campaigns"),
    ),
)

CUSTOMERS = Table(
    "customers",
    "one row is a customer",
    (
        _CUSTOMER,
        Column("name", "text", "name of the person or company", personal=True),
        _text("role", "end customer, distributor or partner"),
        _day("acquired_on", "day of becoming a customer"),
        _text("source", "where the customer came from"),
        _money("acquisition_cost", "of winning this customer"),
        _text("industry", "the customer's industry"),
        _text("market", "main or other market"),
        _text("brand_tier", "tier of the customer's own brand"),
        _text("size", "size class"),
        _text("region", "region of the customer"),
    ),
    key=("customer_id",),
    recorded="acquired_on",
    open_ended=True,
)

PRODUCTS = Table(
    "products",
    "one row is a product",
    (
        _key("product_id", "the product"),
        _text("name", "name of the product"),
        _text("category", "product category"),
        _text("subcategory", "product subcategory"),
        _day("launched_on", "first day on sale"),
        _money("list_price", "price before discount"),
    ),
    key=("product_id",),
    recorded="launched_on",
)

CONTACTS = Table(
    "contacts",
    "one row is a contact with a customer",
    (
        _CUSTOMER,
        Column("at", "time", "when the contact was made", True, False),
        _key("kind", "complaint, survey, service, visit, request or reason"),
        _text("channel", "phone, mail, web …"),
        _text("product_id", "the product spoken of"),
        _text("reason", "what it was about"),
        Column("score", "number", "answer on the scale"),
        Column("scale_max", "number", "highest answer possible"),
        _money("cost", "of this contact"),
        Column("resolved_at", "time", "when it was settled", recorded_later=True),
        _text("department", "department responsible"),
        Column("person", "text", "who answered", personal=True),
        _text("rep_id", "the sales representative"),
    ),
    recorded="at",
    references=(("customer_id", "customers"), ("product_id", "products")),
)

CAMPAIGNS = Table(
    "campaigns",
    "one row is a campaign",
    (
        _key("campaign_id", "the campaign"),
        _text("kind", "promotion, retention, acquisition or pilot"),
        _day("starts_on", "first day"),
        _day("ends_on", "last day"),
        _money("cost", "of the whole campaign"),
    ),
    key=("campaign_id",),
    recorded="starts_on",
)

EXPOSURES = Table(
    "exposures",
    "one row is a customer in a campaign",
    (
        _key("campaign_id", "the campaign"),
        _CUSTOMER,
        _text("arm", "treatment or control"),
        Column("sent_at", "time", "when it was sent"),
        Column("redeemed_at", "time", "when it was first redeemed", recorded_later=True),
        _money("cost", "of reaching this customer"),
    ),
    recorded="sent_at",
    references=(("campaign_id", "campaigns"),),
)

PROSPECTS = Table(
    "prospects",
    "one row is a prospect",
    (
        _key("prospect_id", "the prospect"),
        Column("created_on", "day", "first recorded", True, False),
        _text("source", "where the prospect came from"),
        _text("stage", "stage of the sale"),
        _text("rep_id", "the sales representative"),
        Column(
            "converted_customer_id",
            "text",
            "the customer it became; known from `converted_on` on, so never without it",
            recorded_later=True,
        ),
        _day("converted_on", "day of the first order", later=True),
        _day("lost_on", "day it was given up", later=True),
    ),
    key=("prospect_id",),
    recorded="created_on",
    open_ended=True,
)

WALLETS = Table(
    "wallets",
    "one row is a customer's spend in a category and year, with all suppliers",
    (
        _CUSTOMER,
        Column("year", "count", "calendar year", True, False, "year"),
        Column("spend", "money", "with all suppliers", True, False, "currency"),
        _text("category", "product category"),
        _text("main_rival", "largest other supplier"),
        Column("supplier_count", "count", "number of suppliers"),
        Column("our_rank", "count", "1 = we are the largest supplier"),
        _text("evidence", "observed, survey or estimate"),
    ),
    references=(("customer_id", "customers"),),
)

ACCOUNTS = Table(
    "accounts",
    "one row is a business account's terms",
    (
        _CUSTOMER,
        Column("strategic_fit", "number", "fit with our strategy, 0 to 1"),
        Column("discount_rate", "number", "agreed discount as a share of list price"),
        Column("payment_days", "count", "days until payment", unit="days"),
        _text("service_level", "agreed level of service"),
        _text("plan", "none, acquire or develop"),
        _day("plan_on", "day the plan was made", later=True),
        _money("joint_savings", "saved together, a year"),
    ),
    key=("customer_id",),
    references=(("customer_id", "customers"),),
)

EFFORTS = Table(
    "efforts",
    "one row is a rep's work for a customer in a month",
    (
        _key("rep_id", "the sales representative"),
        _CUSTOMER,
        Column("month", "day", "first day of the month", True, False),
        Column("hours", "number", "hours worked", unit="hours"),
        _money("cost", "of these hours"),
    ),
    key=("rep_id", "customer_id", "month"),
    recorded="month",
    references=(("customer_id", "customers"),),
)

TARGETS = Table(
    "targets",
    "one row is a goal for a month",
    (
        Column("month", "day", "first day of the month", True, False),
        _key("measure", "what is measured"),
        Column("target", "number", "the goal", True, False),
        _text("segment", "for this segment only"),
        _text("category", "for this category only"),
        _text("rep_id", "for this representative only"),
    ),
)

EVENTS = Table(
    "events",
    "one row is a dated event outside the company",
    (
        Column("on", "day", "the day", True, False),
        _key("what", "what happened"),
        _text("kind", "economy, rival, leadership …"),
    ),
    recorded="on",
)

NOMINATIONS = Table(
    "nominations",
    "one row is someone's view that a customer is key",
    (Column("person", "text", "who says so", True, False, personal=True), _CUSTOMER),
    key=("person", "customer_id"),
    references=(("customer_id", "customers"),),
)

MARKET = Table(
    "market",
    "one row is a category's whole market in a month",
    (
        Column("month", "day", "first day of the month", True, False),
        _key("category", "product category"),
        Column("sales", "money", "of all suppliers", True, False, "currency"),
        _text("industry", "industry of the buyers"),
    ),
    recorded="month",
)

READINESS = Table(
    "readiness",
    "one row is an answer of the self-assessment",
    (
        _key("pillar", "one of the seven pillars"),
        _key("question", "the question"),
        Column("score", "number", "the answer", True, False),
        _money("spend", "invested in this pillar"),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        LINES, CUSTOMERS, PRODUCTS, CONTACTS, CAMPAIGNS, EXPOSURES, PROSPECTS, WALLETS,
        ACCOUNTS, EFFORTS, TARGETS, EVENTS, NOMINATIONS, MARKET, READINESS,
    )
}  # fmt: skip


def table(name: str) -> Table:
    """The declaration of the canonical table `name`; UsageError with the nearest name otherwise."""
    if name not in TABLES:
        raise UsageError(unknown("canonical table", name, TABLES))
    return TABLES[name]
