"""The customers of a block as tables: master data, what winning them cost, and the truth about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crm_lib.simulate.behaviour.people import pick, pick_by
from crm_lib.simulate.block import Block, Ints, People
from crm_lib.simulate.companies import words
from crm_lib.simulate.laws import ADOPTERS, Company
from crm_lib.simulate.tables import arrow

COST_VARIATION = 0.3
"""Coefficient of variation of the acquisition cost around the mean of the source."""
BUSINESS = "business"
"""The household that is a small café: it is called like one."""
DISTRIBUTOR = "distributor"
"""The role whose firms are called dealers."""

Shares = Mapping[str, float]


def table(block: Block, people: People) -> pa.Table:
    """Canonical `customers`, one row a customer; acquisition_cost in the company's currency.

    `size` and further attributes are what the segments declare; industry, market and brand_tier are
    those of business customers. `market` is main in the region where most customers live.
    """
    company = block.company
    stream = block.stream("customers")
    drawn = {
        name: _drawn(stream, shares, people.segment)
        for name, shares in _by_segment(company).items()
    }
    columns = {
        "customer_id": arrow.ids("C", people.number),
        "name": _firms(block, drawn) if company.accounts else _households(block, drawn),
        "role": drawn.pop("role"),
        "acquired_on": arrow.days(people.joined_day, block.clock),
        "source": arrow.texts(people.source, [s.name for s in company.sources]),
        "acquisition_cost": arrow.money(acquisition_cents(block, people)),
    }
    if company.accounts:
        columns["industry"] = drawn.pop("industry")
        columns["market"] = _of_place(block, people, _markets(company))
        columns["brand_tier"] = drawn.pop("brand_tier")
    if "size" in drawn:
        columns["size"] = drawn.pop("size")
    columns["region"] = _of_place(block, people, company.regions)
    return pa.table(columns | drawn)


def acquisition_cents(block: Block, people: People) -> Ints:
    """What winning each customer cost, in cents: Gamma around the mean of its source."""
    shape = 1 / COST_VARIATION**2
    mean = np.array([s.cost for s in block.company.sources])[people.source]
    stream = block.stream("acquisition")
    return arrow.cents(stream.gamma(shape, size=len(people)) * mean / shape)


def truth(block: Block, people: People) -> pa.Table:
    """truth/customers: one row a customer; rate and hazard a day, mean_order_value in currency."""
    company = block.company
    order_shape = np.array([s.spend.p for s in company.segments])[people.segment]
    return pa.table(
        {
            "customer_id": arrow.ids("C", people.number),
            "segment": arrow.texts(people.segment, [s.name for s in company.segments]),
            "source": arrow.texts(people.source, [s.name for s in company.sources]),
            "adopter": arrow.texts(people.adopter, ADOPTERS),
            "joined_on": arrow.days(people.joined_day, block.clock),
            "rate": pa.array(people.rate),
            "hazard": pa.array(people.hazard),
            "mean_order_value": pa.array(order_shape / people.spend_rate),
            "is_regular": pa.array(people.is_regular),
            "is_costly": pa.array(people.is_costly),
            "never_buys": pa.array(people.never_buys),
        }
    )


def _by_segment(company: Company) -> dict[str, list[Shares]]:
    """Column: the shares of its values in each segment; the company's where a segment has none."""
    whole: dict[str, Shares] = {"role": company.roles}
    if company.accounts:
        whole |= {"industry": company.industries, "brand_tier": company.brand_tiers}
    names = dict.fromkeys([*whole, *(name for s in company.segments for name in s.attributes)])
    return {
        name: [s.attributes.get(name, whole.get(name, {})) for s in company.segments]
        for name in names
    }


def _drawn(stream: np.random.Generator, shares: Sequence[Shares], segment: Ints) -> pa.Array:
    """A value for each customer by the shares of its segment; null where the segment has none."""
    values = list(dict.fromkeys(value for row in shares for value in row))
    by_segment = [[row.get(value, 0.0) for value in values] for row in shares]
    code, is_any = pick_by(stream, by_segment, segment)
    return arrow.texts(np.where(is_any, code, -1), values)


def _markets(company: Company) -> dict[str, str]:
    """The market of each town: main in the region where most customers live, other elsewhere."""
    lives = dict.fromkeys(company.regions.values(), 0.0)
    for town, share in company.places.items():
        lives[company.regions[town]] += share
    main = max(lives, key=lives.__getitem__)
    return {town: "main" if company.regions[town] == main else "other" for town in company.places}


def _of_place(block: Block, people: People, by_town: Mapping[str, str]) -> pa.Array:
    """What is said of the town of each customer."""
    values = list(dict.fromkeys(by_town.values()))
    code = np.array([values.index(by_town[town]) for town in block.company.places])
    return arrow.texts(code[people.place], values)


def _households(block: Block, drawn: Mapping[str, pa.Array]) -> pa.Array:
    """Persons, first and family name of the same language; businesses such as Café Grünried."""
    stream = block.stream("names")
    language = pick(stream, (language.share for language in words.LANGUAGES), block.count)
    first = _one_of(stream, [spoken.first for spoken in words.LANGUAGES], language)
    family = _one_of(stream, [spoken.family for spoken in words.LANGUAGES], language)
    persons = pc.binary_join_element_wise(first, family, " ")
    if "household" not in drawn:
        return persons
    any_ = np.zeros(block.count, dtype=np.int64)
    cafes = pc.binary_join_element_wise(
        _one_of(stream, [words.CAFES], any_), _one_of(stream, [words.FIRMS], any_), " "
    )
    return pc.if_else(pa.array(_codes(drawn["household"], [BUSINESS]) == 0), cafes, persons)


def _firms(block: Block, drawn: Mapping[str, pa.Array]) -> pa.Array:
    """Such as Haselmoor Melktechnik GmbH in agricultural technology."""
    stream = block.stream("names")
    trades = [*words.TRADES.values(), words.WORKS, words.DEALERS]
    industry = _codes(drawn["industry"], list(words.TRADES))
    trade = np.where(industry < 0, len(words.TRADES), industry)
    is_dealer = _codes(drawn["role"], [DISTRIBUTOR]) == 0
    legal_form = pick(stream, words.LEGAL_FORM_SHARES, block.count)
    return pc.binary_join_element_wise(
        _one_of(stream, [words.FIRMS], np.zeros(block.count, dtype=np.int64)),
        _one_of(stream, trades, np.where(is_dealer, len(trades) - 1, trade)),
        pa.array(words.LEGAL_FORMS).take(pa.array(legal_form)),
        " ",
    )


def _codes(values: pa.Array, known: Sequence[str]) -> Ints:
    """The position of each value among the known ones; -1 for any other."""
    found = pc.index_in(pc.cast(values, pa.string()), pa.array(known, pa.string()))
    return pc.fill_null(found, -1).to_numpy().astype(np.int64)


def _one_of(stream: np.random.Generator, pools: Sequence[Sequence[str]], pool: Ints) -> pa.Array:
    """An entry of the chosen pool, each as likely."""
    sizes = np.array([len(names) for names in pools])
    start = np.cumsum(sizes) - sizes
    place = start[pool] + (stream.random(len(pool)) * sizes[pool]).astype(np.int64)
    return pa.array([name for names in pools for name in names]).take(pa.array(place))
