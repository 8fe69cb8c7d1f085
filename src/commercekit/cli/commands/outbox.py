"""``commercekit outbox``: facts that are under way, and those that are stuck."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import rich_click as click

import commercekit
from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.output import as_json, print_json, print_table, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import configuration_of, with_shop
from commercekit.kernel import PageRequest

if TYPE_CHECKING:
    from commercekit.app import Shop
    from commercekit.platform.bus import Backlog, ParkedDelivery

__all__ = ["outbox"]


@click.group(epilog=EXIT_CODES_HELP)
def outbox() -> None:
    """See what is waiting to be told, and retry what could not be.

    A fact that keeps failing for one consumer is parked: it holds back its own aggregate only.

    \b
    commercekit outbox list
    commercekit outbox retry 019abcde-… --consumer orders.payment-status
    """


@outbox.command("list")
@as_json
@pass_place
def list_backlog(place: Place, *, json_output: bool) -> None:
    """Show how many facts are unpublished, waiting and parked, and what waits for whom."""

    async def work(shop: Shop) -> tuple[Backlog, list[ParkedDelivery]]:
        page = await shop.bus.parked(PageRequest(100), waiting=True)
        return await shop.bus.backlog(), page.items

    backlog, deliveries = with_shop(place, work)
    if json_output:
        print_json({"backlog": backlog, "deliveries": deliveries})
        return
    click.echo(
        f"{backlog.unpublished} unpublished, {backlog.waiting} waiting, {backlog.parked} parked"
    )
    if deliveries:
        _show(deliveries)


@outbox.command()
@as_json
@pass_place
def parked(place: Place, *, json_output: bool) -> int:
    """List the facts that wait for a person; exit code 1 when there are any."""

    async def work(shop: Shop) -> list[ParkedDelivery]:
        return (await shop.bus.parked(PageRequest(100))).items

    deliveries = with_shop(place, work)
    if json_output:
        print_json(deliveries)
    else:
        _show(deliveries)
    return 1 if deliveries else 0


def _show(deliveries: list[ParkedDelivery]) -> None:
    rows = [
        (d.event_id, d.consumer, d.type, d.state, d.attempts, (d.error or "").partition("\n")[0])
        for d in deliveries
    ]
    headings = ("fact", "consumer", "type", "state", "tries", "last error")
    print_table(headings, rows, empty="Nothing is parked.")


@outbox.command()
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A document of before: say which facts changed more than their version allows.",
)
@pass_place
def schema(place: Place, *, against: Path | None) -> int:
    """Print what every fact of this shop looks like, its plugins' too, as an AsyncAPI 3.0 document.

    With --against nothing is printed but refused changes; exit code 1 when there are any.

    \b
    commercekit outbox schema > asyncapi.json
    commercekit outbox schema --against asyncapi.json
    """
    from commercekit.platform.bus import asyncapi, published_facts, refused_changes

    configuration = configuration_of(place)
    document = asyncapi(
        published_facts(),
        title=f"Facts of {configuration.settings.name}",
        version=commercekit.__version__,
        exchange=f"{configuration.settings.bus.prefix}.facts",
    )
    if against is None:
        print_json(document)
        return 0
    refused = refused_changes(msgspec.json.decode(against.read_bytes()), document)
    for sentence in refused:
        click.echo(sentence)
    return 1 if refused else 0


@outbox.command()
@click.argument("fact", type=UUID, required=False)
@click.option("--consumer", help="Only for this consumer.")
@click.option("--all", "everything", is_flag=True, help="Everything that is parked.")
@pass_place
def retry(place: Place, *, fact: UUID | None, consumer: str | None, everything: bool) -> None:
    """Try the parked FACT again, after its cause was mended; the shop's processes do it at once.

    \b
    commercekit outbox retry 019abcde-…
    commercekit outbox retry --all
    """
    if (fact is None) == (not everything):
        message = "name one FACT, or say --all"
        raise click.UsageError(message)

    async def work(shop: Shop) -> list[str]:
        if fact is not None:
            return await shop.bus.retry(fact, consumer)
        tried: list[str] = []
        while deliveries := (await shop.bus.parked(PageRequest(100))).items:
            chosen = [d for d in deliveries if consumer in {None, d.consumer}]
            for each in chosen:
                tried += await shop.bus.retry(each.event_id, each.consumer)
            if not chosen:
                break
        return tried

    consumers = with_shop(place, work)
    say(f"To be tried again: {', '.join(consumers) or 'nothing was parked'}.")
