"""`dataset.yml`: how one company's raw files become the canonical tables, checked when it is read."""

from __future__ import annotations

import difflib
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import available_timezones

import yaml
from babel.numbers import list_currencies
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from crm_lib import project, schema
from crm_lib.cost_rules import CostRules
from crm_lib.errors import UsageError, listing, unknown
from crm_lib.segment_map import SegmentMap
from crm_lib.source import STRICT, Texts
from crm_lib.source import Source as Source
from crm_lib.stage_rules import Thresholds

UNKNOWN_CURRENCY = "XXX"
"""ISO 4217 for "no currency": what `crm init` writes until the user says which."""


def _as_zone(value: Any) -> Any:
    if value is None or value in available_timezones():
        return value
    cities = {zone.split("/")[-1]: zone for zone in sorted(available_timezones())}
    city = str(value).split("/")[-1].replace(" ", "_")
    near = difflib.get_close_matches(city, cities, n=1)
    hint = f"Did you mean '{cities[near[0]]}'? " if near else ""
    raise ValueError(
        f"There is no time zone '{value}'. {hint}Write it as Europe/London or Asia/Shanghai."
    )


def _as_currency(value: Any) -> Any:
    codes = sorted(list_currencies())
    if value in codes:
        return value
    text = str(value).upper()
    near = difflib.get_close_matches(text, codes, n=len(codes))
    near.sort(key=lambda code: sorted(code) != sorted(text))  # exchanged letters are likeliest
    hint = f"Did you mean '{near[0]}'? " if near else ""
    raise ValueError(
        f"'{value}' is not a currency code. {hint}Write an ISO 4217 code such as EUR, USD or CNY"
    )


Zone = Annotated[str, BeforeValidator(_as_zone)]


class _Strict(BaseModel):
    """A block of `dataset.yml`."""

    model_config = STRICT


class Mapping(_Strict):
    """How one canonical column is made: a raw column's name or an SQL expression over raw columns."""

    from_: str = Field(alias="from")
    """a raw column, or an SQL expression over raw columns"""
    format: Texts = []
    """forms of a date or time written as text, tried in order, such as `%d/%m/%Y`"""
    zone: Zone | None = None
    """the raw times' own zone, if it is not the business's"""
    decimal: Literal[".", ","] = "."
    """the decimal mark of numbers written as text"""

    @model_validator(mode="after")
    def _can_be_read(self) -> Mapping:
        if not self.from_.strip():
            raise ValueError(
                "is empty; write the raw column, or an SQL expression over raw columns"
            )
        for form in self.format:
            parts = _DATE_PARTS.findall(form)
            if "%" in _DATE_PARTS.sub("", form) or not {"Y", "y", "x", "c"} & set(parts):
                raise ValueError(
                    f"'{form}' is not a date format; 31/12/2017 is \"%d/%m/%Y\", "
                    'Dec 31, 17 1:05 PM is "%b %d, %y %I:%M %p"'
                )
        return self


_DATE_PARTS = re.compile("%-?([aAwuWUVGcxXdbBmyYHIpMSgfnzZjT%])")


def _as_mapping(value: Any) -> Any:
    if isinstance(value, (dict, Mapping)):
        return value
    return {"from": "" if value is None else str(value)}


Mapped = Annotated[Mapping, BeforeValidator(_as_mapping)]


class TableConfig(_Strict):
    """How one canonical table is made from `source`, or from a `query` over named `sources`."""

    source: Source | None = None
    """where the raw rows lie"""
    sources: dict[str, Source] = {}
    """several sources by name, joined by `query`"""
    query: str | None = None
    """SQL over the names of `sources` that gives the raw rows"""
    columns: dict[str, Mapped]
    """canonical column: how it is made"""
    attributes: dict[str, Mapped] = {}
    """further columns of `customers` or `prospects`, under names of your own, to profile by"""

    @model_validator(mode="after")
    def _source_or_query(self) -> TableConfig:
        if (self.source is None) == (not self.sources):
            raise ValueError("give either `source:` or `sources:` with a `query:`")
        if bool(self.sources) != bool(self.query):
            raise ValueError("`sources:` and `query:` go together")
        return self

    @property
    def every_source(self) -> list[Source]:
        """The source, or all that the query joins."""
        return [self.source] if self.source else list(self.sources.values())

    @property
    def mappings(self) -> dict[str, Mapping]:
        return {**self.columns, **self.attributes}


class Dataset(_Strict):
    """One data set as configured. `name` is that of its folder and not written in the file."""

    name: str = ""
    title: str
    """what reports call the data set"""
    about: str = ""
    """what the data is, for whoever reads the file"""
    obtain: str = ""
    """how to get the files; said when they are absent"""
    currency: Annotated[str, BeforeValidator(_as_currency)]
    """of every amount: an ISO 4217 code such as `EUR`"""
    money_decimals: int = Field(default=4, ge=0, le=8)
    """decimals kept of an amount; sums are exact at that scale"""
    time_zone: Zone = "UTC"
    """the business's own; days, weeks and months are counted in it"""
    week_start: Literal["monday", "sunday", "saturday"] = "monday"
    """first day of the business's week"""
    fiscal_year_start: int = Field(default=1, ge=1, le=12)
    """first month of the fiscal year"""
    observed_from: date
    """first day the data covers; before it nothing is known of anyone"""
    warm_up_days: int = Field(default=0, ge=0)
    """customers first seen in the first so many days are not called new"""
    default_as_of: date
    """the day that `--as-of default` stands for: the first day not seen"""
    occasion: Literal["day", "order"] = "day"
    """what counts as one purchase occasion: all orders of a customer on a day, or each order"""
    purchase: str = "amount > 0"
    """SQL condition on order lines: which of them are purchases"""
    returned: str = "amount < 0"
    """SQL condition on order lines: which of them are returns"""
    scope: str = ""
    """SQL condition on order lines that reports are limited to; `--scope` replaces it for a run"""
    duplicates: Literal["keep", "quarantine"] = "keep"
    """what becomes of all but the first of identical rows"""
    engine: Literal["duckdb", "spark"] = "duckdb"
    """what counts: DuckDB in this process, or Spark (docs/engines.md)"""
    audience: Literal["external", "internal"] = "external"
    """who reads the reports; names of persons leave the engine only for an internal audience"""
    tolerate: dict[str, float] = {}
    """rule id: share of rows (0 to 1) that may break the rule before it counts as failed"""
    segments: list[dict[str, Any]] = []
    """rules of your own segment map, instead of the default one below"""
    stages: dict[str, float] = {}
    """limits of the life-cycle stages that differ from the defaults below"""
    ledger: CostRules = CostRules()
    """rates for costs that no table records"""
    tables: dict[str, TableConfig]
    """canonical table: how it is made; `lines` is required"""

    @model_validator(mode="after")
    def _fits_together(self) -> Dataset:
        if self.default_as_of <= self.observed_from:
            raise ValueError(
                f"default_as_of ({self.default_as_of}) must be later than observed_from "
                f"({self.observed_from}): it is the first day not seen"
            )
        for name, config in self.tables.items():
            _check_columns(name, config)
        if "lines" not in self.tables:
            raise ValueError("the table `lines` (order lines) is required")
        try:
            _ = (self.segment_map, self.thresholds)
        except UsageError as fault:
            raise ValueError(str(fault)) from None
        return self

    @property
    def currency_known(self) -> bool:
        """Whether the amounts have a currency: False while `currency` is what `crm init` left open."""
        return self.currency != UNKNOWN_CURRENCY

    @property
    def segment_map(self) -> SegmentMap:
        """The segments as `segments:` defines them, or the default ones."""
        return SegmentMap.from_config(self.segments)

    @property
    def thresholds(self) -> Thresholds:
        """The limits of the lifecycle stages as `stages:` changes them."""
        return Thresholds.of(self.stages)

    @property
    def warm_up_ends(self) -> date:
        """First day on which a first purchase counts as that of a new customer."""
        return date.fromordinal(self.observed_from.toordinal() + self.warm_up_days)

    def supplies(self, table: str) -> tuple[str, ...]:
        """The columns of `table` that this data set maps; empty when it lacks the table."""
        config = self.tables.get(table)
        return tuple(config.mappings) if config else ()


def _check_columns(name: str, config: TableConfig) -> None:
    if name not in schema.TABLES:
        raise ValueError(unknown("canonical table", name, schema.TABLES))
    declared = schema.TABLES[name]
    for column in config.columns:
        if column not in declared.column_names:
            more = " Further attributes go under `attributes:`." if declared.open_ended else ""
            raise ValueError(unknown(f"column of '{name}'", column, declared.column_names) + more)
    if config.attributes and not declared.open_ended:
        raise ValueError(f"'{name}' takes no `attributes:`, only {listing(declared.column_names)}")
    if missing := [column for column in declared.required if column not in config.columns]:
        raise ValueError(f"'{name}' needs {listing(missing)}: map them under `columns:`")


class _Loader(yaml.SafeLoader):
    """Safe YAML in which `on` is a word (as in YAML 1.2) and a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := [key for i, key in enumerate(keys) if key in keys[:i]]:
            text = f"the key '{twice[0]}' is given more than once"
            raise yaml.constructor.ConstructorError(None, None, text, node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":bool")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), ["t", "f"])


def names() -> list[str]:
    """The data sets of the project: folders of `data/` with a `dataset.yml`."""
    return sorted(path.parent.name for path in project.data_folder().glob("*/dataset.yml"))


def load(name: str) -> Dataset:
    """The data set `name`, read from `data/<name>/dataset.yml` and checked.

    Raises UsageError for an unknown data set, malformed YAML, an unknown key, column or table.
    """
    if name not in names():
        raise UsageError(unknown("data set", name, names()))
    return read(project.data_folder() / name / "dataset.yml")


def read(path: Path) -> Dataset:
    """The data set described by the file `path`; its name is the folder's."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), _Loader)
    except (yaml.YAMLError, UnicodeError) as error:
        raise UsageError(f"{project.shown(path)} is not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{project.shown(path)} is empty; `crm init` writes one for your file.")
    try:
        return Dataset.model_validate({**content, "name": path.parent.name})
    except ValidationError as error:
        raise UsageError(f"{project.shown(path)}: {_explained(error)}") from None


def _explained(error: ValidationError) -> str:
    """One line per fault: where in the file, what is wrong, and what there is instead."""
    faults = []
    for fault in error.errors():
        place = ".".join(str(part) for part in fault["loc"])
        text = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            text = unknown("key", str(fault["loc"][-1]), _keys_at(fault["loc"][:-1]))
        elif fault["type"] == "missing":
            text = "is missing"
        faults.append(f"{place}: {text}" if place else text)
    return "; ".join(faults)


def _keys_at(place: tuple[int | str, ...]) -> list[str]:
    """The keys that the block at `place` may have, found by walking down the declarations."""
    block: type[BaseModel] = Dataset
    for part in place:
        if part in block.model_fields:
            block = _block_in(block.model_fields[str(part)].annotation) or block
    return [field.alias or name for name, field in block.model_fields.items() if name != "name"]


def _block_in(annotation: Any) -> type[BaseModel] | None:
    """The block that an annotation such as `dict[str, TableConfig]` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_block_in, get_args(annotation))), None)
