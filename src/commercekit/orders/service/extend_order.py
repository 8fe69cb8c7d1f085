"""Fields of plugins on orders: carried over from the cart, written by staff and by the plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.orders.errors import OrderChanged
from commercekit.orders.events import OrderExtended
from commercekit.orders.models import Actor, Order
from commercekit.orders.repository import extensions
from commercekit.orders.service.base import OrderUseCases
from commercekit.platform.extensions import Audience, Values, Writer

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["ExtendOrders"]


class ExtendOrders(OrderUseCases):
    """Possible in every state of an order; changes neither money nor goods."""

    async def extend(
        self,
        order_id: UUID,
        given: Mapping[str, Any],
        *,
        actor: Actor,
        expected_version: int | None = None,
    ) -> Order:
        """Merge ``given`` into what plugins keep, as staff may; the order as it is then.

        Raises :class:`~commercekit.orders.errors.OrderChanged` when it is not in ``expected_version``
        any more, and what the fields refuse.
        """

        async def work(uow: UnitOfWork) -> None:
            await self.extend_in(
                uow, order_id, given, actor=actor, expected_version=expected_version
            )

        await self._db.run(work)
        return await self.get(order_id)

    async def extend_in(
        self,
        uow: UnitOfWork,
        order_id: UUID,
        given: Mapping[str, Any],
        *,
        actor: Actor,
        writer: Writer = Writer.ADMIN,
        expected_version: int | None = None,
    ) -> None:
        """The same as a part of ``uow``; the history names the fields, never their values."""
        order = await self._locked(uow, order_id)
        if expected_version is not None and order.version != expected_version:
            message = f"Order {order.number} has changed since it was read; read it again."
            raise OrderChanged(message, version=order.version)
        values = self._fields.merged(order.extensions, given, writer)
        changed = _changed(order.extensions, values)
        if not changed:
            return
        await extensions.replace(uow, order_id, values)
        await self._orders.record(
            uow, order_id, actor, "extensions-changed", details={"fields": changed}
        )
        uow.publish(OrderExtended(order_id=order_id, number=order.number, fields=changed))

    async def carry_extensions(self, uow: UnitOfWork, carried: Mapping[UUID, Values]) -> None:
        """Part of placing, for orders whose carts had any."""
        await extensions.carry(uow, carried)

    def extensions_shown(self, values: Values, *, for_staff: bool) -> Values | None:
        """What may be read of ``values``; ``None`` when no plugin of this shop adds fields."""
        if not self._fields:
            return None
        return self._fields.shown(values, Audience.ADMIN if for_staff else Audience.STORE)

    def extension_filters(self, parameters: Iterable[tuple[str, str]]) -> dict[str, str] | None:
        """The filters in a query, as a search takes them; ``None`` for none."""
        found = {
            name.removeprefix("extensions."): value
            for name, value in parameters
            if name.startswith("extensions.")
        }
        return found or None


def _changed(before: Values, after: Values) -> list[str]:
    return sorted(
        f"{plugin}.{name}"
        for plugin in before.keys() | after.keys()
        for name in before.get(plugin, {}).keys() | after.get(plugin, {}).keys()
        if before.get(plugin, {}).get(name) != after.get(plugin, {}).get(name)
    )
