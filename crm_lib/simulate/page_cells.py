"""Cells and units of the tables on the page on the companies."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crm_lib.simulate import described, laws

Values = Mapping[str, str]
"""parameter: value"""

_MONEY = ("cost", "cost_each", "cost_fixed", "hour_cost", "list_price", "gamma", "mean")
_TIMES = ("rate_factor", "hazard_factor", "factor", "costly_factor", "season", "week", "adoption",
          "target_growth")  # fmt: skip
_SHARES = ("share", "rate", "reach", "lift", "redemption", "drop", "probability", "growth",
           "yearly_growth", "leave_if_resolved", "leave_if_unresolved", "nominated_if_key",
           "nominated_otherwise", "switched_discounts", "roles", "industries", "brand_tiers", "channels",
           "attributes")  # fmt: skip
_MOMENTS = {
    laws.Category: ("introduction", "growth", "maturity", "decline"),
    laws.Product: ("launched", "replaced"),
    laws.Campaign: ("starts",),
    laws.Event: ("moment",),
    laws.Incident: ("moment",),
}
_OTHER = {
    "drivers": "share", "performance": "points", "mean_rate": "a day", "hours_per_rep": "hours", "days_to_convert": "days",
    "days": "days", "most_years": "years", "noise": "points", "satisfaction_slope": "points",
    "customers": "customers", "accounts_per_rep": "accounts",
}  # fmt: skip
_DERIVED = ("purchasing.mean_rate", "spend.mean")


def unit(kind: type, name: str, currency: str) -> str:
    """The unit of an attribute of a law; empty for texts and for pure numbers."""
    name = stem(name)
    if name in _MOMENTS.get(kind, ()):
        return "moment"
    if name in _OTHER:
        return _OTHER[name]
    if name in _MONEY:
        return currency
    if name in _TIMES:
        return "times"
    if name.endswith("_days"):
        return "days"
    return "share" if name in _SHARES or name.endswith(("_share", "_rate")) else ""


def cell(value: str | None) -> str:
    """A value as the page shows it: thousands marked, no `.0`; a dash for what is not there."""
    if value in (None, "", described.NONE):
        return "–"
    return "; ".join(map(_part, str(value).split("; ")))


def derived(name: str, value: str | None) -> str:
    """As `cell`; a value that is computed from parameters comes with three digits."""
    if value is None or name not in _DERIVED:
        return cell(value)
    return _part(f"{float(value):.3g}")


def _part(value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return {"True": "yes", "False": "no"}.get(value, value)
    return f"{number:,.0f}" if number.is_integer() else f"{number:,.6g}"


def merged(values: Collection[Values]) -> list[str]:
    """All parameters in order, those of one mapping together."""
    names = list(dict.fromkeys(name for each in values for name in each))
    stems = list(dict.fromkeys(map(stem, names)))
    return sorted(names, key=lambda name: stems.index(stem(name)))


def stem(name: str) -> str:
    return name.partition(".")[0]
