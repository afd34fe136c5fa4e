"""Profiles: who the customers are, by any attribute: level, risk, preference and habit.

`profile` is the facts joined with the attributes of the customer table, one row a customer.
Every known customer is in exactly one row of a result, so that parts add up to the whole: a value
that is missing is "Unknown", and values beyond the most common ones are "Other".
"""

from __future__ import annotations

import re
from typing import Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.engine import collect
from crm_lib.errors import NotInData, UsageError, unknown
from crm_lib.needs import needs

OTHER = "Other"
UNKNOWN = "Unknown"
EVERYONE = "All customers"

_WHOLE = ibis.window()
_KINDS = ("value", "other", "unknown")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_STEP = re.compile(r"\d\w?\s*(?:\+|(?:-|–|to)\s*\d)")
_BELOW = re.compile(r"under|below|up to|less|<", re.IGNORECASE)
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
        _labelled(profile, attribute, top, bins)
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
    whole = parts.revenue.sum().over(_WHOLE)
    return _in_order(parts).select(
        attribute=ibis.literal(attribute),
        value=parts.value,
        kind=parts.kind,
        customers=parts.customers,
        customers_share=parts.customers / parts.customers.sum().over(_WHOLE),
        buyers=parts.buyers,
        revenue=parts.revenue,
        revenue_share=(whole > 0).ifelse(_ratio(parts.revenue, whole), ibis.null("float64")),
        revenue_per_customer=_ratio(parts.revenue, parts.customers),
        occasions_per_customer=_ratio(parts.occasions, parts.customers),
        repeat_rate=_ratio(parts.repeat, parts.buyers),
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
        _labelled(answered, attribute, top, bins)
        .group_by("kind", "value", "place")
        .aggregate(customers=lambda t: t.count(), flagged=lambda t: t[flag].sum())
    )
    frame = collect(_in_order(parts))[["value", "kind", "customers", "flagged"]]
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
    frame.loc[frame.low > base, "finding"] = "over"
    frame.loc[frame.high < base, "finding"] = "under"
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
) -> ir.Table:
    """When and where customers buy: by weekday, hour, month of the year, channel or place.

    Base: purchase lines of known customers. One row a group and value, in order: customer_group
    ("All customers", or the value of `attribute` in `profile`), value (text), occasions (distinct
    customer and day, or order; one that spans two values counts in both), occasions_share (of the
    group's), customers (who did so at least once), purchases (money). The place of a value in its
    order is `place`. Raises UsageError for an unknown dimension or attribute, NotInData where the
    lines lack the column or the time of day.
    """
    bought = _bought(lines, profile, attribute)
    named = _named(bought, dimension, week_start, top)
    unit = named.day.cast("string") if occasion == "day" else named.order_id
    parts = named.group_by("customer_group", "kind", "value", "place").aggregate(
        occasions=ibis.struct({"customer": named.customer_id, "unit": unit}).nunique(),
        customers=named.customer_id.nunique(),
        purchases=named.amount.sum(),
    )
    in_group = parts.occasions.sum().over(group_by="customer_group")
    return _in_order(parts.mutate(occasions_share=parts.occasions / in_group), "customer_group")[
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
    value (text, most purchases first, then Other, Unknown), customers (who bought it), customers_share (of the group's buyers), purchases
    (money), purchases_share (of the group's), index (that share ÷ the share in the whole base;
    1 = as everybody). Raises UsageError for an unknown level or attribute, NotInData where the
    lines have no product or the products no category.
    """
    if "product_id" not in lines.columns:
        raise NotInData("Preferences need the column 'product_id' of the table 'lines'.")
    if level not in products.columns:
        error = NotInData if level in ("category", "subcategory") else UsageError
        raise error(unknown("column of the products", level, products.columns))
    each = _by_category(_bought(lines, profile, attribute), products, level)
    named = _labelled(each, "level", top, 1)
    parts = named.group_by("customer_group", "kind", "value", "place").aggregate(
        customers=named.customer_id.nunique(), purchases=named.purchases.sum()
    )
    groups = named.group_by("customer_group").aggregate(buyers=named.customer_id.nunique())
    parts = parts.left_join(groups, "customer_group")
    share = _ratio(parts.purchases, parts.purchases.sum().over(group_by="customer_group"))
    of_value = parts.purchases.sum().over(group_by=["kind", "value"])
    everyone = _ratio(of_value, parts.purchases.sum().over(_WHOLE))
    return _in_order(
        parts.mutate(
            customers_share=parts.customers / parts.buyers,
            purchases_share=share,
            index=share / everyone,
            place=-parts.purchases,
        ),
        "customer_group",
    )["customer_group", "value", "customers", "customers_share",
      "purchases", "purchases_share", "index"]  # fmt: skip


def _ratio(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    """A ratio of exact sums; null where the whole is 0."""
    return part.cast("float64") / whole.cast("float64").nullif(0)


def _in_order(parts: ir.Table, *first: str) -> ir.Table:
    """Rows by place, then by customers, with Other and Unknown last."""
    last = ibis.cases(*((parts.kind == kind, i) for i, kind in enumerate(_KINDS)))
    return parts.order_by(*first, last, parts.place, parts.customers.desc(), parts.value)


def _bought(lines: ir.Table, profile: ir.Table | None, attribute: str | None) -> ir.Table:
    """Purchase lines of known customers with the customer_group they belong to."""
    bought = lines.filter(lines.is_purchase, lines.customer_id.notnull())
    if profile is None and attribute is None:
        return bought.mutate(customer_group=ibis.literal(EVERYONE))
    if profile is None or attribute is None:
        raise UsageError("Give both the profile and the attribute to group by, or neither.")
    groups = _labelled(profile, attribute, 12, 5).select("customer_id", customer_group="value")
    joined = bought.left_join(groups, "customer_id").drop("customer_id_right")
    return joined.mutate(customer_group=joined.customer_group.fill_null(UNKNOWN))


def _by_category(bought: ir.Table, products: ir.Table, level: str) -> ir.Table:
    """One row a customer and category; by product first, because a join of lines is slower."""
    keys = ["customer_group", "customer_id", "product_id"]
    each = bought.group_by(keys).aggregate(purchases=bought.amount.sum())
    entries = products.select("product_id", level=products[level].cast("string"))
    joined = each.left_join(entries, "product_id")
    return joined.group_by("customer_group", "customer_id", "level").aggregate(
        purchases=joined.purchases.sum()
    )


def _named(bought: ir.Table, dimension: str, week_start: str, top: int) -> ir.Table:
    """Lines with the value, kind and place of a habit's dimension."""
    if dimension not in _DIMENSIONS:
        raise UsageError(unknown("habit", dimension, _DIMENSIONS))
    if dimension in ("channel", "place"):
        if dimension not in bought.columns:
            raise NotInData(f"This habit needs the column '{dimension}' of the table 'lines'.")
        return _labelled(bought, dimension, top, 1)
    if dimension == "weekday":
        if week_start not in _WEEKDAYS:
            raise UsageError(unknown("first day of the week", week_start, _WEEKDAYS))
        weekday = bought.day.day_of_week
        place = (weekday.index() + 7 - _WEEKDAYS.index(week_start)) % 7 + 1
        value = weekday.full_name()
    elif dimension == "month":
        place, value = bought.day.month(), bought.day.strftime("%B")
    else:
        _check_time_of_day(bought)
        place, value = bought.ordered_at.hour(), bought.ordered_at.strftime("%H:00")
    return bought.mutate(kind=ibis.literal("value"), value=value, place=place.cast("int64"))


def _check_time_of_day(bought: ir.Table) -> None:
    midnight = bought.ordered_at == bought.ordered_at.truncate("D")
    if collect(bought.aggregate(days_only=midnight.all())).days_only.fillna(True).all():
        raise NotInData("The hour of purchase needs the time of day; these orders carry days only.")


def _labelled(table: ir.Table, attribute: str, top: int, bins: int) -> ir.Table:
    """`table` with value (text to show), kind (value, other, unknown) and place (in order)."""
    columns = [name for name in table.columns if name != "customer_id"]
    if attribute not in columns:
        raise UsageError(unknown("attribute", attribute, columns))
    if top < 1 or bins < 1:
        raise UsageError(f"At least one value and one range, not top={top}, bins={bins}.")
    column = table[attribute]
    if column.type().is_temporal():
        column = column.year()
    if column.type().is_numeric() and not column.type().is_boolean():
        return _ranged(table, column.cast("float64"), top, bins)
    # Data that writes "Unknown" itself means the same as an empty cell.
    return _most_common(table, column.cast("string").strip().nullif("").nullif(UNKNOWN), top)


def _most_common(table: ir.Table, text: ir.StringValue, top: int) -> ir.Table:
    counts = table.group_by(value=text).aggregate(n=lambda t: t.count())
    counts = counts.filter(counts.value.notnull()).order_by(ibis.desc("n"), "value")
    names = list(collect(counts.limit(top + 2)).value)
    # A single value beyond `top` takes no more room under its own name than as "Other".
    names = [n for n in (names if len(names) <= top + 1 else names[:top]) if n != OTHER]
    is_named = text.isin(names) if names else ibis.literal(False)
    places = [(text == name, place) for place, name in enumerate(_scale(names), start=1)]
    return table.mutate(
        value=ibis.cases((text.isnull(), UNKNOWN), (is_named, text), else_=OTHER),
        kind=ibis.cases((text.isnull(), "unknown"), (is_named, "value"), else_="other"),
        place=ibis.cases(*places).cast("int64") if places else ibis.null("int64"),
    )


def _scale(names: list[str]) -> list[str]:
    """The names in rising order when they are steps of a scale ("15-24K", "65+"); else none.

    Every name must hold a number and at least one must be a range or open-ended, so that numbered
    things such as shops are not taken for a scale.
    """
    numbers = {
        name: [float(n) for n in re.findall(r"\d+(?:\.\d+)?", name.replace(",", ""))]
        for name in names
    }
    if not all(numbers.values()) or not any(_STEP.search(name) for name in names):
        return []
    below = {name: bool(_BELOW.match(name)) for name in names}
    return sorted(names, key=lambda name: (numbers[name][0], not below[name], numbers[name]))


def _ranged(table: ir.Table, number: ir.FloatingValue, top: int, bins: int) -> ir.Table:
    number = number.isnan().ifelse(ibis.null("float64"), number)
    branches, places = [], []
    for place, (low, high) in enumerate(_ranges(table.select(number=number), top, bins), start=1):
        text = _shown(low) if low == high else f"{_shown(low)} to {_shown(high)}"
        branches.append((number.between(low, high), text))
        places.append((number.between(low, high), place))
    if not branches:
        branches, places = [(number.notnull(), UNKNOWN)], [(number.notnull(), 0)]
    return table.mutate(
        value=ibis.cases(*branches, else_=UNKNOWN),
        kind=number.isnull().ifelse("unknown", "value"),
        place=ibis.cases(*places).cast("int64"),
    )


def _ranges(numbers: ir.Table, top: int, bins: int) -> list[tuple[float, float]]:
    """The lowest and highest number found in each range; few distinct numbers stay apart."""
    numbers = numbers.filter(numbers.number.notnull())
    distinct = collect(numbers.distinct().order_by("number").limit(top + 1)).number
    if len(distinct) <= top:
        return [(float(value), float(value)) for value in distinct]
    inner = [i / bins for i in range(1, bins)]
    cuts = {f"cut_{i}": numbers.number.quantile(share) for i, share in enumerate(inner)}
    edges = sorted(set(collect(numbers.aggregate(**cuts)).iloc[0])) if cuts else []
    level = ibis.literal(0)
    for edge in edges:
        level += (numbers.number >= edge).ifelse(1, 0)
    found = numbers.group_by(level=level).aggregate(
        low=lambda t: t.number.min(), high=lambda t: t.number.max()
    )
    frame = collect(found.order_by("level"))
    return [(float(low), float(high)) for low, high in zip(frame.low, frame.high, strict=True)]


def _shown(number: float) -> str:
    """A number for a label: whole where it is whole, otherwise to four digits."""
    if number == round(number):
        return f"{number:.0f}"
    return f"{number:.2f}" if abs(number) >= 100 else f"{number:.4g}"
