"""``commercekit keys``: the keys that seal personal fields, replaced while the shop runs."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.output import as_json, print_json, print_table, progress, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import with_shop
from commercekit.platform.security import AuditEntry

if TYPE_CHECKING:
    from commercekit.app import Shop
    from commercekit.platform.security import DataKeyView, TableProgress

__all__ = ["keys"]

_ACTOR = "cli"


@click.group(epilog=EXIT_CODES_HELP)
def keys() -> None:
    """See and replace the keys that seal personal fields.

    A master key, outside of the database, wraps data keys, one for each table. All of it works while the
    shop runs, and can be done again after it was stopped halfway.

    \b
    commercekit keys status
    commercekit keys new
    commercekit keys rotate
    commercekit keys rotate --data-keys
    commercekit keys reencrypt
    commercekit keys forget
    """


@keys.command()
@click.option("--count", is_flag=True, help="Count the rows that older keys seal; reads every row.")
@as_json
@pass_place
def status(place: Place, *, count: bool, json_output: bool) -> None:
    """Show the data keys, which master key wraps each, and how far sealing anew is."""

    async def work(
        shop: Shop,
    ) -> tuple[str, list[DataKeyView], list[TableProgress], dict[str, int] | None]:
        return (
            await shop.sealer.keys.current(),
            await shop.rotation.keys(),
            await shop.reencryption.progress(),
            await shop.reencryption.remaining() if count else None,
        )

    master, views, runs, remaining = with_shop(place, work)
    if json_output:
        told = {"master_key": master, "data_keys": views, "reencryption": runs}
        print_json(told if remaining is None else {**told, "remaining": remaining})
        return
    click.echo(f"The master key in use is {master}.")
    rows = [
        (
            view.table,
            view.kid,
            view.state.value,
            "this one" if view.master_id == master else view.master_id,
            f"{view.created_at:%Y-%m-%d %H:%M}",
        )
        for view in views
    ]
    print_table(("table", "key", "state", "wrapped by", "made"), rows, empty="There is no key yet.")
    for run in runs:
        ending = "done" if run.finished_at else "not finished: commercekit keys reencrypt"
        click.echo(f"{run.table}: {run.done:,} of {run.total:,} rows sealed anew, {ending}")
    for table, rows_left in (remaining or {}).items():
        if rows_left:
            click.echo(f"{table}: {rows_left:,} rows are sealed with a key of before")


@keys.command()
def new() -> None:
    """Print a new master key. Keep it where the present one is kept; nothing is changed.

    Give all nodes both: the new one as `security.master_key`, the present one in
    `security.former_master_keys`. When every node runs with them: commercekit keys rotate.
    """
    click.echo(base64.b64encode(secrets.token_bytes(32)).decode("ascii"))


@keys.command()
@click.option(
    "--data-keys", is_flag=True, help="Also make new data keys and seal with them from now on."
)
@click.option(
    "--patience",
    type=click.FloatRange(0.1, 3600),
    default=60.0,
    show_default=True,
    help="How many seconds to wait for every process to take up new data keys.",
)
@as_json
@pass_place
def rotate(place: Place, *, data_keys: bool, patience: float, json_output: bool) -> None:
    """Wrap every data key with the master key in use, and begin new data keys if asked to.

    The first touches no sealed value and takes a moment; afterwards `security.former_master_keys` can be
    emptied. With new data keys, values of before are sealed anew by: commercekit keys reencrypt
    """

    async def work(shop: Shop) -> tuple[int, list[str]]:
        wrapped = await shop.rotation.rewrap()
        changed: list[str] = []
        if data_keys:
            changed = await shop.rotation.renew(shop.sealed, patience=patience)
        await _write_down(shop, "keys:rotate", rewrapped=wrapped, renewed=len(changed))
        return wrapped, changed

    wrapped, changed = with_shop(place, work)
    if json_output:
        print_json({"rewrapped": wrapped, "renewed": changed})
        return
    say(f"{wrapped} data keys wrapped anew.")
    if changed:
        say(f"New data keys for {', '.join(changed)}. Next: commercekit keys reencrypt")


@keys.command()
@click.option(
    "--pause",
    type=click.FloatRange(0, 60),
    default=0.02,
    show_default=True,
    help="Seconds to leave to the shop after each batch.",
)
@click.option("--batch", type=click.IntRange(1, 5000), default=200, show_default=True, help="Rows.")
@as_json
@pass_place
def reencrypt(place: Place, *, pause: float, batch: int, json_output: bool) -> None:
    """Seal with the present data keys whatever an older key seals.

    Stop it whenever you like: it goes on where it was. The shop keeps working meanwhile.
    """

    async def work(shop: Shop) -> dict[str, int]:
        with progress("Sealing anew") as advance:
            so_far: dict[str, tuple[int, int]] = {}

            def told(table: str, done: int, total: int) -> None:
                so_far[table] = (done, total)
                advance(sum(d for d, _ in so_far.values()), sum(t for _, t in so_far.values()))

            done = await shop.reencryption.run(pause=pause, batch=batch, told=told)
        await _write_down(shop, "keys:reencrypt", rows=sum(done.values()))
        return done

    done = with_shop(place, work)
    if json_output:
        print_json(done)
        return
    rows = [(table, f"{count:,}") for table, count in done.items() if count]
    print_table(
        ("table", "rows sealed anew"), rows, empty="Everything is sealed with the present keys."
    )


@keys.command()
@as_json
@pass_place
def forget(place: Place, *, json_output: bool) -> int:
    """Delete replaced data keys that seal nothing any more; exit code 1 when one has to stay.

    Backups of before need them: keep those keys' backup, or let the backups expire first.
    """

    async def work(shop: Shop) -> tuple[list[str], list[str]]:
        deleted, kept = await shop.reencryption.forget()
        await _write_down(shop, "keys:forget", deleted=len(deleted), kept=len(kept))
        return deleted, kept

    deleted, kept = with_shop(place, work)
    if json_output:
        print_json({"deleted": deleted, "kept": kept})
    else:
        say(f"{len(deleted)} keys deleted.")
        for sentence in kept:
            click.echo(sentence)
    return 1 if kept else 0


async def _write_down(shop: Shop, action: str, **details: int) -> None:
    async with shop.db.unit_of_work() as uow:
        await shop.identity.record(uow, AuditEntry(actor=_ACTOR, action=action, details=details))
