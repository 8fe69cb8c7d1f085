"""``commercekit db``: the schema, and the way into the database."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import rich_click as click

from commercekit.cli.commands.partitions import partitions
from commercekit.cli.exits import EXIT_CODES_HELP, Failed
from commercekit.cli.output import as_json, print_json, print_table, progress, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import configuration_of, database_at, migrator_of, run_async, upgraded

__all__ = ["db"]


@click.group(epilog=EXIT_CODES_HELP)
def db() -> None:
    """Bring the schema forwards or back, and look into the database.

    \b
    commercekit db upgrade
    commercekit db status --json
    commercekit db downgrade commercekit_storefront
    psql "$(commercekit db dsn)"
    """


db.add_command(partitions)


class StepView(msgspec.Struct):
    """A migration as printed."""

    app: str
    id: str
    description: str
    ran_on: datetime | None
    known: bool


@db.command()
@as_json
@pass_place
def status(place: Place, *, json_output: bool) -> int:
    """Show every migration and whether it ran; exit code 1 when one is missing."""
    configuration = configuration_of(place)
    with database_at(configuration) as dsn:
        told = run_async(migrator_of(configuration, dsn).status())
    steps = [
        StepView(s.step.app_name, s.step.id, s.step.description, s.ran_on, s.is_known) for s in told
    ]
    if json_output:
        print_json(steps)
    else:
        rows = [(s.app, s.id, _when(s), s.description) for s in steps]
        print_table(("app", "migration", "ran", "brings"), rows, empty="There are no migrations.")
    return 0 if all(step.ran_on and step.known for step in steps) else 1


def _when(step: StepView) -> str:
    if not step.known:
        return "unknown here"
    return f"{step.ran_on:%Y-%m-%d %H:%M}" if step.ran_on else "missing"


@db.command()
@pass_place
def upgrade(place: Place) -> None:
    """Run every migration that is missing, of the core and of the enabled plugins.

    Then make the indexes that fields of plugins want, without stopping those who write.

    Safe when several nodes do it at once: one migrates, the others wait and find nothing to do.
    """
    configuration = configuration_of(place)
    with database_at(configuration) as dsn, progress("Migrating") as advance:
        seen: list[Any] = []

        def on_step(step: Any) -> None:
            seen.append(step)
            advance(len(seen))

        done = run_async(upgraded(configuration, dsn, on_step))
    for change in done.indexes:
        verb = "made" if change.made else "dropped"
        say(f"The index of {change.field} on {change.table} was {verb}.")
    if done.steps:
        say(f"{done.steps} migrations ran.")
    elif not done.indexes:
        say("Nothing to do: the schema is up to date.")


@db.command()
@click.argument("app")
@click.option(
    "--to", default="1", show_default=True, help="'1' the latest step, 'all', or a migration's id."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_place
def downgrade(place: Place, *, app: str, to: str, yes: bool) -> None:
    """Undo migrations of APP (or 'all'), newest first. What they made is lost with its rows.

    \b
    commercekit db downgrade commercekit_storefront --to all
    """
    configuration = configuration_of(place)
    if not yes:
        click.confirm(f"Undo migrations of {app}? Their rows are lost", abort=True)
    with database_at(configuration) as dsn:
        undone = run_async(migrator_of(configuration, dsn).backwards(app, to=to))
    say(f"{len(undone)} migrations undone.")


@db.command()
@pass_place
def dsn(place: Place) -> None:
    """Print the address of the database, password included: for psql and backup tools.

    The embedded server runs while a shop does; start one first.

    \b
    psql "$(commercekit db dsn)"
    """
    with database_at(configuration_of(place)) as address:
        click.echo(address)


@db.command()
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@pass_place
def shell(place: Place, *, arguments: tuple[str, ...]) -> int:
    """Open psql on the shop's database; ARGUMENTS go to psql.

    \b
    commercekit db shell
    commercekit db shell -- -c "SELECT count(*) FROM orders_order"
    """
    psql = shutil.which("psql")
    if psql is None:
        message = "There is no psql on the PATH; install a PostgreSQL client, or use: db dsn"
        raise Failed(message)
    with database_at(configuration_of(place)) as address:
        command = [psql, *arguments]
        environ = {**os.environ, **_libpq(address)}
        return subprocess.run(command, env=environ, check=False).returncode  # noqa: S603 - psql itself


def _libpq(address: str) -> dict[str, str]:
    """The address as libpq's variables, so that the password is in no process list."""
    parts = urlsplit(address)
    given = {
        "PGHOST": parts.hostname,
        "PGPORT": parts.port,
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password,
        "PGDATABASE": parts.path.lstrip("/"),
    }
    return {name: unquote(str(value)) for name, value in given.items() if value}
