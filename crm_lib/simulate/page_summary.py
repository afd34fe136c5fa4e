"""What is planted in a company, in words: the half page that comes before its laws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from crm_lib.simulate import described
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.laws import STAGES, Accounts, Category, Company, Purchasing, Source

Dates = Mapping[tuple[str, str], date]
"""(law, moment): the day on which it takes effect"""

_STAGES_SAID = {
    "Introduction": "introduced in", "Growth": "growing since", "Maturity": "mature since",
    "Decline": "declining since",
}  # fmt: skip


def planted(company: Company, clock: Clock) -> list[tuple[str, list[str]]]:
    """(subject, what is planted there, one text a point), computed from the declarations."""
    laws, dates = company.laws, _dates(company, clock)
    found = [
        ("Segments", _segments(company)),
        ("Sources of customers", _sources(company.sources)),
        ("Product categories", _categories(company, clock, dates)),
        ("Campaigns", _campaigns(company, dates)),
        ("Incident", _incident(company, dates)),
        ("Events that change purchase rates", _events(company, dates)),
        ("Staying and leaving", _staying(company)),
        ("Costly customers", _costly(company)),
        ("Satisfaction", _satisfaction(laws.survey.drivers, laws.survey.performance)),
    ]
    if company.accounts:
        found.append(("Business accounts", _accounts(company.accounts)))
    return [(subject, points) for subject, points in found if points]


def median_days(law: Purchasing) -> float:
    """Half of the customers of this law have left after so many days.

    The lifetime over all customers is Pareto of the second kind: P(T > t) = (β / (β + t)) ** s.
    """
    return law.beta_days * float(2 ** (1 / law.s) - 1)


# --- customers ------------------------------------------------------------------------------------


def _segments(company: Company) -> list[str]:
    return [
        f"**{each.name}**, {_percent(each.share)} of the customers: one purchase every "
        f"{1 / each.purchasing.mean_rate:.0f} days, leaving after about "
        f"{median_days(each.purchasing):,.0f} days (median), {company.currency} "
        f"{each.spend.mean:,.0f} an order."
        for each in company.segments
    ]


def _sources(sources: Iterable[Source]) -> list[str]:
    """Better or worse by orders a lifetime: the purchase rate against the rate of leaving."""
    groups: dict[str, list[str]] = {"Better": [], "Worse": [], "As the segments": []}
    for each in sources:
        worth = each.rate_factor / each.hazard_factor
        group = "Better" if worth > 1 else "Worse" if worth < 1 else "As the segments"
        effects = {"purchase rate": each.rate_factor, "rate of leaving": each.hazard_factor}
        said = [f"{what} {_change(by - 1)}" for what, by in effects.items() if by != 1]
        groups[group].append(_named(each.name, [f"{_percent(each.share)} of customers", *said]))
    return [f"{group}: {_listed(names)}." for group, names in groups.items() if names]


def _staying(company: Company) -> list[str]:
    tenure, complaints, comeback = (
        company.laws.tenure,
        company.laws.complaints,
        company.laws.comeback,
    )
    resolved = sum(share * solved for share, solved, _ in complaints.causes.values())
    return [
        f"An order is worth {_percent(tenure.yearly_growth)} more with each completed year, for up to "
        f"{tenure.most_years} years.",
        f"{_percent(complaints.rate)} of the orders end in a complaint, {_percent(resolved)} of which "
        f"are resolved; {_percent(complaints.leave_if_unresolved)} of the customers leave over one that "
        f"is not, {_percent(complaints.leave_if_resolved)} over one that is.",
        f"{_percent(comeback.probability)} of those who left come back once, after "
        f"{comeback.mean_days:.0f} days on average.",
    ]


def _costly(company: Company) -> list[str]:
    shares = {each.name: each.costly_share for each in company.segments}
    all_ = sum(each.share * each.costly_share for each in company.segments)
    most = max(shares, key=lambda name: shares[name])
    low, high = company.laws.service.costly_factor
    return [
        f"{_percent(all_)} of the customers, most of them among {most} ({_percent(shares[most])}): "
        f"serving them costs {low:g} to {high:g} times the margin of each order."
    ]


def _satisfaction(drivers: Mapping[str, float], performance: Mapping[str, float]) -> list[str]:
    if not drivers:
        return []
    first = sorted(drivers, key=lambda name: -drivers[name])[:3]
    weakest = min(performance, key=lambda name: performance[name])
    return [
        f"What counts most is {', '.join(f'{name} ({_percent(drivers[name])})' for name in first)}; the "
        f"worst answers go to {weakest} (mean {performance[weakest]:g} of 5)."
    ]


# --- what is sold ---------------------------------------------------------------------------------


def _categories(company: Company, clock: Clock, dates: Dates) -> list[str]:
    ends: dict[str, list[str]] = {stage: [] for stage in STAGES}
    for category in company.categories:
        stages = _stages(category, clock, dates)
        changes = [f"{_STAGES_SAID[s]} {_month(on)}" for s, on in stages.items()
                   if on >= clock.start]  # fmt: skip
        last = list(stages)[-1]
        if changes or last != "Maturity":
            ends[last].append(_named(category.name, changes))
    said = [f"In {stage.lower()} at the end: {_listed(n)}." for stage, n in ends.items() if n]
    replaced = _replaced(company, dates)
    return [*said, *([f"Products replaced: {_listed(replaced)}."] if replaced else [])]


def _stages(category: Category, clock: Clock, dates: Dates) -> dict[str, date]:
    """The stages that begin before the window ends, and when."""
    found = {stage: dates.get((f"categories.{category.name}", stage.lower())) for stage in STAGES}
    ends = clock.month_starts[-1]
    return {stage: on for stage, on in found.items() if on is not None and on < ends}


def _replaced(company: Company, dates: Dates) -> list[str]:
    """The products with a successor, and when it takes over."""
    names = {each.product_id: each.name for each in company.products}
    return [
        f"{each.name} by {names[each.successor]} from {_month(dates[place, 'replaced'])} on"
        for category in company.categories
        for each in category.products
        for place in [f"categories.{category.name}.products.{each.product_id}"]
        if (place, "replaced") in dates
    ]


# --- what happens ---------------------------------------------------------------------------------


def _campaigns(company: Company, dates: Dates) -> list[str]:
    kinds: dict[str, list[str]] = {}
    for each in company.laws.campaigns:
        said = [_month(dates[f"laws.campaigns.{each.campaign_id}", "starts"])]
        said += [f"lift {_change(each.lift)}"] if each.lift else []
        said += [f"at {_percent(each.discount_rate)} off"] if each.discount_rate else []
        said += [f"wins customers through {each.source}"] if each.source else []
        kinds.setdefault(each.kind, []).append(_named(each.campaign_id, said))
    return [f"{kind.capitalize()}: {_listed(names)}." for kind, names in kinds.items()]


def _incident(company: Company, dates: Dates) -> list[str]:
    law = company.laws.incident
    if law is None:
        return []
    return [
        f"In {_month(dates['laws.incident', 'moment'])} {_percent(law.drop)} of the repeat purchases of {law.segment} through "
        f"{law.channel} do not happen."
    ]


def _events(company: Company, dates: Dates) -> list[str]:
    events = company.laws.events
    said = [
        f"{_change(each.factor - 1)} from {dates[f'laws.events.{each.what}', 'moment']} on: {each.what}."
        for each in events
        if each.factor != 1
    ]
    others = len(events) - len(said)
    return [*said, *([f"{others} other events change no purchase rate."] if others else [])]


def _accounts(law: Accounts) -> list[str]:
    rungs = [
        _named(name, [f"{_percent(share)} of accounts", f"{_percent(wallet)} of their wallet",
                      f"up to {rivals} rival supplier{'s' * (rivals != 1)}"])
        for name, (share, wallet, _, rivals) in law.rungs.items()
    ]  # fmt: skip
    return [
        f"Rungs: {_listed(rungs)}.",
        f"{_percent(law.misallocated_share)} of the representatives' hours go by chance to accounts "
        "of any territory, the others by value to their own.",
        f"{_percent(law.switched_discounts)} of the accounts have a discount that fits the value of "
        "another.",
        f"The best {_percent(law.key_share)} are key accounts; a colleague nominates a key account with "
        f"a probability of {_percent(law.nominated_if_key)}, any other with "
        f"{_percent(law.nominated_otherwise)}.",
    ]


# --- words ----------------------------------------------------------------------------------------


def _dates(company: Company, clock: Clock) -> Dates:
    """Of every moment the day on which it takes effect, as `truth/laws` has it; none for never."""
    return {
        (row.law, row.parameter.removesuffix("_on")): date.fromisoformat(row.value)
        for row in described.rows(company, clock)
        if row.parameter.endswith("_on") and row.value != described.NONE
    }


def _month(day: date) -> str:
    return f"{day:%B %Y}"


def _percent(share: float) -> str:
    return f"{round(100 * share, 1 if share < 0.1 else 0):g} %"


def _change(share: float) -> str:
    return f"{'+' if share > 0 else '−'}{_percent(abs(share))}"


def _named(name: str, said: list[str]) -> str:
    return f"{name} ({', '.join(said)})" if said else name


def _listed(names: list[str]) -> str:
    return "; ".join(names)
