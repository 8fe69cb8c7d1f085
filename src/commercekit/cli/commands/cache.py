"""``commercekit cache``: what the shop's processes share, seen and emptied."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.output import as_json, print_json, print_table, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import configuration_of, run_async
from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from commercekit.platform.cache import Cache

__all__ = ["cache"]

T = TypeVar("T")


@click.group(epilog=EXIT_CODES_HELP)
def cache() -> None:
    """Look at the Valkey server that the shop's processes share, or empty it.

    \b
    commercekit cache stats
    commercekit cache clear
    """


@cache.command()
@as_json
@pass_place
def stats(place: Place, *, json_output: bool) -> None:
    """Show which server it is, how much of this shop lies there, and how full it is."""
    facts = _with_cache(place, lambda opened: opened.facts())
    if json_output:
        print_json(facts)
        return
    rows = [(name.replace("_", " "), value) for name, value in facts.items()]
    print_table(("", ""), rows, empty="")


@cache.command()
@as_json
@pass_place
def clear(place: Place, *, json_output: bool) -> None:
    """Forget everything of this shop, and nothing of others on the same server.

    Safe at any time: what is missing is made anew when it is next asked for.
    """
    count = _with_cache(place, lambda opened: opened.clear())
    if json_output:
        print_json({"cleared": count})
        return
    say(f"{count:,} values forgotten.")


def _with_cache(place: Place, work: Callable[[Cache], Awaitable[T]]) -> T:
    from commercekit.platform.cache import cache_of

    settings = configuration_of(place).settings.cache
    if settings.url is None:
        message = (
            "This shop shares no cache: each process keeps what it can in memory. Name a server in the "
            'settings, such as [cache] url = "valkey://127.0.0.1:6379/0".'
        )
        raise ConfigurationError(message)

    async def main() -> T:
        async with cache_of(settings).running() as opened:
            return await work(opened)

    return run_async(main())
