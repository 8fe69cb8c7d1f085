"""How a plugin reads and writes its own fields, from jobs, subscriptions and routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from commercekit.errors import NotFound
from commercekit.platform.extensions.stored import read_values

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.extensions.book import FieldBook

__all__ = ["ExtensionDoor", "PluginExtensions"]


class ExtensionDoor(Protocol):
    """What the domain of an entity offers for writing: version, history and facts are its affair."""

    async def __call__(
        self, uow: UnitOfWork, entity_id: UUID, given: Mapping[str, Any], *, actor: str
    ) -> None:
        """Merge ``given`` (by plugin, then by field) into the values, as the plugin itself."""
        ...


class PluginExtensions:
    """The fields of one plugin, whoever else may write them."""

    def __init__(
        self,
        code: str = "",
        db: Database | None = None,
        book: FieldBook | None = None,
        doors: Mapping[str, ExtensionDoor] | None = None,
    ) -> None:
        """Without a shop, as in tests of a plugin's parts, there is nothing to read or write."""
        self._code = code
        self._db = db
        self._tables = {each.name: each.table for each in book.entities} if book else {}
        self._doors = doors if doors is not None else {}

    async def read(self, entity: str, entity_id: UUID) -> dict[str, Any]:
        """What is kept of this plugin's fields on one product, variant, cart or order.

        Joins the unit of work of the calling task. Defaults are not in it. Raises
        :class:`~commercekit.errors.NotFound` for what is not there.
        """
        row = None
        if self._db is not None and entity in self._tables:
            row = await self._db.fetchrow(
                f"SELECT extensions FROM {self._tables[entity]} WHERE id = $1",  # noqa: S608 - a table of the core
                entity_id,
            )
        if row is None:
            message = f"There is no such {entity}."
            raise NotFound(message)
        return read_values(row["extensions"]).get(self._code, {})

    async def write(
        self, uow: UnitOfWork, entity: str, entity_id: UUID, values: Mapping[str, Any]
    ) -> None:
        """Set these fields in ``uow``; what is not named stays, ``None`` takes a value away.

        The version of the product or order goes up, its history names the plugin, and who listens to
        its facts hears of it. Carts are written by shoppers only. Raises
        :class:`~commercekit.platform.extensions.ExtensionInvalid` for a value of another type.
        """
        if entity not in self._doors:
            message = f"Plugins do not write fields of a {entity}."
            raise NotFound(message)
        await self._doors[entity](
            uow, entity_id, {self._code: dict(values)}, actor=f"plugin/{self._code}"
        )
