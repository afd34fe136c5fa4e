"""The parameters of a notebook: read from its tagged cell without running it, checked strictly.

papermill itself only warns about unknown names, checks no types, and executes a name that is code;
so every value passes the model built here before papermill sees it.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from crm_lib.errors import UsageError, listing, unknown

Value = str | int | float | bool | list[Any]
GIVEN = {"dataset": "the DATASET argument", "as_of": "--as-of", "scope": "--scope"}
"""The parameters that every notebook has and the run itself sets."""

_TYPES: dict[str, Any] = {
    "str": str, "int": int, "float": float, "bool": bool,
    "list[str]": list[str], "list[int]": list[int], "list[float]": list[float],
}  # fmt: skip
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")


@dataclass(frozen=True)
class Parameter:
    """One declared line: `name: type = default  # help`."""

    name: str
    type: str
    default: Value
    help: str

    @property
    def is_day(self) -> bool:
        """A text whose default is an ISO day is a day, and stays one."""
        return self.type == "str" and bool(_DAY.match(str(self.default)))


@dataclass(frozen=True)
class Declaration:
    """The parameters of one notebook, by name, and the strict model that checks their values."""

    report: str
    parameters: dict[str, Parameter]
    model: type[BaseModel]

    @property
    def own(self) -> list[Parameter]:
        """The parameters that `-p` can set."""
        return [item for name, item in self.parameters.items() if name not in GIVEN]

    def check(self, values: Mapping[str, Any]) -> dict[str, Value]:
        """All parameters with `values` in place of defaults.

        Raises UsageError for an unknown name or a value of another type; nothing is coerced.
        """
        for name in values:
            if name not in self.parameters:
                raise UsageError(unknown(f"parameter of {self.report}", name, self.parameters))
        try:
            checked = self.model.model_validate(dict(values))
        except ValidationError as error:
            raise UsageError("; ".join(self._fault(fault) for fault in error.errors())) from None
        found: dict[str, Value] = checked.model_dump()
        for parameter in self.parameters.values():
            if parameter.is_day:
                _check_day(self.report, parameter.name, str(found[parameter.name]))
        return found

    def changed(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The values that a person chose: different from the default, and not set by the run."""
        return {
            item.name: values[item.name] for item in self.own if values[item.name] != item.default
        }

    def _fault(self, fault: Any) -> str:
        name = str(fault["loc"][0])
        return (
            f"The parameter '{name}' of {self.report} must be {self.parameters[name].type}, "
            f"not {fault['input']!r}."
        )


def _check_day(report: str, name: str, value: str) -> None:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise UsageError(
            f"The parameter '{name}' of {report} must be a day written as YYYY-MM-DD, "
            f"not '{value}'."
        ) from None


# --- reading the cell ---------------------------------------------------------------------------


def declared(cells: list[dict[str, Any]], report: str) -> Declaration:
    """What the notebook's cell tagged `parameters` declares.

    Raises UsageError for a missing or second cell, anything but annotated literals, a type that
    papermill cannot pass, a line without help, or a missing `dataset`, `as_of` or `scope`.
    """
    tagged = [
        cell["source"]
        for cell in cells
        if cell["cell_type"] == "code"
        and "parameters" in cell.get("metadata", {}).get("tags", [])
    ]  # fmt: skip
    if len(tagged) != 1:
        raise UsageError(f"{report} has {len(tagged)} cells tagged 'parameters'; it needs one.")
    found: dict[str, Parameter] = {}
    for parameter in _read(tagged[0], report):
        if parameter.name in found:
            raise UsageError(f"{report} declares the parameter '{parameter.name}' twice.")
        found[parameter.name] = parameter
    if missing := [name for name in GIVEN if name not in found]:
        raise UsageError(f"{report} must declare the parameters {listing(missing)} (type str).")
    fields: dict[str, Any] = {
        name: (_TYPES[item.type], Field(default=item.default, description=item.help))
        for name, item in found.items()
    }
    config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    declaration = Declaration(report, found, create_model(report, __config__=config, **fields))
    declaration.check({name: item.default for name, item in found.items()})
    return declaration


def _read(source: str, report: str) -> Iterable[Parameter]:
    try:
        tree = ast.parse(source)
        comments = _comments(source)
    except (SyntaxError, tokenize.TokenError) as error:
        raise UsageError(f"The parameters cell of {report} is not Python: {error}") from None
    for node in tree.body:
        line = ast.get_source_segment(source, node) or ""
        if not (
            isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
        ):
            raise UsageError(
                f"The parameters cell of {report} holds '{line.splitlines()[0]}'. "
                "Every line must be 'name: type = literal  # help'."
            )
        yield _parameter(node, node.target.id, comments.get(node.end_lineno or 0, ""), report)


def _parameter(node: ast.AnnAssign, name: str, help_text: str, report: str) -> Parameter:
    # papermill drops a parameter whose hint is a quoted string; here it counts like an unquoted one.
    hint = node.annotation
    written = (
        str(hint.value)
        if isinstance(hint, ast.Constant) and isinstance(hint.value, str)
        else ast.unparse(hint)
    )
    if written not in _TYPES:
        raise UsageError(
            f"The parameter '{name}' of {report} has the type '{written}'; it must be one of "
            f"{listing(_TYPES)}. A day is text written YYYY-MM-DD."
        )
    if not help_text:
        raise UsageError(f"The parameter '{name}' of {report} needs a comment '# …' as its help.")
    try:
        default = ast.literal_eval(node.value or node)
    except ValueError:
        raise UsageError(
            f"The default of '{name}' in {report} must be a plain literal, such as 0.2 or 'text'."
        ) from None
    return Parameter(name, written, default, help_text)


def _comments(source: str) -> dict[int, str]:
    """Line number → text of the comment that ends the line."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


# --- what the command line says -----------------------------------------------------------------


def assigned(texts: Iterable[str]) -> dict[str, str]:
    """`name=value` texts as a mapping; a name may carry a report as prefix (`03:top_share`).

    Raises UsageError for a text without `=`, or a name given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise UsageError(
                f"'{text}' is not a parameter. Write -p name=value, or -p 03:name=value."
            )
        if name.strip() in found:
            raise UsageError(f"The parameter '{name.strip()}' is given twice.")
        found[name.strip()] = value
    return found


def typed(parameter: Parameter, text: str, report: str) -> Value:
    """The value that `text` states, read as the parameter's declared type and no other.

    Text stays as it is: `007` is not 7. Lists are written as `a,b` or as JSON.
    """
    if parameter.type.startswith("list["):
        inner = Parameter(parameter.name, parameter.type[5:-1], "", "")
        return [typed(inner, item, report) for item in _items(text)]
    if parameter.type == "str":
        return text
    bare = text.strip()
    if parameter.type == "bool" and bare.lower() in ("true", "false"):
        return bare.lower() == "true"
    if parameter.type == "int" and re.fullmatch(r"[+-]?\d+", bare):
        return int(bare)
    if parameter.type == "float" and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", bare):
        return float(bare)
    written = {"bool": "true or false", "int": "a whole number", "float": "a number such as 0.2"}
    raise UsageError(
        f"The parameter '{parameter.name}' of {report} must be {written[parameter.type]}, "
        f"not '{text}'."
    )


def _items(text: str) -> list[str]:
    if not text.lstrip().startswith("["):
        return [item.strip() for item in text.split(",")] if text.strip() else []
    try:
        parsed = json.loads(text)
    except ValueError:
        raise UsageError(f'\'{text}\' is not a list. Write a,b or ["a", "b"].') from None
    return [item if isinstance(item, str) else json.dumps(item) for item in parsed]


def resolve(
    declarations: Mapping[str, Declaration],
    given: Mapping[str, Value],
    extra: Mapping[str, Any],
) -> dict[str, dict[str, Value]]:
    """Every report's parameters: defaults, then `given` by the run, then `extra` by the user.

    declarations: report stem → declaration. extra: `name` (all reports that declare it) or
    `03:name` → a value, or text to be read as the declared type. Returns stem → name → value.
    Raises UsageError for a name no selected report declares and for a value of the wrong type.
    """
    values: dict[str, dict[str, Any]] = {stem: dict(given) for stem in declarations}
    plain_first = sorted(extra, key=lambda key: ":" in key)
    for key in plain_first:
        prefix, _, name = key.rpartition(":")
        if name in GIVEN:
            raise UsageError(f"'{name}' is set by {GIVEN[name]}, not by -p.")
        targets = _targets(prefix, name, declarations)
        for stem in targets:
            value, parameter = extra[key], declarations[stem].parameters[name]
            text = isinstance(value, str) and parameter.type != "str"
            values[stem][name] = typed(parameter, value, stem) if text else value
    return {stem: item.check(values[stem]) for stem, item in declarations.items()}


def _targets(prefix: str, name: str, declarations: Mapping[str, Declaration]) -> list[str]:
    """The reports that a parameter's name, with or without a report's prefix, speaks of."""
    own = {stem: {each.name for each in item.own} for stem, item in declarations.items()}
    if not prefix:
        if found := [stem for stem, names in own.items() if name in names]:
            return found
        known = sorted(set().union(*own.values()))
        raise UsageError(unknown("parameter", name, known))
    wanted = prefix.strip()
    for stem, names in own.items():
        if wanted in (stem, stem[3:]) or wanted.zfill(2) == stem[:2]:
            if name in names:
                return [stem]
            raise UsageError(unknown(f"parameter of {stem}", name, sorted(names)))
    raise UsageError(unknown("report in this run", prefix, declarations))
