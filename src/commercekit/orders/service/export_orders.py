"""Orders as a file, made while it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from commercekit.orders.models import Order, OrderSearch
from commercekit.orders.rules import COLUMNS, csv_line, order_cells
from commercekit.orders.service.base import OrderUseCases
from commercekit.platform.security import EVERYWHERE, AuditEntry

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.extensions import FieldCondition
    from commercekit.platform.security import Reach

__all__ = ["ExportOrders"]

_BATCH = 200


class ExportOrders(OrderUseCases):
    """Personal data leaves the shop here, so it is written down who took it."""

    async def export(
        self, search: OrderSearch, *, actor_id: str, reach: Reach = EVERYWHERE
    ) -> AsyncIterator[str]:
        """The orders that fit as CSV, newest first, in pieces; the first is written down before.

        Each batch is a query of its own: a long file holds no transaction open, and orders that are
        placed meanwhile are not in it, nor is what lies beyond ``reach``.
        """
        fields = self._field_conditions(search)
        await self._write_down(search, actor_id)
        return self._pieces(search, fields, reach)

    async def note_unmasking(
        self, order: Order, *, actor_id: str, reason: str, request_id: str = ""
    ) -> None:
        """Write down who is about to be told who a shopper is, and why."""
        entry = AuditEntry(
            actor=actor_id,
            action="personal:unmask",
            subject=f"order/{order.number}",
            reason=reason,
            request_id=request_id,
        )
        await self._record(entry)

    async def _pieces(
        self, search: OrderSearch, fields: Sequence[FieldCondition], reach: Reach
    ) -> AsyncIterator[str]:
        # The mark tells spreadsheets that it is UTF-8.
        yield "\ufeff" + csv_line(COLUMNS)
        before: UUID | None = None
        while True:
            page = await self._found.find(
                search, before=before, limit=_BATCH, fields=fields, reach=reach
            )
            if not page:
                return
            before = page[-1].id
            orders = await self._orders.get_many([item.id for item in page])
            yield "".join(csv_line(order_cells(order)) for order in orders)

    async def _write_down(self, search: OrderSearch, actor_id: str) -> None:
        if self._audit is None:
            return
        asked = sorted(
            name for name in search.__struct_fields__ if getattr(search, name) is not None
        )
        entry = AuditEntry(
            actor=actor_id,
            action="orders:export",
            subject="orders",
            # By which fields, never their values: they may be somebody's address.
            details={"filters": ", ".join(asked)},
        )
        await self._record(entry)

    async def _record(self, entry: AuditEntry) -> None:
        async def work(uow: UnitOfWork) -> None:
            if self._audit is not None:
                await self._audit.record(uow, entry)

        await self._db.run(work)
