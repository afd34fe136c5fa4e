"""Facts of the six customers, computed by hand in `conftest.SIX_CUSTOMERS`."""

from __future__ import annotations

from datetime import date
from typing import cast

import pandas as pd
import pytest

from crm_lib.book import Book, open_book
from crm_lib.engine import collect
from crm_lib.errors import NotInData, UsageError
from tests.conftest import SIX_CUSTOMERS, SIX_YML, MakeProject


def facts(book: Book) -> pd.DataFrame:
    return collect(book.customers).set_index("customer_id")


def test_customers_by_hand(six_customers: Book) -> None:
    found = facts(six_customers)
    assert found.occasions.to_dict() == {
        "anna": 3, "ben": 2, "carla": 1, "dora": 1, "emil": 1, "fred": 0,
    }  # fmt: skip
    assert found.revenue.to_dict() == {
        "anna": 200, "ben": 60, "carla": 400, "dora": 10, "emil": 20, "fred": -5,
    }  # fmt: skip
    anna = found.loc["anna"]
    assert (anna.first_on, anna.second_on, anna.last_on) == (
        pd.Timestamp("2023-01-05"), pd.Timestamp("2023-02-05"), pd.Timestamp("2023-03-05"),
    )  # fmt: skip
    assert (anna.median_gap_days, anna.last_gap_days) == (29.5, 28)
    # The last observed day is 31 March: 26 days after 5 March, 85 after 5 January.
    assert (anna.x, anna.t_x, anna["T"], anna.days_since_last) == (2, 59, 85, 26)
    assert (found.loc["carla"].returns, found.loc["carla"].purchases) == (100, 500)
    assert pd.isna(found.loc["fred"].first_on)
    assert found.margin.isna().all()


def test_months_and_customer_months_add_up_to_the_ledger(six_customers: Book) -> None:
    months = collect(six_customers.months)
    assert months.revenue.sum() == pytest.approx(725)
    assert months.anonymous_revenue.tolist() == [0, 0, 40]
    assert months.active_customers.tolist() == [3, 2, 3]
    sparse = collect(six_customers.customer_months)
    assert sparse.revenue.sum() == pytest.approx(685)
    assert sparse.occasions.sum() == 8
    assert len(sparse) == 9


def test_days_since_last_is_T_minus_t_x(six_customers: Book) -> None:
    bought = facts(six_customers).query("occasions > 0")
    assert (bought.days_since_last == bought["T"] - bought.t_x).all()


def test_facts_as_of_an_earlier_day_ignore_what_came_later(
    six_customers: Book, make_project: MakeProject
) -> None:
    earlier = collect(six_customers.customers_at("2023-03-01")).set_index("customer_id")
    assert sorted(earlier.index) == ["anna", "ben", "carla", "emil", "fred"]
    assert earlier.loc["anna", "days_since_last"] == 23
    kept = [line for line in SIX_CUSTOMERS.splitlines() if "2023-03" not in line]
    make_project("early", {"lines.csv": "\n".join(kept)}, SIX_YML.replace("data/six", "data/early"))
    alone = collect(open_book("early", as_of="2023-03-01").customers).set_index("customer_id")
    pd.testing.assert_frame_equal(earlier.sort_index(), alone.sort_index(), check_like=True)


def test_days_with_a_purchase_are_counted_in_each_month(make_project: MakeProject) -> None:
    rows = """customer,order,when,amount,quantity,product
anna,1,2023-01-01,10,1,tea
anna,2,2023-01-31,10,1,tea
anna,3,2023-01-31,10,1,tea
anna,4,2023-01-15,-5,1,tea
anna,5,2023-02-01,10,1,tea
,6,2023-02-01,10,1,tea
ben,7,2023-02-02,-5,1,tea
"""
    make_project(files={"lines.csv": rows})
    book = open_book("six", as_of="2023-03-01")
    found = collect(book.customer_months).set_index(["customer_id", "month"])
    assert found.occasions.to_dict() == {
        ("anna", pd.Timestamp("2023-01-01")): 2,
        ("anna", pd.Timestamp("2023-02-01")): 1,
        ("ben", pd.Timestamp("2023-02-01")): 0,
    }
    assert book.customer_months.schema()["occasions"].is_int64()
    # From the last day of January to the first of February: another month, though one day later.
    assert facts(book).loc["anna", "active_months"] == 2


def test_occasions_are_days_or_orders(make_project: MakeProject) -> None:
    rows = SIX_CUSTOMERS + "dora,12,2023-03-01,7.00,1,tea\n"
    make_project("days", {"lines.csv": rows}, SIX_YML.replace("data/six", "data/days"))
    orders = SIX_YML.replace("data/six", "data/orders") + "occasion: order\n"
    make_project("orders", {"lines.csv": rows}, orders)
    by_day = facts(open_book("days", as_of="2023-04-01"))
    by_order = facts(open_book("orders", as_of="2023-04-01"))
    assert by_day.loc["dora", "occasions"] == 1
    assert by_order.loc["dora", "occasions"] == 2
    assert by_order.loc["dora", "last_gap_days"] == 0


def test_a_month_without_an_order_line_may_be_observed(make_project: MakeProject) -> None:
    make_project()
    assert str(open_book("six", as_of="2023-04-21").observed.last_day) == "2023-04-20"


def test_first_seen_in_the_warm_up(make_project: MakeProject) -> None:
    make_project(yml=SIX_YML + "warm_up_days: 31\n")
    book = open_book("six", as_of="2023-04-01")
    assert book.warm_up_ends == date(2023, 2, 1)
    seen = facts(book).is_first_seen
    assert seen[seen].index.tolist() == ["anna", "ben", "emil"]


def test_scope_narrows_every_fact(make_project: MakeProject) -> None:
    make_project()
    open_book("six", as_of="2023-04-01")  # its facts are of other lines, and not to be built upon
    book = open_book("six", as_of="2023-04-01", scope="product_id = 'tea'")
    assert facts(book).revenue.to_dict() == {"anna": 150, "ben": 60}
    assert collect(book.months).revenue.sum() == pytest.approx(100 + 50 + 30 + 30 + 40)
    with pytest.raises(UsageError, match="scope must be text, such as 'quantity > 0', not 5"):
        open_book("six", as_of="2023-04-01", scope=cast(str, 5))
    with pytest.raises(
        UsageError, match="months_back must be a whole number of at least 1, not '1'"
    ):
        book.months_before(cast(int, "1"))


def test_the_default_attribute_tells_customers_apart(make_project: MakeProject) -> None:
    people = "id,role,note,tier\nanna,buyer,,gold\nben,buyer,x,silver\ncarla,buyer,,\ndora,buyer, ,gold\n"
    yml = SIX_YML + (
        "  customers:\n    source: {files: data/six/people.csv}\n"
        "    columns: {customer_id: id, role: role}\n    attributes: {note: note, tier: tier}\n"
    )
    make_project(files={"lines.csv": SIX_CUSTOMERS, "people.csv": people}, yml=yml)
    book = open_book("six", as_of="2023-04-01")
    assert book.attributes == ("role", "note", "tier")
    assert book.attribute() == "tier"
    assert book.attribute("role") == "role"
    same = people.replace("silver", "gold")
    make_project(files={"lines.csv": SIX_CUSTOMERS, "people.csv": same}, yml=yml)
    assert open_book("six", as_of="2023-04-01").attribute() == "role"


@pytest.mark.parametrize(("audience", "is_shown"), [("external", False), ("internal", True)])
def test_names_leave_the_engine_for_an_internal_audience_only(
    make_project: MakeProject, audience: str, is_shown: bool
) -> None:
    files = {
        "lines.csv": SIX_CUSTOMERS,
        "people.csv": "id,name\nanna,Anna Smith\n",
        "calls.csv": "id,at,kind,person\nanna,2023-02-01,complaint,Ben Jones\n",
    }
    yml = SIX_YML + (
        "  customers:\n    source: {files: data/six/people.csv}\n"
        "    columns: {customer_id: id, name: name}\n"
        "  contacts:\n    source: {files: data/six/calls.csv}\n"
        "    columns: {customer_id: id, at: at, kind: kind, person: person}\n"
        f"audience: {audience}\n"
    )
    make_project(files=files, yml=yml)
    book = open_book("six", as_of="2023-04-01")
    assert ("name" in book.table("customers").columns) == is_shown
    assert ("person" in book.table("contacts").columns) == is_shown
    assert ("name" in book.named(book.customers).columns) == is_shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"as_of": "2022-12-31"}, "observed from 2023-01-01"),
        ({"as_of": "2023-04-22"}, "the last order line of 'six' is of 2023-03-20"),
        ({"as_of": "1 April"}, "YYYY-MM-DD"),
        ({"as_of": "2023-04-01", "scope": "prodct_id = 'tea'"}, "Did you mean 'product_id'"),
        ({"as_of": "2023-04-01", "scope": "product_id ="}, "not an SQL expression"),
        (
            {"as_of": "2023-04-01", "scope": "product_id"},
            r"no condition: it gives a value \(string\)",
        ),
        ({"as_of": "2023-04-01", "scope": "amount"}, "for example amount > 0"),
        (
            {"as_of": "2023-04-01", "scope": "product_id::int > 1"},
            "scope.*cannot be told.*'tea' to INT32",
        ),
    ],
)
def test_wrong_day_or_scope(
    make_project: MakeProject, arguments: dict[str, str], said: str
) -> None:
    make_project()
    with pytest.raises(UsageError, match=said):
        open_book("six", **arguments)


def test_unknown_data_set_and_missing_table(six_customers: Book) -> None:
    with pytest.raises(UsageError, match="Did you mean 'six'"):
        open_book("sixx", as_of="2023-04-01")
    with pytest.raises(NotInData, match="has no table 'wallets'"):
        six_customers.table("wallets")
