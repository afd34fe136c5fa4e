"""The command `crm`: run reports, check data, look up a customer, describe or simulate a data set.

Heavy modules load inside the commands, so that `crm --help` answers at once.
"""

from __future__ import annotations

import shlex
import signal
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from crm_lib import machine
from crm_lib.errors import CrmError, UsageError

INTERRUPTED = 130
OUT_OF_TOLERANCE = 5


class _Commands(TyperGroup):
    """Turns errors meant for the user into one message on stderr and their exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CrmError as error:
            typer.secho(f"crm: {error}", err=True, fg=typer.colors.RED)
            ctx.exit(error.exit_code)
        except BaseException as error:
            done = "published" if ctx.invoked_subcommand == "run" else "written"
            if text := machine.unwritable(error) or machine.damaged(error):
                text = f"{text}. Nothing half-made was {done}."
                typer.secho(f"crm: {text}", err=True, fg=typer.colors.RED)
                ctx.exit(UsageError.exit_code)
            if not _is_interrupt(error):
                raise
            typer.secho(f"crm: interrupted; nothing half-made was {done}.", err=True)
            ctx.exit(INTERRUPTED)


def _is_interrupt(error: BaseException | None) -> bool:
    """An interrupt, also where DuckDB wrapped it into an error of the query that it stopped."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Validated data, segments, lifecycle and value of customers, in reports that open offline.",
    epilog="Exit codes: 0 published · 2 wrong usage or configuration · 3 the data failed a critical "
    "rule · 4 published, and an alert fired · 5 a report failed, or a score or a reference number "
    "is missed by more than its tolerance · 6 another run holds the lock · 130 interrupted.",
)

Dataset = Annotated[
    str, typer.Argument(help="A folder of data/ with a dataset.yml; see `crm datasets`.")
]
AsOf = Annotated[
    str,
    typer.Option(
        "--as-of",
        metavar="DAY",
        help="First day not observed, YYYY-MM-DD; or `default` of dataset.yml.",
    ),
]
Scope = Annotated[
    str,
    typer.Option(
        "--scope", metavar="SQL", help="A condition on order lines, e.g. \"place = '367'\"."
    ),
]


def main() -> None:
    """The entry point of the console script."""
    app()


# --- run ------------------------------------------------------------------------------------------


@app.command()
def run(
    dataset: Dataset,
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of",
            metavar="DAY|A..B",
            help="First day not observed, YYYY-MM-DD; a range with --every; or `default` of dataset.yml.",
        ),
    ],
    every: Annotated[
        str | None, typer.Option(metavar="STEP", help="Step of a range: day, week, month, quarter, year.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="REPORT", help="A report by number, name or subject; goes to the lab's view."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="For every report that has it, or 03:NAME=VALUE."),
    ] = None,
    scope: Scope = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, say what would run, stop.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Reports at a time (default: processors).")] = None,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Afterwards remove all but this many of the newest runs, and what the cache holds for no other.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="In a range, also make days whose published run would come out the same.")
    ] = False,
) -> None:  # fmt: skip
    """Make the reports of a data set as of a day, and publish them in one move."""
    from crm_lib import terminal
    from crm_lib.publishing import parameters, plan, worker

    worker.skip_slow_grammar()
    from crm_lib.publishing import runner

    days = _days(dataset, as_of, every)
    extra = parameters.assigned(parameter or [])
    if dry_run:
        _say_plan(plan.make(dataset, days, only=only or [], extra=extra, scope=scope))
        return
    signal.signal(signal.SIGTERM, _interrupt)
    with terminal.Progress() as progress:
        published = runner.run(
            dataset, days, only=only or [], parameters=extra, scope=scope, jobs=jobs, keep=keep,
            force=force, say=progress.say,
        )  # fmt: skip
    typer.echo(published[-1].address)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _days(dataset: str, as_of: str, every: str | None) -> list[date]:
    from typing import cast

    from crm_lib import dataset as datasets
    from crm_lib import periods

    ends = as_of.split("..")
    if "default" in ends:
        default = str(datasets.load(dataset).default_as_of)
        as_of = "..".join(default if end == "default" else end for end in ends)
    return periods.as_of_days(as_of, cast("periods.Step | None", every))


def _day(dataset: str, as_of: str) -> date:
    from crm_lib.periods import parse_day

    return _days(dataset, as_of, None)[0] if as_of == "default" else parse_day(as_of, "as_of")


def _say_plan(made: Any) -> None:
    """What a run would do, after checking the expectation files and the days against the data."""
    from crm_lib import book
    from crm_lib.quality import rules

    rules.load(made.dataset)
    book.check_days(made.dataset, made.days)
    days = ", ".join(str(day) for day in made.days)
    typer.echo(f"Would run {len(made.reports)} report(s) of '{made.dataset.name}' as of {days}:")
    chosen = made.parameters(made.days[0])
    for report in made.reports:
        changed = report.declaration.changed(chosen[report.stem])
        with_ = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        typer.echo(f"  {report.stem}  {report.title}" + (f"  [{with_}]" if with_ else ""))
    for item in made.coverage:
        if item.coverage == "impossible":
            typer.echo(f"  {item.report} would be left out: it needs {item.missing}")
    typer.echo("Nothing was run.")


# --- the data -------------------------------------------------------------------------------------


@app.command()
def check(dataset: Dataset, as_of: AsOf, scope: Scope = "") -> None:
    """Judge the data: every rule's outcome, where the rows went, and what can be analysed."""
    from crm_lib import coverage, terminal
    from crm_lib.book import open_book

    book = open_book(dataset, as_of=_day(dataset, as_of), scope=scope)
    terminal.verdict(book.verdict)
    terminal.coverage(coverage.coverage(book.dataset))
    terminal.conclusion(book.verdict)
    terminal.quarantined(book.verdict)
    book.verdict.raise_if_critical()


@app.command()
def quarantine(
    dataset: Dataset,
    as_of: AsOf,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.csv", help="The file to write; must be new.")],
    table: Annotated[str, typer.Option(help="The canonical table.")] = "lines",
    scope: Scope = "",
) -> None:  # fmt: skip
    """Write the rows set aside, raw and with the rules they broke, for correction."""
    from crm_lib import corrections, project
    from crm_lib.book import open_book
    from crm_lib.publishing import quarantine as quarantined

    book = open_book(dataset, as_of=_day(dataset, as_of), scope=scope)
    count = quarantined.write(book, table, out)
    place = project.shown(corrections.path(dataset, table))
    typer.echo(f"{count:,} row(s) of '{table}' written to {out}.")
    if count:
        typer.echo(f"Correct them there and save as {place}; the next run takes them back.")


@app.command()
def datasets() -> None:
    """The data sets of this project."""
    from crm_lib import dataset as known
    from crm_lib import terminal

    terminal.datasets([known.load(name) for name in known.names()])


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="Name of the new data set, a folder of data/.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The files to look at.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a dataset.yml that is there.")] = False,
) -> None:  # fmt: skip
    """Look at files, propose how their columns map and why, and write a commented dataset.yml."""
    from crm_lib import init as proposal

    proposal.run(name, files, force=force)


# --- the reports ----------------------------------------------------------------------------------


@app.command()
def reports(dataset: Dataset) -> None:
    """The reports there are, and the runs that were published."""
    from crm_lib import dataset as known
    from crm_lib import project, terminal
    from crm_lib.publishing import pages
    from crm_lib.publishing import reports as notebooks

    known.load(dataset)
    terminal.reports(notebooks.every())
    folder = project.reports_folder() / dataset
    terminal.history(pages.history(folder), str(folder).removeprefix(f"{project.root()}/"))


@app.command()
def lookup(
    dataset: Dataset,
    customer: Annotated[str, typer.Argument(help="The customer's id, as in the data.")],
    as_of: AsOf,
    json: Annotated[bool, typer.Option("--json", help="Everything known, for a program to read.")] = False,
) -> None:  # fmt: skip
    """One customer: among the top 20%? Revenue, rank, segment, stage, first and last purchase."""
    from crm_lib import lookup as marts
    from crm_lib import terminal

    found = marts.customer(dataset, customer, as_of=_day(dataset, as_of))
    if json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        terminal.customer(found)


# --- companies whose truth is known ---------------------------------------------------------------


@app.command()
def simulate(
    company: Annotated[str, typer.Argument(metavar="retailer|supplier", help="Which of the two companies.")],
    customers: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="How many customers (default: retailer 20000, supplier 2000).")
    ] = None,
    months: Annotated[int, typer.Option(help="Calendar months observed, 1 to 240; they end with 2025.")] = 60,
    seed: Annotated[int, typer.Option(help="Of all random numbers: the same seed gives the same files.")] = 1,
    dirt: Annotated[str, typer.Option(metavar="none|light|heavy", help="How many defects are planted.")] = "none",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder to write; data/demo_<company> if not given.")
    ] = None,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain", help="Only joining, buying, spending and leaving: no seasons or weekdays, price cuts, campaigns, "
            "events, incident, returns, complaints, service, surveys, comebacks or growth of orders.",
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a simulated company even where somebody added or changed files.")
    ] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes at a time (default: processors).")] = None,
) -> None:  # fmt: skip
    """Write a company whose every customer was made by known laws, and the truth about each."""
    from crm_lib import project, terminal
    from crm_lib import simulate as simulation

    simulation.company(company)
    signal.signal(signal.SIGTERM, _interrupt)
    with terminal.Progress() as progress:
        made = simulation.simulate(
            company, customers=customers, months=months, seed=seed, dirt=dirt, plain=plain, force=force,
            out=out or project.data_folder() / f"demo_{company}", jobs=jobs, say=progress.say,
        )  # fmt: skip
    counts = ", ".join(f"{table} {rows:,}" for table, rows in made.tables.items())
    typer.echo(f"{made.shown}: {counts}; in {made.seconds:.1f} s.")
    if not _is_data_set(made.folder):
        typer.echo(
            "To check and run it, simulate it into data/ of a project: --out data/NAME there."
        )
        return
    name = shlex.quote(made.folder.name)
    typer.echo(f"Next: crm check {name} --as-of default")
    typer.echo(f"      crm run {name} --as-of default")
    typer.echo(f"      crm score {name}")


def _is_data_set(folder: Path) -> bool:
    """Whether other commands find the (resolved) folder by its name: it lies in data/ of a project."""
    from crm_lib import project

    try:
        return folder.parent == project.data_folder().resolve()
    except UsageError:
        return False


@app.command()
def score(
    dataset: Dataset,
    as_of: AsOf = "default",
    notes: Annotated[
        bool, typer.Option("--notes", help="Explain every measure, not only those that fail or are not judged.")
    ] = False,
) -> None:  # fmt: skip
    """Compare what the analyses find in a simulated company with the truth that was planted."""
    day = _day(dataset, as_of)
    from crm_lib import score as scoring
    from crm_lib import scoreboard

    if not scoreboard.show(dataset, day, scoring.board(dataset, day), notes=notes):
        raise typer.Exit(OUT_OF_TOLERANCE)


@app.command()
def verify() -> None:
    """Refit every model on public data, and compare each number with its reference."""
    from crm_lib import project
    from crm_lib import verify as verification
    from crm_lib.verify import page, show

    project.root()
    cdnow = verification.load()
    results = verification.run(cdnow)
    show.table(results, cdnow.origin)
    typer.echo(f"The same as a page: {project.shown(page.write(results, cdnow.origin))}")
    if not all(result.holds for result in results):
        raise typer.Exit(OUT_OF_TOLERANCE)


if __name__ == "__main__":
    main()
