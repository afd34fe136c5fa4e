"""What the commands print: tables that fit a terminal and stay readable in a log."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from crm_lib.present import words

if TYPE_CHECKING:
    from crm_lib.coverage import ReportCoverage
    from crm_lib.dataset import Dataset
    from crm_lib.lookup import Customer
    from crm_lib.publishing.reports import Report
    from crm_lib.quality.outcomes import RuleOutcome
    from crm_lib.quality.verdict import Verdict

_FATES = ("read", "accepted", "quarantined", "later", "out_of_scope")

_LOG_WIDTH = 180
"""Characters a line where no terminal says how many it has."""


class Progress:
    """Lines of what happens, each with the seconds since the start; on a terminal also a spinner."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.console = Console(stderr=True, highlight=False)
        self.spinner = self.console.status("starting") if self.console.is_terminal else None

    def __enter__(self) -> Progress:
        if self.spinner:
            self.spinner.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self.spinner:
            self.spinner.stop()

    def say(self, text: str) -> None:
        line = f"[{time.perf_counter() - self.start:5.1f} s] {text}"
        self.console.print(line, markup=False, soft_wrap=True)
        if self.spinner:
            self.spinner.update(text)


def _table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: int = 0
) -> None:
    """Print a table; its last `numbers` columns hold numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for place, column in enumerate(columns):
        is_number = place >= len(columns) - numbers
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=_LOG_WIDTH)
    console.print(table)
    console.print()


def verdict(found: Verdict) -> None:
    """Where every row went and how every rule came out."""
    counts = [
        (count.table, *(f"{getattr(count, fate).rows:,}" for fate in _FATES))
        for count in found.tables
    ]
    columns = ("table", *(fate.replace("_", " ") for fate in _FATES))
    _table("Rows", columns, counts, numbers=len(_FATES))
    _table(
        "Rules",
        ("result", "rule", "severity", "on fail", "remark", "failing", "of"),
        [_rule_row(outcome) for outcome in found.outcomes],
        numbers=2,
    )


def conclusion(found: Verdict) -> None:
    """The warnings in sentences, then the verdict; what is critical is the command's error."""
    from crm_lib.quality import sentences

    for outcome in found.worth_saying:
        if not outcome.is_critical_failure:
            grade = outcome.result if outcome.result == "within tolerance" else outcome.severity
            print(f"{grade}: {sentences.finding(outcome, found.currency)}")
    print(f"Verdict on '{found.dataset}' before {found.as_of}: {found.status}.")


def quarantined(found: Verdict) -> None:
    """How to get the rows set aside, table by table; order lines are what the command takes by itself."""
    for count in found.tables:
        if count.quarantined.rows:
            table = "" if count.table == "lines" else f" --table {count.table}"
            print(
                f"Rows set aside ({count.quarantined.rows:,} of '{count.table}'): crm quarantine "
                f"{found.dataset} --as-of {found.as_of}{table} --out {count.table}.csv"
            )


def _rule_row(outcome: RuleOutcome) -> tuple[str, ...]:
    return (
        outcome.result,
        outcome.rule_id,
        outcome.severity,
        outcome.on_fail,
        outcome.problem,
        f"{outcome.failing_rows:,}",
        f"{outcome.checked_rows:,}",
    )


def coverage(found: Sequence[ReportCoverage]) -> None:
    """One line a report: can this data set fill it, and what is missing; then one a missing table or
    column, the most useful first: what would it unlock, and where."""
    from crm_lib import coverage as covered

    _table(
        "Reports that the data can fill",
        ("report", "coverage", "missing"),
        [(item.report, item.coverage, item.missing) for item in found],
    )
    more = covered.unlocks(found)
    if len(more):
        _table(
            "What would unlock more",
            ("map this", "for these reports", "to see", "analyses"),
            [(row.item, row.reports, row.purposes, row.analyses) for row in more.itertuples()],
            numbers=1,
        )


def datasets(known: Sequence[Dataset]) -> None:
    """One line a data set: what it is, since when it observes, its default day, its tables."""
    _table(
        "Data sets",
        ("name", "title", "observed from", "default as-of", "tables"),
        [
            (item.name, item.title, item.observed_from, item.default_as_of, ", ".join(item.tables))
            for item in known
        ],
    )


def reports(known: Sequence[Report]) -> None:
    """One line a report, and its parameters below."""
    _table("Reports", ("report", "question"), [(item.stem, item.question) for item in known])
    _table(
        "Parameters (-p NAME=VALUE)",
        ("report", "name", "type", "default", "help"),
        [
            (item.stem, each.name, each.type, repr(each.default), each.help)
            for item in known
            for each in item.declaration.own
        ],
    )


def history(runs: Sequence[Mapping[str, Any]], folder: str) -> None:
    """One line a run, newest day first. folder: of their data set's reports."""
    ordered = sorted(runs, key=lambda run: (run["as_of"], run["generated_at"]), reverse=True)
    _table(
        "Runs" if ordered else "No runs yet: crm run",
        ("as of", "made", "status", "verdict", "page"),
        [
            (run["as_of"], words.moment(run["generated_at"]), run["status"],
             run["verdict"].get("verdict", ""), f"{folder}/{run['href']}")
            for run in ordered
        ],
    )  # fmt: skip


def customer(found: Customer) -> None:
    """The answer to "is it in the top 20%?", then what else is known."""
    top = {True: "yes", False: "no", None: "never bought"}[found.is_top_20_percent]
    rank = f"{found.revenue_rank:,} of {found.customers:,}" if found.revenue_rank else "none"
    scores = (found.recency_score, found.frequency_score, found.monetary_score)
    facts = {
        "Among the top 20% by revenue": top,
        "Revenue, net of returns": words.money(found.revenue, found.currency),
        "Rank by revenue": rank,
        "Share of all revenue down to this rank": _percent(found.cumulative_share),
        "Value tier": found.value_tier,
        "Segment": found.segment,
        "RFM scores": "-".join(map(str, scores)) if None not in scores else None,
        "Stage": found.stage,
        "Purchase occasions": words.count(found.occasions),
        "First and last purchase": f"{found.first_on} – {found.last_on}"
        if found.first_on
        else None,
        f"Days since last, on {found.last_observed_day}": words.count(found.days_since_last),
        **_worth(found),
    }
    within = f", where {found.scope}" if found.scope else ""
    title = f"Customer {found.customer_id} of {found.dataset}, before {found.as_of}{within}"
    _table(title, ("", ""), [(name, "–" if text is None else text) for name, text in facts.items()])
    if found.is_listed is False:
        print(
            f"{found.customer_id} is not in the customers table of '{found.dataset}'; the id may be mistyped."
        )


def _worth(found: Customer) -> dict[str, str | None]:
    """What the customer earned so far and will earn, by the names that the data allows."""
    profit = None
    if found.profit is not None:
        rate = "" if found.profit_rate is None else f", {_percent(found.profit_rate)} of revenue"
        rank = "" if found.profit_rank is None else f", rank {found.profit_rank:,}"
        profit = words.money(found.profit, found.currency) + rate + rank
    # Revenue is in the table already.
    is_more = found.profit_label != "revenue"
    lines = {f"{found.profit_label.capitalize()} so far": profit} if is_more else {}
    if found.clv is None:
        why = found.clv_reason or ("never bought" if not found.first_on else "")
        return {**lines, "Lifetime value": f"not available: {why}" if why else None}
    discount = _percent(found.clv_discount_rate)
    terms = f"{found.clv_earning} of the next {words.months(found.clv_horizon_months)}, discounted at {discount} a year"
    return {
        **lines,
        "Lifetime value": f"{words.money(found.clv, found.currency)} ({terms})",
        "Chance of being a customer still": _percent(found.p_alive),
        "Expected purchase occasions": words.ratio(found.expected_occasions, 1),
    }


def _percent(share: float | None) -> str | None:
    return None if share is None else words.percent(share)
