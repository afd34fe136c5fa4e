"""The repository keeps its own rules: layers, sizes, dependencies, notebooks, no addresses."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
CODE = sorted((ROOT / "crm_lib").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "ibis-framework[duckdb]": "ibis-duckdb",
    "matplotlib": "matplotlib-base",
    "tzdata": "python-tzdata",
}
"""What conda-forge calls a package that PyPI names otherwise."""


def test_layers_hold() -> None:
    """Lower layers never import upper ones; analyses do not import each other."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_lock_holds_hashes_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^[a-z0-9][\w.\-]*==", lock, flags=re.MULTILINE)
    assert len(pins) > 100
    assert lock.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"https?://|file:", lock)


def test_lock_pins_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.match(r"[\w.\-]+", item)[0].lower() for item in wanted}  # type: ignore[index]
    lock = (ROOT / "requirements.lock").read_text()
    assert {n for n in names if not re.search(rf"^{re.escape(n)}==", lock, re.MULTILINE)} == set()


def test_conda_environment_names_the_same_packages() -> None:
    from rattler import MatchSpec

    content = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert content["channels"] == ["conda-forge", "nodefaults"]
    plain = [item for item in content["dependencies"] if isinstance(item, str)]
    from_pip = next(item["pip"] for item in content["dependencies"] if isinstance(item, dict))
    conda = {spec.name.normalized: spec for spec in map(MatchSpec, plain) if spec.name}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for wanted in project["dependencies"]:
        name, bounds = re.fullmatch(r"([\w.\-]+(?:\[\w+\])?)(.*)", wanted).groups()  # type: ignore[union-attr]
        if any(item.startswith(name) for item in from_pip):
            continue
        spec = conda[CONDA_NAMES.get(name, name)]
        assert str(spec.version) == bounds.removeprefix("=="), wanted


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_thin(path: Path) -> None:
    """No outputs, no function definitions, one commented parameters cell, stable Markdown ids."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [c["id"] for c in code if c["outputs"] or c["execution_count"]] == []
    parameters = [c for c in code if "parameters" in c["metadata"].get("tags", [])]
    assert len(parameters) == 1
    for line in "".join(parameters[0]["source"]).splitlines():
        assert re.fullmatch(r"\w+: (str|int|float|bool|list) = .+  # .+", line), line
    for cell in code:
        tree = ast.parse("".join(cell["source"]))
        made = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        assert not any(isinstance(node, made) for node in ast.walk(tree)), cell["id"]
    ids = [cell["id"] for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert all(re.fullmatch(r"[a-z][a-z0-9-]+", name) for name in ids), ids
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_every_notebook_is_there() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06"]
