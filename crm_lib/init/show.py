"""A proposal on the terminal: what was taken for what, why, and what to do next."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from crm_lib.errors import listing
from crm_lib.init.proposal import Entry, Proposal
from crm_lib.init.text import flow, one_line


def proposal(found: Proposal, console: Console) -> None:
    """Every table as a grid of column, raw column and reason, then the settings."""
    for table in found.tables:
        grid = _grid(f"{table.name} ← {table.label}", "from")
        for entry in (*table.columns, *table.attributes):
            _add(grid, entry)
        console.print(grid)
        if table.unused:
            console.print(f"  not used: {escape(', '.join(name for name, _ in table.unused))}")
        console.print()
    grid = _grid("settings", "value")
    for entry in found.settings:
        _add(grid, entry)
    console.print(grid)
    for label, why in found.unused_files:
        console.print(f"\nNot used: {escape(label)} ({escape(why)}).")
    _preview(found, console)


def _grid(title: str, value: str) -> Table:
    grid = Table(title=escape(title), title_justify="left", title_style="bold", expand=False)
    grid.add_column("column" if value == "from" else "setting", no_wrap=True)
    grid.add_column(value, overflow="fold", style="cyan")
    grid.add_column("because", overflow="fold")
    return grid


def _add(grid: Table, entry: Entry) -> None:
    mark = "" if entry.value is None else "CHECK: "
    check = f"[yellow]{mark}{escape(one_line(entry.check))}[/]" if entry.check else ""
    others = f"[dim]or: {escape(', '.join(flow(value) for value, _ in entry.others))}[/]"
    why = [escape(one_line(entry.because)), check, others if entry.others else ""]
    value = escape(flow(entry.value)) if entry.value is not None else "[red]not found[/]"
    grid.add_row(escape(entry.key), value, "\n".join(filter(None, why)))


def _preview(found: Proposal, console: Console) -> None:
    seen = found.preview
    if seen is None:
        return
    money = found.setting("currency").value
    console.print(
        f"\nRead this way: {seen.complete:,} lines, {seen.orders:,} orders, {seen.customers:,} customers, "
        f"{seen.revenue:,.2f} {money} net of returns; {seen.anonymous_share:.1%} of the lines without a "
        f"customer, {seen.return_share:.1%} returns."
    )
    if more := seen.lines - seen.complete:
        console.print(
            f"[yellow]{more:,} more[/] without an order, a day or an amount that can be read, such as a "
            "line of sums: not counted here, set aside by the rules."
        )
    console.print("[dim]Compare these totals with your own before anything else.[/]")


def next_steps(name: str, found: Proposal, path: str, console: Console) -> None:
    """Where the file is, what to settle in it, and the next command once that is done."""
    console.print(f"\nWritten: [bold]{escape(path)}[/]")
    _tell_outside(name, found, console)
    if found.missing:
        console.print(
            f"[red]Fill in first:[/] {escape(', '.join(found.missing))} (marked FILL IN). Without "
            "it the data set cannot be read."
        )
    elif found.trouble:
        console.print(f"[red]It cannot be read yet:[/] {escape(found.trouble)}")
    questions = [(place, text) for place, text in found.checks if place not in found.missing]
    if questions:
        console.print(f"Check {len(questions)} line(s) in it:")
        for place, text in questions:
            console.print(f"  [yellow]{escape(place)}[/]: {escape(one_line(text))}")
    as_of = found.as_of or "YYYY-MM-DD"
    blocked = found.missing or found.trouble
    when = "Only after that" if blocked else "Then"
    console.print(f"{when}: [bold]crm check {name} --as-of {as_of}[/]")


def _tell_outside(name: str, found: Proposal, console: Console) -> None:
    """Files that others who have the project do not have."""
    if not found.outside:
        return
    shown = listing((Path(file).name for file in found.outside), 5)
    console.print(
        f"[yellow]Works on this machine only:[/] {escape(shown)} outside the project, named by "
        f"absolute path. To share the data set, copy what it reads under data/{name}/ and write "
        f"data/{name}/{escape(Path(found.outside[0]).name)} in dataset.yml."
    )
