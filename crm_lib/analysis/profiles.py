"""Profiles: who the customers are, by any attribute: level, risk, preference and habit.

`profile` is the facts joined with the attributes of the customer table, one row a customer.
Every known customer is in exactly one row of a result, so that parts add up to the whole: a value
that is missing is "Unknown", and values beyond the most common ones are "Other".
"""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.engine import collect, kept
from crm_lib.errors import NotInData, UsageError, unknown
from crm_lib.labels import OTHER, UNKNOWN, in_order, labelled, scale
from crm_lib.needs import needs
from crm_lib.ratios import ratio, share_of

EVERYONE = "All customers"

_WHOLE = ibis.window()
_EXACT = 1e-9
"""Where all are of a kind, the end of the interval is 1, give or take the last digits."""
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_BITS = 60
"""So many categories fit beside each other into a whole number of the engine."""
_TIMED = ("weekday", "month", "hour")
_OF_DAYS = ("weekday", "month")
"""Habits that the day alone tells."""
_VALUE = ("customer_group", "kind", "value", "place")
_DIMENSIONS = ("weekday", "hour", "month", "channel", "place")


@needs(lines=(), customers=())
def by(profile: ir.Table, attribute: str, *, top: int = 12, bins: int = 5) -> ir.Table:
    """Level and risk of the customers, by the values of an attribute.

    One row a value, in order (numbers and scales such as "25-34" rising, others by number of
    customers; then Other, Unknown):
    attribute, value (text), kind (value, other, unknown); customers, customers_share (of all
    known customers), buyers (with an occasion); revenue (net), revenue_share (null where the whole
    is not positive), revenue_per_customer, occasions_per_customer (per known customer);
    repeat_rate (buyers with two or more occasions ÷ buyers), median_gap_days (median of the
    customers' own median gaps) and median_days_since_last (days).

    Numbers and years with more than `top` values are cut into `bins` ranges at quantiles, never
    inside a value. Raises UsageError, with the columns there are, for an unknown attribute.
    """
    parts = (
        labelled(profile, attribute, top, bins)
        .group_by("kind", "value", "place")
        .aggregate(
            customers=lambda t: t.count(),
            buyers=lambda t: (t.occasions > 0).sum().fill_null(0),
            repeat=lambda t: (t.occasions > 1).sum().fill_null(0),
            revenue=lambda t: t.revenue.sum().fill_null(0),
            occasions=lambda t: t.occasions.sum().fill_null(0),
            median_gap_days=lambda t: t.median_gap_days.median(),
            median_days_since_last=lambda t: t.days_since_last.median(),
        )
    )
    return in_order(parts).select(
        attribute=ibis.literal(attribute),
        value=parts.value,
        kind=parts.kind,
        customers=parts.customers,
        customers_share=parts.customers / parts.customers.sum().over(_WHOLE),
        buyers=parts.buyers,
        revenue=parts.revenue,
        revenue_share=share_of(parts.revenue, parts.revenue.sum().over(_WHOLE)),
        revenue_per_customer=ratio(parts.revenue, parts.customers),
        occasions_per_customer=ratio(parts.occasions, parts.customers),
        repeat_rate=ratio(parts.repeat, parts.buyers),
        median_gap_days=parts.median_gap_days,
        median_days_since_last=parts.median_days_since_last,
    )


@needs(lines=(), customers=("role",))
def by_role(profile: ir.Table) -> ir.Table:
    """Level and risk of the customers by role: end customer, distributor or partner.

    The result of `by(profile, "role")`. Raises NotInData when the customers have no role.
    """
    if "role" not in profile.columns:
        raise NotInData("Profiles by role need the column 'role' of the table 'customers'.")
    return by(profile, "role")


@needs(lines=(), customers=())
def over_index(
    profile: ir.Table,
    attribute: str,
    flag: str,
    *,
    top: int = 12,
    bins: int = 5,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Where customers of a kind (say, the top 20%) are more common than in the whole base.

    `flag` is a yes/no column of `profile`; customers without an answer are left out. A report
    frame (pandas), one row a value as in `by`: attribute, value, kind, customers (with an answer),
    flagged, rate, low and high (its Wilson interval), base_rate (of all customers with an answer),
    index, index_low and index_high (rate, low and high ÷ base_rate), and finding: "over", "under"
    or "no clear difference", by whether the interval leaves out the base rate. Of twenty values
    one stands out by chance at 95%. Raises UsageError for an unknown attribute or flag.
    """
    from statsmodels.stats.proportion import proportion_confint

    flags = [name for name, type_ in profile.schema().items() if type_.is_boolean()]
    if flag not in flags:
        raise UsageError(unknown("yes/no column of the customers", flag, flags))
    answered = profile.filter(profile[flag].notnull())
    parts = (
        labelled(answered, attribute, top, bins)
        .group_by("kind", "value", "place")
        .aggregate(customers=lambda t: t.count(), flagged=lambda t: t[flag].sum())
    )
    frame = collect(in_order(parts))[["value", "kind", "customers", "flagged"]]
    frame.insert(0, "attribute", attribute)
    frame["rate"] = frame.flagged / frame.customers
    frame["low"], frame["high"] = proportion_confint(
        frame.flagged, frame.customers, alpha=1 - confidence, method="wilson"
    )
    whole = frame.customers.sum()
    base = frame.flagged.sum() / whole if whole else float("nan")
    frame["base_rate"] = base
    for index, rate in (("index", "rate"), ("index_low", "low"), ("index_high", "high")):
        frame[index] = frame[rate] / base if base else float("nan")
    frame["finding"] = "no clear difference"
    frame.loc[frame.low > base + _EXACT, "finding"] = "over"
    frame.loc[frame.high < base - _EXACT, "finding"] = "under"
    return frame


@needs(lines=())
def habits(
    lines: ir.Table,
    dimension: str = "weekday",
    *,
    occasion: Literal["day", "order"] = "day",
    week_start: str = "monday",
    profile: ir.Table | None = None,
    attribute: str | None = None,
    top: int = 12,
    occasions: ir.Table | None = None,
) -> ir.Table:
    """When and where customers buy: by weekday, hour, month of the year, channel or place.

    Base: purchase lines of known customers. One row a group and value, in order: customer_group
    ("All customers", or the value of `attribute` in `profile`), value (text), occasions (distinct
    customer and day, or order; one that spans two values counts in both), occasions_share (of the
    group's), customers (who did so at least once), purchases (money). The place of a value in its
    order is `place`. `occasions`: purchase occasions of the same lines; where an occasion is a day and tells
    the value, they are read instead of lines. Raises UsageError for an unknown dimension or attribute,
    NotInData where the lines lack the column or the time of day.
    """
    by_day = occasions if occasion == "day" and dimension in _OF_DAYS else None
    bought = _bought(lines if by_day is None else _days(by_day), profile, attribute)
    each = _placed(bought, dimension, week_start, top)
    keys = ("customer_group", "place") if dimension in _TIMED else _VALUE
    if by_day is None:
        unit = each.day if occasion == "day" else each.order_id
        units = each.group_by(*keys, "customer_id", unit=unit)
        each = kept(units.agg(at=each["at"].min(), amount=each.amount.sum()))
    sums = {"occasions": each.count(), "purchases": each.amount.sum()}
    if dimension in _TIMED:
        parts = each.group_by(*keys).agg(at=each["at"].min(), **sums).join(_people(each), keys)
        parts = parts.mutate(kind=ibis.literal("value"), value=_name(parts["at"], dimension))
    else:
        parts = each.group_by(*keys).agg(customers=each.customer_id.nunique(), **sums)
    in_group = parts.occasions.sum().over(group_by="customer_group")
    return in_order(parts.mutate(occasions_share=parts.occasions / in_group), "customer_group")[
        "customer_group", "value", "place", "occasions", "occasions_share", "customers", "purchases"
    ]


@needs(lines=("product_id",), products=("category",))
def preferences(
    lines: ir.Table,
    products: ir.Table,
    *,
    level: str = "category",
    profile: ir.Table | None = None,
    attribute: str | None = None,
    top: int = 12,
) -> ir.Table:
    """What customers prefer: their purchases by product category, and against the whole base.

    Base: purchase lines of known customers; a product without an entry is "Unknown". One row a
    group and category: customer_group ("All customers", or the value of `attribute` in `profile`),
    value (text, most purchases first, then Other, Unknown), customers (who bought it), customers_share
    (of the group's buyers), purchases (money), purchases_share (of the group's), index (that share ÷
    the share in the whole base; 1 = as everybody). Raises UsageError for an unknown level or attribute,
    NotInData where the lines have no product or the products no category.
    """
    if "product_id" not in lines.columns:
        raise NotInData("What customers prefer needs `product_id` of the table `lines`.")
    if level not in products.columns:
        if level in ("category", "subcategory"):
            raise NotInData(f"What customers prefer needs `{level}` of the table `products`.")
        raise UsageError(unknown("column of the products", level, products.columns))
    parts = _by_category(_bought(lines, profile, attribute), products, level, top)
    own = ratio(parts.purchases, parts.purchases.sum().over(group_by="customer_group"))
    of_value = parts.purchases.sum().over(group_by=["kind", "value"])
    everyone = ratio(of_value, parts.purchases.sum().over(_WHOLE))
    return in_order(
        parts.mutate(
            customers_share=parts.customers / parts.buyers,
            purchases_share=own,
            index=own / everyone,
            place=-parts.purchases,
        ),
        "customer_group",
    )["customer_group", "value", "customers", "customers_share",
      "purchases", "purchases_share", "index"]  # fmt: skip


def _days(occasions: ir.Table) -> ir.Table:
    """Purchase occasions that are days, as if each were one line."""
    days = occasions.select("customer_id", day="on", amount="revenue")
    return days.mutate(is_purchase=True)


def _bought(lines: ir.Table, profile: ir.Table | None, attribute: str | None) -> ir.Table:
    """Purchase lines of known customers with the customer_group they belong to."""
    bought = lines.filter(lines.is_purchase, lines.customer_id.notnull())
    if profile is None and attribute is None:
        return bought.mutate(customer_group=ibis.literal(EVERYONE))
    if profile is None or attribute is None:
        raise UsageError("Give both the profile and the attribute to group by, or neither.")
    groups = labelled(profile, attribute, 12, 5).select("customer_id", customer_group="value")
    joined = bought.left_join(groups, "customer_id").drop("customer_id_right")
    return joined.mutate(customer_group=joined.customer_group.fill_null(UNKNOWN))


def _by_category(bought: ir.Table, products: ir.Table, level: str, top: int) -> ir.Table:
    """One row a customer_group, kind, value and place: customers, purchases; and buyers of the group.

    What a customer bought is one number with a bit for each category, so that there is a row a customer
    and not one for each of its categories.
    """
    entries = products.select("product_id", level=products[level])
    if entries.level.type().is_string():
        entries = entries.mutate(level=entries.level.strip().nullif("").nullif(UNKNOWN))
        found = collect(entries.select("level").distinct().limit(_BITS + 2))["level"].dropna()
        if len(found) <= _BITS:
            return _by_bit(bought, entries, sorted(found), top)
    each = bought.group_by("customer_group", "customer_id", "product_id").agg(
        purchases=bought.amount.sum()
    )
    joined = each.left_join(entries, "product_id")
    each = joined.group_by("customer_group", "customer_id", "level").agg(
        purchases=joined.purchases.sum()
    )
    named = labelled(each, "level", top, 1)
    parts = named.group_by(*_VALUE).agg(
        customers=named.customer_id.nunique(), purchases=named.purchases.sum()
    )
    groups = named.group_by("customer_group").agg(buyers=named.customer_id.nunique())
    return parts.left_join(groups, "customer_group").drop("customer_group_right")


def _by_bit(bought: ir.Table, entries: ir.Table, levels: list[str], top: int) -> ir.Table:
    """`_by_category` for the `levels`, one bit each; the lowest bit is for what is unknown."""
    bits = [{"level": name, "bit": 2 << i} for i, name in enumerate(levels)]
    known = ibis.memtable(bits, schema={"level": "string", "bit": "int64"})
    of_product = entries.join(known, "level").select("product_id", "bit")
    lines = _with_bit(bought, of_product)
    each = kept(_sets(lines))
    own = {name: 2 << i for i, name in enumerate(levels)}
    size = _how_many(each, {UNKNOWN: 1, **own}).drop(columns="buyers").sum()
    # The most common are shown; a single one beyond `top` takes no more room than as "Other".
    names = sorted((name for name in levels if size[name]), key=lambda name: (-size[name], name))
    names = [n for n in (names if len(names) <= top + 1 else names[:top]) if n != OTHER]
    shown = {name: own[name] for name in names}
    shown |= {UNKNOWN: 1, OTHER: (2 << len(levels)) - 2 - sum(shown.values())}
    counts = _how_many(each, shown)
    place = {name: place for place, name in enumerate(scale(names), start=1)}
    rows = [
        {
            "customer_group": group,
            "kind": {UNKNOWN: "unknown", OTHER: "other"}.get(name, "value"),
            "value": name,
            "place": place.get(name),
            "customers": int(count[name]),
            "buyers": int(count["buyers"]),
        }
        for group, count in counts.iterrows()
        for name in shown
    ]
    types = {"place": "int64", "customers": "int64", "buyers": "int64"}
    people = ibis.memtable(rows, schema=dict.fromkeys((*_VALUE[:3],), "string") | types)
    # Products are fewer than lines: added up first, few rows look for their category.
    paid = bought.group_by("customer_group", "product_id").agg(purchases=bought.amount.sum())
    money = _with_bit(paid, of_product)
    which = ibis.cases(
        (money.bit == 1, UNKNOWN), *((money.bit == own[name], name) for name in names), else_=OTHER
    )
    money = money.group_by("customer_group", value=which).agg(purchases=money.purchases.sum())
    return people.join(money, ["customer_group", "value"])


def _with_bit(rows: ir.Table, of_product: ir.Table) -> ir.Table:
    joined = rows.left_join(of_product, "product_id").drop("product_id_right")
    return joined.mutate(bit=joined.bit.fill_null(1))


def _sets(rows: ir.Table) -> ir.Table:
    """Customers by the set of things they did, each of which is a `bit`: customer_group, mask, customers.

    So there is a row a customer in between, and not one for each thing that each of them did.
    """
    own = rows.group_by("customer_group", "customer_id").agg(mask=rows.bit.bit_or())
    return own.group_by("customer_group", "mask").agg(customers=own.count())


def _how_many(sets: ir.Table, masks: dict[str, int]) -> pd.DataFrame:
    """By customer_group, how many customers have any bit of each mask, and `buyers`: all of them."""
    customers = sets.customers
    has = {
        f"has_{i}": customers.sum(where=(sets.mask & bits) != 0).fill_null(0)
        for i, bits in enumerate(masks.values())
    }
    found = collect(sets.group_by("customer_group").agg(buyers=customers.sum(), **has))
    names = {f"has_{i}": name for i, name in enumerate(masks)}
    return found.set_index("customer_group").rename(columns=names)


def _people(each: ir.Table) -> ir.Table:
    """How many customers ever bought at each `place`, of 60 at most: customer_group, place, customers."""
    one = ibis.literal(1, "int64")
    places = ibis.memtable({"place": range(_BITS)}, schema={"place": "int64"})
    sets = _sets(each.mutate(bit=one << each.place)).cross_join(places)
    there = sets.filter((sets.mask & (one << sets.place)) != 0)
    return there.group_by("customer_group", "place").agg(customers=there.customers.sum())


def _placed(bought: ir.Table, dimension: str, week_start: str, top: int) -> ir.Table:
    """Lines with the place of a habit's dimension, and `at`, the time that names it, or kind and value."""
    if dimension not in _DIMENSIONS:
        raise UsageError(unknown("habit", dimension, _DIMENSIONS))
    if dimension in ("channel", "place"):
        if dimension not in bought.columns:
            raise NotInData(f"This habit needs the column '{dimension}' of the table 'lines'.")
        return labelled(bought, dimension, top, 1).mutate(at=ibis.null("date"))
    if dimension == "weekday":
        if week_start not in _WEEKDAYS:
            raise UsageError(unknown("first day of the week", week_start, _WEEKDAYS))
        place = (bought.day.day_of_week.index() + 7 - _WEEKDAYS.index(week_start)) % 7 + 1
    elif dimension == "month":
        place = bought.day.month()
    else:
        _check_time_of_day(bought)
        place = bought.ordered_at.hour()
    return bought.mutate(
        place=place.cast("int64"),
        at=bought.ordered_at if dimension == "hour" else bought.day,
    )


def _name(at: ir.Value, dimension: str) -> ir.StringValue:
    """What the weekday, month or hour of the time is called."""
    if dimension == "weekday":
        return at.day_of_week.full_name()
    return at.strftime("%B" if dimension == "month" else "%H:00")


def _check_time_of_day(bought: ir.Table) -> None:
    midnight = bought.ordered_at == bought.ordered_at.truncate("D")
    if collect(bought.aggregate(days_only=midnight.all())).days_only.fillna(True).all():
        raise NotInData("The hour of purchase needs the time of day; these orders carry days only.")
