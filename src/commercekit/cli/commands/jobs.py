"""``commercekit jobs``: work in the background, seen and changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.output import as_json, print_json, print_table, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import with_shop
from commercekit.kernel import PageRequest
from commercekit.platform.jobs import JobState

if TYPE_CHECKING:
    from commercekit.app import Shop
    from commercekit.platform.jobs import JobKindView, JobView, ScheduleView

__all__ = ["jobs"]

_BY: Final = "cli"
_STATES: Final = [state.value for state in JobState]


@click.group(epilog=EXIT_CODES_HELP)
def jobs() -> None:
    """See what is done in the background; retry, cancel, pause, and have periodic work done now.

    \b
    commercekit jobs list --state parked
    commercekit jobs show 019abcde-…
    commercekit jobs pause catalog.bulk --reason "the sale is on"
    commercekit jobs run platform.partitions
    """


@jobs.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only jobs in this state.")
@click.option("--kind", help="Only jobs of this kind.")
@click.option(
    "--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many."
)
@as_json
@pass_place
def list_jobs(
    place: Place, *, state: str | None, kind: str | None, limit: int, json_output: bool
) -> None:
    """List jobs, newest first, with how far they are."""

    async def work(shop: Shop) -> list[JobView]:
        wanted = JobState(state) if state else None
        return (await shop.jobs.list(PageRequest(limit), state=wanted, kind=kind)).items

    found = with_shop(place, work)
    if json_output:
        print_json(found)
        return
    rows = [
        (each.id, each.kind, _state(each), each.attempts, _time(each.due_at), _progress(each))
        for each in found
    ]
    headings = ("job", "kind", "state", "tries", "due", "progress, or last error")
    print_table(headings, rows, empty="There are no such jobs.")


@jobs.command()
@click.argument("job", type=UUID)
@as_json
@pass_place
def show(place: Place, *, job: UUID, json_output: bool) -> None:
    """Show one JOB: its times, its progress, and its last failures."""

    async def work(shop: Shop) -> JobView:
        return await shop.jobs.get(job)

    view = with_shop(place, work)
    if json_output:
        print_json(view)
        return
    click.echo(f"{view.kind} {view.id}: {_state(view)}, priority {view.priority}")
    times = {
        "created": view.created_at,
        "due": view.due_at,
        "begun": view.started_at,
        "cancel asked": view.cancel_requested_at,
        "finished": view.finished_at,
    }
    for name, at in times.items():
        if at is not None:
            click.echo(f"  {name}: {_time(at)}")
    if view.progress is not None:
        click.echo(f"  progress: {_progress(view)}")
    for failure in view.failures:
        click.echo(f"  try {failure.attempt} failed {_time(failure.at)}: {failure.error}")


@jobs.command()
@click.argument("job", type=UUID, required=False)
@click.option("--all-parked", is_flag=True, help="Every job that is parked.")
@click.option("--kind", help="With --all-parked: only of this kind.")
@pass_place
def retry(place: Place, *, job: UUID | None, all_parked: bool, kind: str | None) -> None:
    """Run the parked or cancelled JOB again, after its cause was mended.

    \b
    commercekit jobs retry 019abcde-…
    commercekit jobs retry --all-parked --kind notifications.deliver
    """
    if (job is None) == (not all_parked):
        message = "name one JOB, or say --all-parked"
        raise click.UsageError(message)

    async def work(shop: Shop) -> int:
        if job is not None:
            await shop.jobs.retry(job)
            return 1
        return await shop.jobs.retry_parked(kind)

    count = with_shop(place, work)
    say(f"To be tried again: {count}.")


@jobs.command()
@click.argument("job", type=UUID)
@pass_place
def cancel(place: Place, *, job: UUID) -> None:
    """Give the waiting or parked JOB up, or ask a running one to stop.

    A running one hears of it within about a second, wherever it runs; what it has done stays done.
    """

    async def work(shop: Shop) -> JobView:
        return await shop.jobs.cancel(job)

    view = with_shop(place, work)
    if view.state is JobState.RUNNING:
        say(f"It was asked to stop; see: commercekit jobs show {view.id}")
    else:
        say("Cancelled.")


@jobs.command()
@as_json
@pass_place
def kinds(place: Place, *, json_output: bool) -> None:
    """List the kinds of work: how much of each waits, runs and is parked, and which are paused."""

    async def work(shop: Shop) -> Sequence[JobKindView]:
        return await shop.jobs.kinds_of_work()

    found = with_shop(place, work)
    if json_output:
        print_json(found)
        return
    rows = [(each.kind, each.waiting, each.running, each.parked, _paused(each)) for each in found]
    headings = ("kind", "waiting", "running", "parked", "")
    print_table(headings, rows, empty="There are no kinds of work.")


@jobs.command()
@click.argument("kind")
@click.option("--reason", help="Why, for those who wonder.")
@pass_place
def pause(place: Place, *, kind: str, reason: str | None) -> None:
    """Begin no more jobs of KIND, on any node; those that run go on."""

    async def work(shop: Shop) -> JobKindView:
        return await shop.jobs.pause(kind, by=_BY, reason=reason)

    view = with_shop(place, work)
    say(f"{view.kind} is paused; {view.waiting} wait, {view.running} still run.")


@jobs.command()
@click.argument("kind")
@pass_place
def resume(place: Place, *, kind: str) -> None:
    """Do jobs of KIND again."""

    async def work(shop: Shop) -> JobKindView:
        return await shop.jobs.resume(kind, by=_BY)

    view = with_shop(place, work)
    say(f"{view.kind} goes on; {view.waiting} wait.")


@jobs.command()
@as_json
@pass_place
def schedules(place: Place, *, json_output: bool) -> None:
    """List periodic work: last and next time, and what became of the last."""

    async def work(shop: Shop) -> list[ScheduleView]:
        return await shop.jobs.schedules()

    found = with_shop(place, work)
    if json_output:
        print_json(found)
        return
    rows = [
        (
            each.name,
            timedelta(seconds=each.every_seconds),
            _time(each.last_at),
            _outcome(each),
            _time(each.next_at),
        )
        for each in found
    ]
    print_table(("schedule", "every", "last", "outcome", "next"), rows, empty="There are none.")


@jobs.command("run")
@click.argument("schedule")
@pass_place
def run_schedule(place: Place, *, schedule: str) -> None:
    """Have the periodic work of SCHEDULE done now, besides its times."""

    async def work(shop: Shop) -> JobView:
        return await shop.jobs.run_schedule(schedule)

    view = with_shop(place, work)
    say(f"Asked for; see: commercekit jobs show {view.id}")


def _state(view: JobView) -> str:
    if view.state is JobState.RUNNING and view.cancel_requested_at is not None:
        return "running, to be cancelled"
    return view.state.value


def _progress(view: JobView) -> str:
    said = ""
    if view.progress is not None:
        of = f" of {view.progress.total}" if view.progress.total is not None else ""
        said = f"{view.progress.done}{of} {view.progress.note or ''}".rstrip()
    return "; ".join(each for each in (said, view.error or "") if each)


def _outcome(view: ScheduleView) -> str:
    if view.last_run is None:
        return "paused" if view.paused else ""
    said = view.last_run.state.value
    return f"{said}: {view.last_run.error}" if view.last_run.error else said


def _paused(view: JobKindView) -> str:
    if not view.paused:
        return "" if view.known else "nobody here does it"
    return f"paused by {view.changed_by}" + (f": {view.reason}" if view.reason else "")


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}Z"
