"""The sentences of the reports, whole, with named fields: a translation is another such catalogue.

Fields arrive as text, formatted by `words.format`; a sentence never does arithmetic.
"""

from __future__ import annotations

from string import Formatter

from crm_lib import errors
from crm_lib.present.words.findings import FINDINGS
from crm_lib.present.words.lifetime import LIFETIME
from crm_lib.present.words.profit import PROFIT

SENTENCES: dict[str, str] = {
    # the state of the data
    "verdict.passed": "The data passed every rule.",
    "verdict.passed with warnings": "The data passed, with {warnings}.",
    "verdict.failed": "The data failed a critical rule.",
    "verdict.rows": "{read} read: {accepted} accepted, {quarantined} quarantined, {later} later than the day of the report.",
    "verdict.out_of_scope": "{rows} outside the scope of the analysis.",
    "verdict.money": "Accepted lines add up to {accepted}.",
    "verdict.money_quarantined": "Accepted lines add up to {accepted}, quarantined lines to {quarantined}.",
    "verdict.warnings": "Read the {warnings}",
    "verdict.warning": "Read the warning",
    "verdict.link": "Details of the data",
    # what a report lacks
    "missing.part": "Not part of this report: {reason}",
    "missing.table": "The data hold no table of {table} ({grain}).",
    # headline numbers
    "card.interval": "95% interval {low} to {high}",
    # tables and figures
    "table.more": "… and {rows} not shown.",
    "table.empty": "No rows.",
    "figure.empty": "There is nothing to draw: the selection holds no rows.",
    # labels inside figures
    "label.revenue_by_month": "Revenue a month ({unit})",
    "label.partial": "partial",
    "label.warm_up": "warm-up",
    "label.customers_by_month": "Customers a month",
    "label.new": "new",
    "label.reactivated": "reactivated",
    "label.lapsed": "lapsed",
    "label.net": "net",
    "label.under_one": "<1%",
    "label.share_of": "Share of",
    "label.customers": "customers",
    "label.revenue": "revenue",
    "label.recency_score": "Recency score",
    "label.frequency_score": "Customers by frequency score",
    "label.long_ago": "long ago",
    "label.lately": "lately",
    "label.rarely": "{score} rarely",
    "label.often": "{score} often",
    "label.vital": "The best {share} hold {held}",
    "label.equality": "if all were equal",
    "label.customers_sorted": "Customers, best first",
    "label.share_of_revenue": "Share of revenue",
    "label.transition": "From the row to the column, % of the row",
    "label.no_later_period": "No cohort has a later period yet",
    "label.cohort": "% of the cohort that bought, by months after the first purchase",
    "label.cohort_short": "% that bought, by months after the first",
    "label.cohort_revenue": "% of the revenue of the cohort's first month, by months after it",
    "label.cohort_revenue_short": "% of first month's revenue, by months after",
    "label.cohort_margin": "% of the margin of the cohort's first month, by months after it",
    "label.cohort_margin_short": "% of first month's margin, by months after",
    "label.cohort_partial": "dotted: the month is not over",
    "label.cohort_warm_up": "*: warm-up",
    "label.cohort_cut": "the latest cohorts and first months only",
    "label.days": "Days",
    "label.share_of_customers": "Share of customers",
    "label.repeat": "Share that goes on to the next purchase",
    "label.repeat_wait": "Purchase, and the median wait for it",
    "label.within": "{share} within {days}",
    "label.second": "Share with a second purchase",
    "label.since_first": "Days since the first purchase",
    "label.lines_by_day": "Order lines a day",
    "label.lines_by_day_cut": "Order lines a day, the latest {days}",
    "label.gaps": "{days} without lines",
    # the page of a failed run
    "failure.data.title": "The data failed its checks",
    "failure.data.summary": "{problems} did not hold, so no report was made from this data.",
    "failure.data.step": "Correct the rows in the source, or the rule if it asks too much, and run again.",
    "failure.report.title": "A report could not be made",
    "failure.report.summary": "{problems} did not finish, so nothing of this run was published.",
    "failure.report.step": "Open the notebook with the same parameters, run it to the cell named above, and run again.",
    **FINDINGS,
    **LIFETIME,
    **PROFIT,
}


def say(key: str, /, **fields: str) -> str:
    """The sentence `key` with its fields filled in.

    Raises UsageError for an unknown key, a missing field, one too many, or a field that is not text yet.
    """
    if key not in SENTENCES:
        raise errors.UsageError(errors.unknown("sentence", key, SENTENCES))
    template = SENTENCES[key]
    wanted = {name for _, name, _, _ in Formatter().parse(template) if name}
    if wanted != set(fields):
        raise errors.UsageError(
            f"The sentence '{key}' takes the fields {errors.listing(sorted(wanted))}; "
            f"it was given {errors.listing(sorted(fields))}."
        )
    for name, text in fields.items():
        if not isinstance(text, str):
            raise errors.UsageError(
                f"The field '{name}' of the sentence '{key}' is {type(text).__name__}, not text: "
                "format it first, for example with words.count or words.money."
            )
    return template.format(**fields)
