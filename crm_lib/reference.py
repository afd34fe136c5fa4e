"""The reference of everything a user may write, made from the declarations: `docs/reference.md`.

`python -m crm_lib.reference` (or `make docs`) writes it, and the page on the simulated companies; a
test holds both files to the declarations.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from jinja2 import StrictUndefined, Template
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typer.main import get_command

from crm_lib import cli, coverage, markdown, project, schema, segment_map
from crm_lib.cost_rules import CostRules
from crm_lib.dataset import Dataset, Mapping, Source, TableConfig
from crm_lib.markdown import code, listed
from crm_lib.quality import rules, structure
from crm_lib.quality.rule import Rule
from crm_lib.simulate import page
from crm_lib.stage_rules import Thresholds

PLACE = "docs/reference.md"
_TEMPLATE = Path(__file__).with_suffix(".md.j2")


def text() -> str:
    """The whole reference as Markdown."""
    template = Template(
        _TEMPLATE.read_text(encoding="utf-8"), undefined=StrictUndefined, keep_trailing_newline=True
    )
    structural, business = _rules()
    return template.render(
        tables="\n".join(map(_canonical, schema.TABLES.values())),
        dataset=_keys(Dataset),
        table=_keys(TableConfig),
        source=_keys(Source),
        mapping=_keys(Mapping),
        stages=_keys(Thresholds),
        ledger=_keys(CostRules),
        segment_keys=listed(field.name for field in fields(segment_map.Rule)),
        segments=_segments(),
        analyses="\n".join(map(_module, _modules())),
        structure=_patterns(structural),
        business="\n".join(_suite(name, found) for name, found in business.items()),
        commands="\n".join(_command(name, found) for name, found in _group().commands.items()),
        exit_codes=_exit_codes(),
    )


def _marked(name: str, required: bool) -> str:
    return f"**{code(name)}**" if required else code(name)


def _opening(thing: object) -> str:
    """The first sentence or line of a docstring."""
    return (thing.__doc__ or "").strip().partition("\n")[0]


# --- canonical tables -----------------------------------------------------------------------------


def _canonical(table: schema.Table) -> str:
    rows = [(_marked(c.name, c.required), c.type, c.unit, _meaning(c)) for c in table.columns]
    about = [f"{table.grain[0].upper()}{table.grain[1:]}."]
    if table.key:
        about.append(f"Key: {listed(table.key)}.")
    if table.recorded:
        about.append(f"Dated by {code(table.recorded)}: later rows do not exist yet.")
    about += [f"{code(column)} points to {code(to)}." for column, to in table.references]
    if table.open_ended:
        about.append("Further columns may be added under `attributes:`.")
    columns = markdown.table(("column", "type", "unit", "meaning"), rows)
    return f"### {code(table.name)}\n\n{' '.join(about)}\n\n{columns}"


def _meaning(column: schema.Column) -> str:
    marks = {
        "may be empty": column.required and column.nullable,
        "names a person: shown to an internal audience only": column.personal,
        "unknown as of an earlier day": column.recorded_later,
    }
    said = "; ".join(mark for mark, holds in marks.items() if holds)
    return f"{column.meaning} ({said})" if said else column.meaning


# --- dataset.yml ----------------------------------------------------------------------------------


def _keys(block: type[BaseModel]) -> str:
    rows = [
        (
            _marked(field.alias or name, field.is_required()),
            _kind(field.annotation) + _bounds(field),
            _default(field),
            field.description,
        )
        for name, field in block.model_fields.items()
        if field.description  # a key without a meaning is not for the file
    ]
    return markdown.table(("key", "value", "default", "meaning"), rows)


def _kind(annotation: Any) -> str:
    """What may stand there, in words."""
    names = {
        str: "text",
        int: "whole number",
        float: "number",
        Decimal: "number",
        Mapping: "text or block",
    }
    if hasattr(annotation, "__metadata__"):
        return _kind(get_args(annotation)[0])
    if annotation in names:
        return names[annotation]
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(map(code, parts))
    if origin in (Union, UnionType):
        return " or ".join(_kind(part) for part in parts if part is not NoneType)
    if origin is list:
        return "text, or a list" if parts[0] is str else "list"
    if origin is dict:
        return f"pairs `name: {_kind(parts[1])}`"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "block"
    return str(annotation.__name__)


def _bounds(field: FieldInfo) -> str:
    limits = {
        name: value
        for name in ("ge", "gt", "le")
        for value in [getattr(item, name, None) for item in field.metadata]
        if value is not None
    }
    words = {"ge": "at least", "gt": "above", "le": "at most"}
    return "".join(f", {words[name]} {value}" for name, value in limits.items())


def _default(field: FieldInfo) -> str:
    if field.default in (PydanticUndefined, None, "", []) or field.default == {}:
        return ""
    if isinstance(field.default, BaseModel):
        return ""
    return code(f"{field.default:g}" if isinstance(field.default, float) else field.default)


def _segments() -> str:
    rows = [
        (rule.name, _span(rule.recency), _span(rule.frequency), rule.meaning, rule.action)
        for rule in segment_map.DEFAULT.rules
    ]
    return markdown.table(("name", "recency", "frequency", "meaning", "action"), rows)


def _span(scores: tuple[int, int]) -> str:
    low, high = scores
    return str(low) if low == high else f"{low} to {high}"


# --- analyses -------------------------------------------------------------------------------------


def _modules() -> list[str]:
    return list(dict.fromkeys(name.partition(".")[0] for name in sorted(coverage.declared())))


def _module(module: str) -> str:
    rows = [
        (
            code(name),
            need.purpose,
            listed(_beyond(need.tables)),
            _added(need.optional),
        )
        for name, need in sorted(coverage.declared().items())
        if name.startswith(f"{module}.")
    ]
    about = _opening(sys.modules[f"crm_lib.analysis.{module}"])
    table = markdown.table(("analysis", "purpose", "needs also", "says more with"), rows)
    return f"### {code(module)}\n\n{about}\n\n{table}"


def _added(optional: dict[str, str]) -> str:
    return "; ".join(f"{code(item)}: {what}" for item, what in optional.items())


def _beyond(tables: dict[str, tuple[str, ...]]) -> list[str]:
    """The tables and columns beyond the required ones of `lines`."""
    found = []
    for table, columns in tables.items():
        if not columns and table != "lines":
            found.append(table)
        found += [f"{table}.{column}" for column in columns]
    return found


# --- rules ----------------------------------------------------------------------------------------


def _whole() -> Dataset:
    """A data set with every canonical table and column, so that every rule applies to it."""
    tables = {
        name: {"source": {"files": name}, "columns": {c: c for c in table.column_names}}
        for name, table in schema.TABLES.items()
    }
    days = {"observed_from": "2000-01-01", "default_as_of": "2001-01-01"}
    return Dataset.model_validate({"title": "", "currency": "EUR", **days, "tables": tables})


def _rules() -> tuple[list[Rule], dict[str, list[Rule]]]:
    """The structural rules, and those of `expectations/` by table."""
    whole = _whole()
    structural = [rule for name in schema.TABLES for rule in structure.rules(whole, name)]
    known = {rule.rule_id for rule in structural}
    loaded = {
        name: [rule for rule in found if rule.rule_id not in known]
        for name, found in rules.load(whole).items()
    }
    return structural, {name: found for name, found in loaded.items() if found}


def _patterns(structural: Iterable[Rule]) -> str:
    """Structural rules by the form of their names, each with its commonest reason."""
    found: dict[tuple[str, str, str], list[Rule]] = {}
    for rule in structural:
        form = rule.rule_id.replace(f"{rule.table}.", "<table>.", 1)
        if rule.subject in schema.TABLES[rule.table].column_names:
            form = form.replace(f".{rule.subject}_", ".<column>_")
        found.setdefault((form, _grave(rule), _fate(rule)), []).append(rule)
    rows = [
        (
            code(form if len(alike) > 1 else alike[0].rule_id),
            grave,
            fate,
            Counter(map(_reason, alike)).most_common(1)[0][0],
        )
        for (form, grave, fate), alike in found.items()
    ]
    return markdown.table(("rule", "severity", "failing rows are", "because, for example"), rows)


def _suite(name: str, found: Iterable[Rule]) -> str:
    rows = [(code(rule.rule_id), _grave(rule), _fate(rule), rule.because) for rule in found]
    table = markdown.table(("rule", "severity", "failing rows are", "because"), rows)
    return f"#### {code(f'expectations/{name}.json')}\n\n{table}"


def _reason(rule: Rule) -> str:
    """Why the rule is there; a day that only stands for the data set's own is named as such."""
    return rule.because.replace("2000-01-01", "`observed_from`")


def _grave(rule: Rule) -> str:
    return f"{rule.severity} beyond {rule.tolerate:.0%}" if rule.tolerate else rule.severity


def _fate(rule: Rule) -> str:
    return "kept" if rule.on_fail == "keep" else "set aside"


# --- commands -------------------------------------------------------------------------------------


def _group() -> Any:
    return get_command(cli.app)


def _command(name: str, command: Any) -> str:
    usage, rows = ["crm", name], []
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            label = str(parameter.metavar or parameter.name.upper())
            usage.append(label)
        else:
            label = " ".join(filter(None, [", ".join(parameter.opts), parameter.metavar]))
            usage += [label] if parameter.required else []
        default = _initial(parameter.default)
        rows.append((_marked(label, parameter.required), parameter.help or "", default))
    table = markdown.table(("parameter", "meaning", "default"), rows) if rows else ""
    return f"### {code(' '.join(usage))}\n\n{command.help}\n\n{table}"


def _exit_codes() -> str:
    _, _, codes = _group().epilog.rstrip(".").partition("Exit codes: ")
    rows = [(code(number), meaning) for number, _, meaning in
            (each.partition(" ") for each in codes.split(" · "))]  # fmt: skip
    return markdown.table(("code", "meaning"), rows)


def _initial(default: Any) -> str:
    return code(default) if default and isinstance(default, str | int) else ""


def main() -> None:
    """Write the reference and the page on the simulated companies into the project."""
    for place, content in ((PLACE, text()), (page.PLACE, page.text())):
        (project.root() / place).write_text(content, encoding="utf-8")
        print(f"{place} written.")


if __name__ == "__main__":
    main()
