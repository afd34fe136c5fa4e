"""The `dataset.yml` of a simulated company: one more data set, described like a real one."""

from __future__ import annotations

import glob
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crm_lib import project, schema
from crm_lib.errors import UsageError
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.delivery import defects, dirt
from crm_lib.simulate.laws import WINDOW_ENDS, Company

_COMMENT_AT = 34


@dataclass(frozen=True)
class _Table:
    """One table as the template writes it."""

    name: str
    grain: str
    notes: list[str]
    source: dict[str, Any]
    columns: list[str]
    attributes: list[str]


def text(
    company: Company,
    clock: Clock,
    customers: int,
    seed: int,
    folder: Path,
    plan: dirt.Plan,
    tables: Mapping[str, Sequence[str]],
) -> str:
    """The file as text, for the company as it lies in `folder`, delivered as `plan` says.

    `tables`: the columns of each table as written. Canonical ones are mapped by their own names;
    further ones of `customers` and `prospects` become attributes, of other tables stay unmapped.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), trim_blocks=True, lstrip_blocks=True,
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True,
    )  # fmt: skip
    place = _place(folder)
    listed = [
        _table(schema.TABLES[name], place, plan, tables[name])
        for name in schema.TABLES
        if name in tables
    ]
    rendered = environment.get_template("dataset.yml.j2").render(
        company=company, clock=clock, ends=WINDOW_ENDS, tables=listed, flow=_flow, pad=_pad,
        about=_about(company, clock, customers, seed, plan),
        obtain=_command(company, clock, customers, seed, plan, place),
    )  # fmt: skip
    return rendered.rstrip() + "\n"


def _place(folder: Path) -> str:
    """The folder as the file may name it: from the project where it lies inside, else absolute."""
    try:
        return str(folder.resolve().relative_to(project.root()))
    except (UsageError, ValueError):
        return str(folder.resolve())


def _command(
    company: Company, clock: Clock, customers: int, seed: int, plan: dirt.Plan, place: str
) -> str:
    """What to type in the project's folder to get the same files again."""
    plain = " --plain" if company.is_plain else ""
    return (
        f"crm simulate {company.name} --customers {customers} --months {clock.months} "
        f"--seed {seed} --dirt {plan.level} --out {shlex.quote(place)}{plain}"
    )


def _about(company: Company, clock: Clock, customers: int, seed: int, plan: dirt.Plan) -> str:
    planted = (
        f" With planted defects ({plan.level}), each listed in truth/." if plan.is_dirty else ""
    )
    about = (
        f"{company.about} A simulated company: what its {customers:,} customers did in the "
        f"{clock.months} months before {WINDOW_ENDS} was drawn from known laws, with seed {seed}: "
        "purchases by Pareto/NBD, order values by Gamma-Gamma, and much besides. Its names, places "
        f"and products are invented.{planted}"
    )
    return textwrap.indent(textwrap.fill(about, 96, break_on_hyphens=False), "  ")


def _table(table: schema.Table, place: str, plan: dirt.Plan, written: Sequence[str]) -> _Table:
    below = "*/*" if table.name == "lines" else "*"
    is_csv = table.name == "customers" and plan.is_dirty
    pattern = f"{glob.escape(place)}/{table.name}/{below}.{'csv' if is_csv else 'parquet'}"
    notes: list[str] = []
    source: dict[str, Any] = {"files": pattern}
    if is_csv:
        source["encoding"] = list(dirt.ENCODINGS)
        notes.append("One file a region; not all of them are written in the same encoding.")
    if table.name == "lines" and plan.renamed_month is not None:
        source["renamed"] = {dirt.OTHER_NAME: defects.RENAMED.column}
        notes.append("One month calls a column otherwise.")
    if table.name == "lines" and plan.late_month is not None:
        notes.append(f"One month came late: it lies in {dirt.LATE_FOLDER}/, not in lines/.")
    others = [name for name in written if name not in table.column_names]
    if others and not table.open_ended:
        notes.append(f"Not mapped, since it only tells rows apart: {', '.join(others)}.")
    return _Table(
        table.name, table.grain, notes, source,
        [name for name in table.column_names if name in written],
        others if table.open_ended else [],
    )  # fmt: skip


def _flow(value: Any) -> str:
    """A value on one line of YAML."""
    dumped = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000
    )
    return dumped.removesuffix("\n").removesuffix("\n...")


def _pad(start: str) -> str:
    return start.ljust(_COMMENT_AT - 1) + " "
