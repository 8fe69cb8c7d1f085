"""``commercekit bus``: what a shop needs in RabbitMQ, and what is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP, NotReachable
from commercekit.cli.output import as_json, print_json, print_table, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import configuration_of, with_shop
from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from commercekit.app import Shop
    from commercekit.platform.bus.rabbitmq import BrokerDesk, QueueState

__all__ = ["bus"]

T = TypeVar("T")


@click.group(epilog=EXIT_CODES_HELP)
def bus() -> None:
    """See how facts travel through RabbitMQ: what has to be there, and what is.

    \b
    commercekit bus topology --json > definitions.json    for: rabbitmqctl import_definitions
    commercekit bus status
    """


@bus.command()
@as_json
@pass_place
def topology(place: Place, *, json_output: bool) -> None:
    """Print the exchanges, queues and bindings of this shop; asks neither database nor broker.

    Processes declare them by themselves. Print them where the shop's user must not: import them as an
    administrator, and they are found as they should be.
    """
    from commercekit.app import Shop
    from commercekit.platform.bus.rabbitmq import Topology

    shop = Shop(configuration_of(place), "")
    settings = shop.settings.bus
    pairs = {(consumer, aggregate) for consumer, _, aggregate in shop.bus.interests}
    needed = Topology.of(settings.prefix, pairs)
    if json_output:
        path = urlsplit(settings.url.reveal()).path if settings.url is not None else ""
        print_json(needed.definitions(unquote(path.removeprefix("/")) or "/"))
        return
    for line in needed.lines():
        click.echo(line)


@bus.command()
@as_json
@pass_place
def status(place: Place, *, json_output: bool) -> int:
    """List the queues and what waits in them; exit code 1 when one is missing, stale or has dead letters."""

    async def work(shop: Shop) -> list[QueueState]:
        return await _desk(shop).queues()

    queues = _ask(place, work)
    if json_output:
        print_json(queues)
    else:
        rows = [(each.queue, _count(each), _served(each)) for each in queues]
        print_table(("queue", "messages", "served"), rows, empty="")
    unwell = [each for each in queues if not each.served or each.messages is None]
    dead = [each for each in queues if not each.consumer and each.messages]
    return 1 if unwell or dead else 0


@bus.command("remove-queue")
@click.argument("queue")
@click.option(
    "--even-full", is_flag=True, help="Although messages are in it: nobody will see them."
)
@pass_place
def remove_queue(place: Place, *, queue: str, even_full: bool) -> None:
    """Delete the QUEUE of a consumer that is gone, and forget the consumer.

    A queue goes on collecting facts until somebody says that nobody will ever read them.

    \b
    commercekit bus remove-queue commercekit.for.acme.loyalty
    """

    async def work(shop: Shop) -> int:
        return await _desk(shop).remove(queue, even_full=even_full)

    say(f"{queue} is gone, and {_ask(place, work)} messages with it.")


def _ask(place: Place, work: Callable[[Shop], Awaitable[T]]) -> T:
    from commercekit.platform.bus import TransportAway

    try:
        return with_shop(place, work)
    except TransportAway as error:
        raise NotReachable(str(error)) from error


def _desk(shop: Shop) -> BrokerDesk:
    from commercekit.platform.bus.rabbitmq import RabbitTransport

    transport = shop.bus.transport
    if not isinstance(transport, RabbitTransport):
        message = "This shop has no RabbitMQ: facts travel through the database. Set bus.url."
        raise ConfigurationError(message)
    return transport.desk


def _count(state: QueueState) -> str:
    return "missing" if state.messages is None else str(state.messages)


def _served(state: QueueState) -> str:
    if state.served:
        return "yes"
    return f"by nobody since {state.served_at:%Y-%m-%d %H:%M}" if state.served_at else "by nobody"
