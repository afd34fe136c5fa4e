"""The profit ledger of `tests.data.company`, computed by hand, and what holds for any ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from itertools import combinations

import ibis
import pandas as pd
import pytest

from crm_lib import ledger
from crm_lib.book import Book, open_book
from crm_lib.dataset import load
from crm_lib.engine import collect
from crm_lib.errors import UsageError
from tests.conftest import ROOT, SIX_CUSTOMERS, SIX_YML, MakeProject
from tests.data.company import COLUMNS, FILES, RULES, yml

DAY = "2023-04-01"
TABLES = tuple(COLUMNS)

Opened = Callable[..., Book]


def rows(book: Book) -> dict[tuple[str, str], dict[str, str]]:
    """(customer, "MM") → column → money as text; nobody is "-", unknown money "?"."""
    found = {}
    for row in book.ledger.to_pyarrow().to_pylist():
        key = (row["customer_id"] or "-", f"{row['month']:%m}")
        assert key not in found
        found[key] = {name: "?" if value is None else str(value) for name, value in row.items()}
    return found


def unlocks(components: list[ledger.Component]) -> dict[str, str]:
    """Of each missing part of the profit, what would supply it."""
    return {item.name: item.unlock for item in components if item.status == "missing"}


def column(book: Book, name: str) -> dict[tuple[str, str], str]:
    """The rows in which a column is not 0."""
    return {key: row[name] for key, row in rows(book).items() if row[name] != "0.00"}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """`opened(rules=…, scope=…, as_of=…)`: the book of the company, each opened once for all tests."""
    root = tmp_path_factory.mktemp("companies")
    for shared in ("notebooks", "expectations"):
        (root / shared).symlink_to(ROOT / shared)
    names: dict[str, str] = {}

    @cache
    def one(rules: str = "", scope: str = "", as_of: str = DAY) -> Book:
        name = names.setdefault(rules, f"co{len(names)}")
        folder = root / "data" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in FILES.items():
            (folder / file).write_text(text, encoding="utf-8")
        (folder / "dataset.yml").write_text(yml(rules=rules, name=name), encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CRM_HOME", str(root))
            for variable in ("CRM_CACHE", "CRM_REPORTS"):
                patch.delenv(variable, raising=False)
            return open_book(name, as_of=as_of, scope=scope)

    yield one
    one.cache_clear()


@pytest.fixture(scope="module")
def company(opened: Opened) -> Book:
    return opened()


def test_every_row_by_hand(company: Book) -> None:
    found = rows(company)
    assert {key: (row["revenue"], row["contribution"], row["profit"]) for key, row in found.items()} == {
        ("anna", "01"): ("120.00", "37.50", "7.50"),
        ("anna", "02"): ("30.00", "12.00", "8.16"),
        ("ben", "01"): ("365.25", "-14.75", "-27.25"),
        ("ben", "02"): ("0.00", "0.00", "-3.83"),
        ("carla", "02"): ("0.00", "0.00", "-11.33"),
        ("carla", "03"): ("0.00", "0.00", "-0.50"),
        ("dora", "03"): ("10.00", "10.00", "10.00"),
        ("-", "02"): ("40.00", "11.00", "11.00"),
        ("-", "03"): ("0.00", "0.00", "-6.00"),
    }  # fmt: skip
    anna = {
        name: found["anna", "02"][name] for name in ("occasions", "orders", "lines", *ledger.MONEY)
    }
    assert anna == {
        "occasions": "1", "orders": "1", "lines": "2", "gross_sales": "50.00", "discount": "0.00",
        "returns": "20.00", "revenue": "30.00", "cost_of_goods": "18.00", "gross_profit": "12.00",
        "contact_cost": "0.00", "effort_cost": "0.00", "handling_cost": "?", "terms_cost": "?",
        "cost_to_serve": "0.00", "exposure_cost": "0.50", "campaign_cost": "3.34",
        "acquisition_cost": "0.00", "contribution": "12.00", "profit": "8.16",
    }  # fmt: skip
    assert found["-", "02"]["gross_sales"] == "45.00"


def test_each_cost_in_its_month(company: Book) -> None:
    assert column(company, "contact_cost") == {("anna", "01"): "7.50", ("-", "02"): "4.00"}
    assert column(company, "effort_cost") == {("ben", "01"): "80.00"}
    # ben's exposure bears no date: it counts when its campaign began.
    assert column(company, "exposure_cost") == {
        ("anna", "02"): "0.50", ("ben", "02"): "0.50", ("carla", "03"): "0.50",
    }  # fmt: skip
    # Three exposed share 10.00, dora was in the control group; nobody was exposed to the other.
    assert column(company, "campaign_cost") == {
        ("anna", "02"): "3.34", ("ben", "02"): "3.33", ("carla", "02"): "3.33", ("-", "03"): "6.00",
    }  # fmt: skip
    # ben's day of acquisition is unknown: that of the first line.
    assert column(company, "acquisition_cost") == {
        ("anna", "01"): "30.00", ("ben", "01"): "12.50", ("carla", "02"): "8.00",
    }  # fmt: skip


def test_rules_cost_what_is_not_recorded(opened: Opened) -> None:
    book = opened(rules=RULES)
    assert column(book, "contact_cost") == {
        ("anna", "01"): "7.50", ("anna", "02"): "2.00", ("ben", "03"): "27.00", ("-", "02"): "4.00",
    }  # fmt: skip
    assert column(book, "effort_cost") == {
        ("ben", "01"): "80.00", ("ben", "02"): "60.00", ("carla", "03"): "10.00",
    }  # fmt: skip
    # An order 1.50, a line 0.25, a return 3.00.
    assert column(book, "handling_cost") == {
        ("anna", "01"): "2.00", ("anna", "02"): "5.00", ("ben", "01"): "1.75", ("dora", "03"): "1.75",
        ("-", "02"): "1.75",
    }  # fmt: skip
    # 365.25 for 60 days at 10 % a year.
    assert column(book, "terms_cost") == {("ben", "01"): "6.00"}
    assert rows(book)["ben", "01"]["contribution"] == "-22.50"
    by_name = {item.name: item for item in book.components}
    assert by_name["handling_cost"].status == by_name["terms_cost"].status == "by rule"
    assert (by_name["contact_cost"].known, by_name["contact_cost"].rows) == (5, 5)
    frame = collect(book.reconciliation)
    assert frame.groupby("component").by_rule.sum().loc[
        ["contact_cost", "effort_cost"]
    ].tolist() == [29, 70]
    assert (frame.difference == 0).all()


def test_campaigns_borne_by_nobody(opened: Opened) -> None:
    book = opened(rules="ledger: {campaign_cost: none}")
    assert column(book, "campaign_cost") == {("-", "02"): "10.00", ("-", "03"): "6.00"}
    assert (collect(book.reconciliation).difference == 0).all()


def test_what_campaigns_of_a_kind_cost_is_a_part_of_the_ledger(make_project: MakeProject) -> None:
    """K1, of the kind asked for, bears 10.00 and three exposures; K2 is of another."""
    campaigns = (
        "id,starts,cost,kind\nK1,2023-02-01,10.00,Acquisition\nK2,2023-03-01,6.00,promotion\n"
    )
    mapped = COLUMNS["campaigns"] + ", kind: kind"
    make_project("co", {**FILES, "campaigns.csv": campaigns}, yml(campaigns=mapped))
    book = open_book("co", as_of=DAY)
    spent = book.spent_on_campaigns("acquisition")
    assert spent is not None
    found = collect(spent).groupby("customer_id", dropna=False)[["exposure_cost", "campaign_cost"]]
    assert found.sum().astype(float).to_dict("index") == {
        "anna": {"exposure_cost": 0.5, "campaign_cost": 3.34},
        "ben": {"exposure_cost": 0.5, "campaign_cost": 3.33},
        "carla": {"exposure_cost": 0.5, "campaign_cost": 3.33},
    }
    other = book.spent_on_campaigns("promotion")
    assert other is not None
    row = collect(other).iloc[0]
    assert (pd.isna(row["customer_id"]), float(row["campaign_cost"])) == (True, 6)


def test_without_kinds_of_campaigns_none_is_told_apart(company: Book) -> None:
    assert company.spent_on_campaigns("acquisition") is None


@pytest.mark.parametrize("scope", ["", "place = 'Köln'"])
@pytest.mark.parametrize("rules", ["", RULES])
def test_parts_are_the_whole(opened: Opened, rules: str, scope: str) -> None:
    book = opened(rules=rules, scope=scope)
    known = {item.name for item in book.components if item.status != "missing"}
    for row in book.ledger.to_pyarrow().to_pylist():
        money = {name: row[name] or Decimal(0) for name in ledger.MONEY}
        assert all((row[name] is None) == (name not in known) for name in ledger.COSTS)
        assert money["revenue"] == money["gross_sales"] - money["discount"] - money["returns"]
        assert money["gross_profit"] == money["revenue"] - money["cost_of_goods"]
        assert money["cost_to_serve"] == sum(money[name] for name in ledger.SERVING)
        assert money["contribution"] == money["gross_profit"] - money["cost_to_serve"]
        assert money["profit"] == money["revenue"] - sum(money[name] for name in ledger.COSTS)
    frame = collect(book.reconciliation)
    assert (frame.difference == 0).all()
    months = collect(book.months)
    held = frame[frame.component == "revenue"].set_index("month").ledger
    assert held.to_dict() == {m: v for m, v in zip(months.month, months.revenue, strict=True) if v}


def test_the_reconciliation_tells_a_ledger_that_does_not_add_up(company: Book) -> None:
    short = company.ledger.filter(company.ledger.customer_id.fill_null("") != "ben")
    frame = collect(ledger.reconciliation(company.records, short, company.components))
    apart = frame[frame.difference != 0].set_index(["component", "month"]).difference
    assert apart["revenue", pd.Timestamp("2023-01-01")] == 365.25
    assert apart["campaign_cost", pd.Timestamp("2023-02-01")] == 3.33


def test_a_scope_keeps_the_costs_of_its_customers_whole_and_no_others(
    opened: Opened,
) -> None:
    book = opened(rules=RULES, scope="place = 'Köln'")
    assert set(rows(book)) == {("anna", "01"), ("anna", "02"), ("-", "02")}
    # The share of the campaign is that of anna among all who were exposed, in scope or not.
    assert column(book, "campaign_cost") == {("anna", "02"): "3.34"}
    # Of nobody there are the anonymous lines in scope; a stranger's contact is no business of it.
    assert rows(book)["-", "02"]["contact_cost"] == "0.00"
    out = collect(book.reconciliation).groupby("component").out_of_scope.sum()
    assert out.to_dict() == pytest.approx({
        "acquisition_cost": 20.5, "campaign_cost": 12.66, "contact_cost": 31, "cost_of_goods": 0,
        "discount": 0, "effort_cost": 150, "exposure_cost": 1, "returns": 0, "revenue": 0,
    })  # fmt: skip


def test_what_is_recorded_later_changes_nothing(make_project: MakeProject, opened: Opened) -> None:
    """As of 1 March: with the rows of March and later, and with a file that ends before them."""
    before = opened(rules=RULES, as_of="2023-03-01")
    early = {
        name: "".join(
            line
            for line in text.splitlines(keepends=True)
            if not any(later in line for later in ("2023-03", "2023-04", "K3,"))
        )
        for name, text in FILES.items()
    }
    make_project("early", early, yml(rules=RULES, name="early"))
    alone = open_book("early", as_of="2023-03-01")
    found, expected = rows(before), rows(alone)
    # carla is the third to be exposed to K1, in March: as of February two share its cost.
    assert found["ben", "02"]["campaign_cost"] == "5.00"
    assert found == expected
    assert [item for item in before.components if item.name != "exposure_cost"] == [
        item for item in alone.components if item.name != "exposure_cost"
    ]


def test_the_order_of_rows_does_not_matter(make_project: MakeProject, company: Book) -> None:
    turned = {}
    for name, text in FILES.items():
        header, *lines = text.splitlines()
        turned[name] = "\n".join([header, *reversed(lines), ""])
    make_project("turned", turned, yml(name="turned"))
    assert rows(open_book("turned", as_of=DAY)) == rows(company)


def test_money_a_thousand_times_as_large_is_a_thousand_times_the_profit(
    make_project: MakeProject, company: Book
) -> None:
    columns = {
        table: mapped.replace("amount: amount", "amount: amount * 1000")
        .replace("discount: discount", "discount: discount * 1000")
        .replace("cost: cost", "cost: cost * 1000")
        .replace("acquisition_cost: won_for", "acquisition_cost: won_for * 1000")
        for table, mapped in COLUMNS.items()
    }
    make_project("rich", FILES, yml(name="rich", **columns))
    rich, plain = rows(open_book("rich", as_of=DAY)), rows(company)
    for key, row in plain.items():
        for name in set(ledger.MONEY) - {"campaign_cost", "profit"}:  # shares round to the cent
            assert rich[key][name] == "?" if row[name] == "?" else Decimal(rich[key][name]) == 1000 * Decimal(row[name])  # fmt: skip
    assert sum(Decimal(row["profit"]) for row in rich.values()) == 1000 * sum(
        Decimal(row["profit"]) for row in plain.values()
    )


def test_money_too_large_for_its_decimals_is_refused(make_project: MakeProject) -> None:
    lines = FILES["lines.csv"] + "".join(f"ben,{i},2023-03-15,9000000000,0,0,Bonn\n" for i in range(20, 35))  # fmt: skip
    text = yml(("lines",)).replace("money_decimals: 2", "money_decimals: 8")
    make_project("co", {"lines.csv": lines}, text)
    with pytest.raises(UsageError, match="lower `money_decimals: 8`"):
        open_book("co", as_of=DAY)


def test_without_a_cost_column_nothing_is_known_of_profit(make_project: MakeProject) -> None:
    make_project()
    book = open_book("six", as_of=DAY)
    assert book.profit_label == "revenue"
    frame = collect(book.ledger)
    assert frame[list(ledger.COSTS)].isna().all().all()
    assert frame[["discount", "gross_profit", "contribution"]].isna().all().all()
    assert (frame.profit == frame.revenue).all()
    assert frame.revenue.sum() == 725
    assert frame.gross_sales.sum() == 725 + 105
    missing = unlocks(book.components)
    assert missing["cost_of_goods"] == "map `cost` of the table `lines`"
    assert set(missing) == {"discount", *ledger.COSTS}


def test_each_missing_table_is_missing_and_nothing_else(make_project: MakeProject) -> None:
    lost = {
        "contacts": {"contact_cost"}, "efforts": {"effort_cost"}, "campaigns": {"campaign_cost"},
        "exposures": {"exposure_cost"}, "customers": {"acquisition_cost"}, "accounts": {"terms_cost"},
    }  # fmt: skip
    for table, names in lost.items():
        rest = tuple(name for name in TABLES if name != table)
        make_project("co", FILES, yml(rest, RULES))
        missing = unlocks(ledger.components(load("co")))
        assert set(missing) == names
        assert f"`{table}`" in missing.popitem()[1]


def test_the_money_of_a_missing_table_is_unknown(make_project: MakeProject) -> None:
    make_project("co", FILES, yml(tuple(name for name in TABLES if name != "contacts"), RULES))
    book = open_book("co", as_of=DAY)
    assert set(unlocks(book.components)) == {"contact_cost"}
    assert (collect(book.reconciliation).difference == 0).all()
    assert all(row["contact_cost"] == "?" for row in rows(book).values())


def test_a_column_that_is_empty_throughout_is_missing(make_project: MakeProject) -> None:
    lines = "\n".join(
        ",".join(cell if i != 5 else "" for i, cell in enumerate(line.split(","))) if n else line
        for n, line in enumerate(FILES["lines.csv"].splitlines())
    )
    make_project("co", FILES | {"lines.csv": lines}, yml())
    book = open_book("co", as_of=DAY)
    cost = next(item for item in book.components if item.name == "cost_of_goods")
    assert (cost.status, cost.rows, cost.known) == ("missing", 7, 0)
    assert "empty in every row" in cost.unlock
    assert book.profit_label == "revenue less known costs"
    assert collect(book.ledger).contribution.isna().all()


def test_what_part_of_the_rows_bears_a_cost(company: Book) -> None:
    shares = {
        item.name: (item.known, item.rows, item.of) for item in company.components if item.rows
    }
    assert shares == {
        "discount": (7, 7, "order lines"), "cost_of_goods": (6, 7, "order lines"),
        "contact_cost": (2, 5, "contacts"), "effort_cost": (1, 3, "efforts"),
        "exposure_cost": (5, 5, "exposures"), "campaign_cost": (2, 2, "campaigns"),
        "acquisition_cost": (3, 3, "customers"),
    }  # fmt: skip
    assert company.profit_label == "net profit"


def test_the_profit_is_called_what_it_is() -> None:
    """Every set of known kinds of cost, against the definition."""
    kinds = {"goods": "cost_of_goods", "serving": "effort_cost", "winning": "acquisition_cost"}
    labels = {
        (): "revenue", ("goods",): "gross profit", ("goods", "serving"): "contribution",
        ("goods", "winning"): "net profit", ("goods", "serving", "winning"): "net profit",
    }  # fmt: skip
    for count in range(4):
        for known in combinations(kinds, count):
            items = [
                ledger.Component(
                    column, "", "revenue", "measured" if kind in known else "missing", ""
                )
                for kind, column in kinds.items()
            ]
            assert ledger.profit_label(items) == labels.get(known, "revenue less known costs")


def test_a_cost_before_the_first_order_line_is_in_the_ledger(make_project: MakeProject) -> None:
    calls = "id,at,kind,cost\nanna,2022-12-15,visit,7.00\n"
    table = (
        "  contacts:\n    source: {files: data/six/calls.csv}\n"
        "    columns: {customer_id: id, at: at, kind: kind, cost: cost}\n"
    )
    make_project(files={"lines.csv": SIX_CUSTOMERS, "calls.csv": calls}, yml=SIX_YML + table)
    held = collect(open_book("six", as_of=DAY).ledger)
    (row,) = held[held.contact_cost != 0].to_dict("records")
    assert (row["customer_id"], row["contact_cost"]) == ("anna", 7)
    assert row["month"] == pd.Timestamp("2022-12-01")


def test_negative_costs_are_credits(make_project: MakeProject) -> None:
    files = FILES | {
        "contacts.csv": FILES["contacts.csv"].replace("7.50", "-7.50"),
        "campaigns.csv": FILES["campaigns.csv"].replace("10.00", "-10.00"),
    }
    make_project("co", files, yml())
    book = open_book("co", as_of=DAY)
    assert rows(book)["anna", "01"]["contribution"] == "52.50"
    shares = column(book, "campaign_cost")
    assert shares["anna", "02"] == shares["ben", "02"] == "-3.33"
    assert shares["carla", "02"] == "-3.34"
    assert (collect(book.reconciliation).difference == 0).all()


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("{order_cots: 1}", "Did you mean 'order_cost'"),
        ("{hour_cost: -1}", "ledger.hour_cost"),
        ("{capital_rate: dear}", "ledger.capital_rate"),
        ("{campaign_cost: all}", "ledger.campaign_cost"),
    ],
)
def test_faulty_rules_are_refused(make_project: MakeProject, rules: str, said: str) -> None:
    make_project("co", FILES, yml(rules=f"ledger: {rules}"))
    with pytest.raises(UsageError, match=said):
        load("co")


def test_a_rate_for_a_kind_of_contact_that_there_is_not_is_refused(
    make_project: MakeProject,
) -> None:
    make_project("co", FILES, yml(rules="ledger: {contact_cost: {vist: 9}}"))
    with pytest.raises(UsageError, match="Did you mean 'visit'"):
        open_book("co", as_of=DAY)


def test_a_kind_of_contact_of_ones_own_can_have_a_rate(make_project: MakeProject) -> None:
    files = FILES | {"contacts.csv": FILES["contacts.csv"].replace(",survey,", ",Hotline,")}
    make_project("co", files, yml(rules="ledger: {contact_cost: {Hotline: 9}}"))
    # As of February there is no such contact yet; the rule is right all the same.
    assert "9.00" not in column(open_book("co", as_of="2023-02-25"), "contact_cost").values()
    assert column(open_book("co", as_of=DAY), "contact_cost")["ben", "03"] == "9.00"


def test_a_changed_rule_makes_another_book(make_project: MakeProject) -> None:
    make_project("co", FILES, yml())
    plain = open_book("co", as_of=DAY)
    make_project("co", FILES, yml(rules="ledger: {order_cost: 1}"))
    assert open_book("co", as_of=DAY).folder != plain.folder


def test_dates_that_stand_for_unknown_are_unknown(make_project: MakeProject) -> None:
    customers = FILES["customers.csv"].replace("2023-01-04", "1900-01-01")
    make_project("co", FILES | {"customers.csv": customers}, yml())
    assert column(open_book("co", as_of=DAY), "acquisition_cost")["anna", "01"] == "30.00"


def test_types_and_grain(company: Book) -> None:
    types = company.ledger.schema()
    assert tuple(types) == ledger.COLUMNS
    assert types["month"].is_date()
    assert all(types[name] == ibis.dtype("decimal(18, 2)") for name in ledger.MONEY)
    keys = [(row["customer_id"], row["month"]) for row in company.ledger.to_pyarrow().to_pylist()]
    assert len(keys) == len(set(keys))
