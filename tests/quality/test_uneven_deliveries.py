"""What the verdict says of files that are not alike, and of what a late or wrong date must not hide."""

from __future__ import annotations

from decimal import Decimal

from crm_lib.book import open_book
from crm_lib.quality.outcomes import RuleOutcome
from crm_lib.quality.verdict import Verdict
from tests.conftest import SIX_YML, MakeProject
from tests.quality.conftest import LINES, Project, dataset, staged, verdict_on

HEADER = "customer,order,when,amount,quantity,product\n"
JANUARY = HEADER + "anna,1,2023-01-05,100.00,2,tea\nben,2,2023-01-20,30.00,1,tea\n"
FEBRUARY = (
    HEADER.replace("amount", "net_amount")
    + "anna,3,2023-02-01,50.00,1,tea\nben,4,2023-02-02,-5.00,-1,cup\n,5,2023-02-03,7.50,1,cup\n"
)
UNEVEN_YML = SIX_YML.replace(
    "{files: data/six/lines.csv}",
    "{files: data/six/lines*.csv, encoding: [utf-8, cp1252], renamed: {net_amount: amount}}",
).replace("2023-04-01", "2023-02-10")
WHO_YML = """
  customers:
    source: {files: data/six/who*.csv, encoding: [utf-8, cp1252]}
    columns: {customer_id: id, name: name}
"""


def outcome(verdict: Verdict, rule_id: str) -> RuleOutcome:
    return next(o for o in verdict.outcomes if o.rule_id == rule_id)


def test_a_renamed_column_is_a_warning_with_its_rows_money_and_file(
    make_project: MakeProject,
) -> None:
    make_project(files={"lines_1.csv": JANUARY, "lines_2.csv": FEBRUARY}, yml=UNEVEN_YML)
    verdict = open_book("six", as_of="2023-02-10").verdict
    assert [o.rule_id for o in verdict.worth_saying] == ["lines.one_header"]
    found = outcome(verdict, "lines.one_header")
    assert (found.result, found.severity, found.on_fail) == ("failed", "warning", "keep")
    assert (found.failing_rows, found.checked_rows, found.money) == (3, 5, Decimal("52.50"))
    assert str(found.example) == "row 1 of data/six/lines_2.csv: net_amount for amount"
    assert verdict.lines.accepted.money == Decimal("182.50")
    (said,) = verdict.summary()["warnings"]
    assert said.startswith("3 of 5 rows of 'lines' (60.00%), EUR 52.50 in all,")
    assert "have the files delivered with one header" in said


def test_another_encoding_is_a_warning_with_its_rows_and_file(make_project: MakeProject) -> None:
    folder = make_project(
        files={"lines_1.csv": JANUARY, "who_1.csv": "id,name\nanna,Zoë\n"}, yml=UNEVEN_YML + WHO_YML
    )
    (folder / "data" / "six" / "who_2.csv").write_bytes("id,name\nben,Jürgen\n".encode("cp1252"))
    book = open_book("six", as_of="2023-02-10")
    assert [o.rule_id for o in book.verdict.worth_saying] == ["customers.one_encoding"]
    found = outcome(book.verdict, "customers.one_encoding")
    assert (found.failing_rows, found.checked_rows, found.money) == (1, 2, None)
    assert str(found.example) == "row 1 of data/six/who_2.csv: cp1252"
    assert outcome(book.verdict, "lines.one_encoding").result == "passed"
    names = book.staged("customers").order_by("row_id").name.to_pandas()
    assert list(names) == ["Zoë", "Jürgen"]


def test_only_rows_before_the_day_count(make_project: MakeProject) -> None:
    make_project(files={"lines_1.csv": JANUARY, "lines_2.csv": FEBRUARY}, yml=UNEVEN_YML)
    verdict = open_book("six", as_of="2023-02-02").verdict
    assert outcome(verdict, "lines.one_header").failing_rows == 1
    earlier = open_book("six", as_of="2023-02-01").verdict
    assert earlier.worth_saying == []


def test_a_source_that_allows_for_nothing_has_no_such_rules(make_project: MakeProject) -> None:
    make_project()
    rules = {o.rule_id for o in open_book("six", as_of="2023-04-01").verdict.outcomes}
    assert not {"lines.one_encoding", "lines.one_header"} & rules


def test_lines_of_customers_whom_the_table_lacks_are_counted(own_rules: None) -> None:
    data = dataset({"lines": LINES, "customers": {"customer_id": "id"}})
    columns = ["customer_id", "order_id", "ordered_at", "amount", "quantity"]
    rows = [
        ("anna", "1", "2023-01-05", "10", 1),
        (None, "2", "2023-01-06", "1", 1),  # anonymous: a fact, no defect
        ("O1", "3", "2023-01-07", "2.50", 1),
        ("O1", "4", "2023-01-08", "-0.50", -1),
        ("ben", "5", "2023-01-09", "4", 1),
    ]
    tables = {
        "lines": staged(columns, rows),
        "customers": staged(["customer_id"], [("anna",), ("ben",)]),
    }
    verdict = verdict_on(data, tables)
    found = outcome(verdict, "lines.customer_id_known")
    assert (found.severity, found.result) == ("warning", "failed")
    assert (found.failing_rows, found.checked_rows, found.money) == (2, 5, Decimal(2))
    assert str(found.example) == "row 3 of shop.csv: O1"
    assert verdict.anonymous.rows == 1
    tolerant = data.model_copy(update={"tolerate": {"lines.customer_id_known": 0.4}})
    assert outcome(verdict_on(tolerant, tables), "lines.customer_id_known").result == "passed"


def test_without_a_customer_table_nobody_is_unknown(project: Project) -> None:
    project()
    verdict = verdict_on(
        dataset(), {"lines": staged(list(LINES), [("x", "1", "2023-01-05", 1, 1)])}
    )
    assert "lines.customer_id_known" not in {o.rule_id for o in verdict.outcomes}


def test_a_date_that_stands_for_unknown_is_one_finding_and_no_silence(own_rules: None) -> None:
    columns = ["customer_id", "order_id", "ordered_at", "amount", "quantity"]
    rows = [("anna", str(n), f"2023-01-{n:02}", "10", 1) for n in range(1, 32)]
    rows += [("anna", "99", "1900-01-01", "10", 1)]
    verdict = verdict_on(dataset(), {"lines": staged(columns, rows)})
    failing = {o.rule_id for o in verdict.outcomes if o.failing_rows}
    assert failing == {"lines.ordered_at_plausible"}
    assert outcome(verdict, "lines.no_long_gap").result == "passed"
    assert verdict.profiles["lines"]["first_day"] == "2023-01-01"
    assert verdict.profiles["lines"]["days_without_rows"] == 0
