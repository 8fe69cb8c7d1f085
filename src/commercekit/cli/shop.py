"""Opening the shop that a command is about."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from commercekit.cli.exits import NotReachable
from commercekit.cli.place import Place
from commercekit.errors import ConfigurationError
from commercekit.platform.telemetry import LogLevel, TelemetrySettings, configure_logging

if TYPE_CHECKING:
    from commercekit.app import Shop, ShopConfiguration
    from commercekit.platform.db import MigrationStep, Migrator
    from commercekit.platform.extensions import IndexChange

__all__ = [
    "Upgraded",
    "configuration_of",
    "database_at",
    "migrator_of",
    "run_async",
    "upgraded",
    "with_shop",
]

T = TypeVar("T")


class Upgraded(NamedTuple):
    """What an upgrade did."""

    steps: int
    indexes: list[IndexChange]


def configuration_of(place: Place) -> ShopConfiguration:
    """The shop's settings and plugins; logs are quiet, for the command itself speaks."""
    from commercekit.app import load_configuration

    configure_logging(TelemetrySettings(level=LogLevel.ERROR))
    return load_configuration(place.config, place.environ)


@contextmanager
def database_at(configuration: ShopConfiguration) -> Iterator[str]:
    """The DSN of the shop's database, the embedded one started for as long as the block lasts."""
    from commercekit.app import database_of

    with database_of(configuration) as dsn:
        yield dsn


def migrator_of(configuration: ShopConfiguration, dsn: str) -> Migrator:
    """What brings the database to the schema of the core and of the enabled plugins."""
    from commercekit.app import piccolo_apps
    from commercekit.platform.db import Migrator

    return Migrator(dsn, piccolo_apps(configuration))


async def upgraded(
    configuration: ShopConfiguration, dsn: str, on_step: Callable[[MigrationStep], None]
) -> Upgraded:
    """Bring the schema up to date, then what hangs on the plugins: indexes, and what they bring."""
    from commercekit.app import PluginLeftovers, Shop
    from commercekit.platform.extensions import FieldIndexes

    steps = await migrator_of(configuration, dsn).forwards(on_step=on_step)
    async with Shop(configuration, dsn).opened() as shop, shop.db.alone("upgrade"):
        indexes = await FieldIndexes(shop.db, shop.fields).bring()
        await PluginLeftovers(shop).remember()
    return Upgraded(len(steps), indexes)


def run_async(work: Awaitable[T]) -> T:
    """Run ``work`` to its end; a database that does not answer becomes one sentence."""
    from commercekit.platform.db import OUTAGES

    async def main() -> T:
        return await work

    gone: tuple[type[Exception], ...] = (*OUTAGES, OSError)
    try:
        return asyncio.run(main())
    except gone as error:
        message = (
            f"The database does not answer ({str(error) or type(error).__name__}); start it, or mend "
            "database.dsn"
        )
        raise NotReachable(message) from error


def with_shop(place: Place, work: Callable[[Shop], Awaitable[T]]) -> T:
    """Do ``work`` in the opened shop. Refuses one whose schema is not the code's."""
    from commercekit.app import Shop

    configuration = configuration_of(place)

    async def main(dsn: str) -> T:
        pending = [s for s in await migrator_of(configuration, dsn).status() if s.ran_on is None]
        if pending:
            message = (
                f"The database lacks {len(pending)} migrations, the first is {pending[0].step}; "
                "run: commercekit db upgrade"
            )
            raise ConfigurationError(message)
        async with Shop(configuration, dsn).opened() as shop:
            return await work(shop)

    with database_at(configuration) as dsn:
        return run_async(main(dsn))
