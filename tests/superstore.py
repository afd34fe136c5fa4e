"""A file such as office suppliers' exports are: a profit on each line, a discount as a rate, US dates.

The columns are those of the well-known "Superstore" example; the rows are our own, drawn by a seed.
"""

from __future__ import annotations

import csv
import io
import random
from datetime import date, timedelta
from decimal import Decimal

HEADER = (
    "Row ID", "Order ID", "Order Date", "Ship Date", "Ship Mode", "Customer ID", "Customer Name",
    "Segment", "Country", "City", "State", "Postal Code", "Region", "Product ID", "Category",
    "Sub-Category", "Product Name", "Sales", "Quantity", "Discount", "Profit",
)  # fmt: skip
ENCODING = "cp1252"

_PLACES = [
    ("Springfield", "Ohio", "45501", "East"), ("Cañon City", "Colorado", "81212", "West"),
    ("Boston", "Massachusetts", "02101", "East"), ("Austin", "Texas", "73301", "Central"),
]  # fmt: skip
_GOODS = [("Furniture", "Chairs"), ("Furniture", "Tables"), ("Technology", "Phones"), ("Office Supplies", "Paper")]  # fmt: skip
_RATES = [Decimal(rate) for rate in ("0", "0", "0", "0.2", "0.2", "0.15", "0.4", "0.7", "0.8")]
_SEGMENTS = ("Consumer", "Corporate", "Home Office")


def rows(lines: int = 600, seed: int = 3) -> list[dict[str, str]]:
    """Order lines from 2021 to 2024. A product has one price and one cost; the discount is per line.

    Sales = price × quantity × (1 − discount) and Profit = Sales − cost × quantity, to four decimals.
    """
    drawn = random.Random(seed)
    prices = [Decimal(drawn.randrange(200, 90_000)) / 100 for _ in range(40)]
    shares = [Decimal(drawn.randrange(45, 80)) / 100 for _ in prices]
    made: list[dict[str, str]] = []
    while len(made) < lines:
        number, who = len(made), drawn.randrange(80)
        day = date(2021, 1, 3) + timedelta(days=drawn.randrange(1450))
        order = f"US-{day.year}-{100_000 + number}"
        for product in drawn.sample(range(40), drawn.choice((1, 1, 2, 3))):
            units, rate = drawn.randrange(1, 10), drawn.choice(_RATES)
            gross = prices[product] * units
            sales = gross * (1 - rate)
            profit = sales - gross * shares[product]
            made.append(_row(len(made) + 1, order, day, who, product, sales, units, rate, profit))
    return made


def _row(number: int, order: str, day: date, who: int, product: int, sales: Decimal, units: int,
         rate: Decimal, profit: Decimal) -> dict[str, str]:  # fmt: skip
    city, state, code, region = _PLACES[who % len(_PLACES)]
    category, kind = _GOODS[product % len(_GOODS)]
    shipped = day + timedelta(days=number % 6)
    values = (
        str(number), order, _us(day), _us(shipped), "Standard Class", f"AB-{10_000 + who}",
        f"José Müller {who}", _SEGMENTS[who % 3], "United States", city, state, code, region,
        f"{category[:3].upper()}-{kind[:2].upper()}-{1000 + product}", category, kind,
        f"{kind} No. {product}, “classic”", _plain(sales), str(units), _plain(rate), _plain(profit),
    )  # fmt: skip
    return dict(zip(HEADER, values, strict=True))


def _us(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _plain(number: Decimal) -> str:
    """As spreadsheets write it: 261.96, 0.2, 0."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def csv_bytes(made: list[dict[str, str]]) -> bytes:
    """The file as it is delivered: comma-separated, in Windows-1252."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(made)
    return out.getvalue().encode(ENCODING)
