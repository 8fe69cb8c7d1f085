"""Finding orders, and proving that one may see them."""

from __future__ import annotations

import base64
import hmac
from collections import Counter
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.orders.errors import OrderNotFound, RefundRequestNotFound
from commercekit.orders.models import HistoryEntry, Order, OrderSearch, OrderSummary, RefundRequest
from commercekit.orders.rules import packed_units
from commercekit.orders.service.base import OrderUseCases, order_id_of
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.fulfilment import ShipmentView
    from commercekit.payments import Payment, Refund
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Reach

__all__ = ["ReadOrders"]


class ReadOrders(OrderUseCases):
    """Queries; none changes anything."""

    def token_of(self, order_id: UUID) -> str:
        """The guest's key to one order: derived, so that a repeated checkout tells the same again."""
        digest = hmac.digest(self._sealer.derived_key("order tokens"), order_id.bytes, "sha256")
        return base64.urlsafe_b64encode(digest[:24]).decode()

    async def by_number(
        self, number: str, languages: Sequence[str] = (), *, reach: Reach = EVERYWHERE
    ) -> Order:
        """Staff's way in; raises :class:`~commercekit.orders.errors.OrderNotFound`.

        An order beyond ``reach`` looks like none at all.
        """
        order_id = await self._orders.id_of(number)
        if order_id is None:
            message = f"There is no order {number[:40]!r}."
            raise OrderNotFound(message)
        order = await self.get(order_id, languages)
        if not reach.has_market(order.market):
            message = f"There is no order {number[:40]!r}."
            raise OrderNotFound(message)
        return order

    async def for_guest(
        self, number: str, token: str | None, languages: Sequence[str] = ()
    ) -> Order:
        """The shopper's way in: number and token; a wrong token looks like no order at all."""
        order_id = await self._orders.id_of(number)
        expected = self.token_of(order_id) if order_id else ""
        given = (token or "").encode()
        if order_id is None or not hmac.compare_digest(expected.encode(), given):
            message = "There is no such order, or X-Order-Token does not belong to it."
            raise OrderNotFound(message)
        return await self.get(order_id, languages)

    async def references_within(self, references: Sequence[str], reach: Reach) -> frozenset[str]:
        """Those of the references, as payments and shipments have them, whose orders are within ``reach``.

        An order is within reach by its market, and by every place that was asked for some of its goods.
        """
        if reach.everything:
            return frozenset(references)
        within: set[str] = set()
        if reach.markets:
            ids = [found for each in references if (found := order_id_of(each)) is not None]
            within |= {str(each) for each in await self._orders.within(ids, sorted(reach.markets))}
        if reach.locations:
            within |= await self._inventory.references_at(references, reach.locations)
        return frozenset(within)

    async def numbers_of(self, references: Sequence[str]) -> dict[str, str]:
        """The number of each order that one of the references, as payments have them, stands for."""
        ids = [found for each in references if (found := order_id_of(each)) is not None]
        return {str(each): number for each, number in await self._orders.numbers(ids)}

    async def exists(self, order_id: UUID) -> bool:
        """Whether the order was placed; how a repeated checkout finds what the first one did."""
        return await self._orders.exists(order_id)

    async def history(self, order: Order) -> list[HistoryEntry]:
        """What happened to the order, oldest first."""
        return await self._orders.history(order.id)

    async def why_cancelled(self, order: Order) -> str:
        """The reason that was given for cancelling it; empty when none was."""
        entries = await self._orders.history(order.id)
        return next((e.reason for e in reversed(entries) if e.event == "cancelled"), "")

    async def payments(self, order: Order) -> list[Payment]:
        """Its payments, oldest first."""
        return await self._payments.payments_of(None, order.reference)

    async def refunds(self, order: Order) -> list[Refund]:
        """Money that went back or is on its way, oldest first."""
        return await self._payments.refunds_of(None, order.reference)

    async def shipments(self, order: Order) -> list[ShipmentView]:
        """Its shipments, oldest first."""
        return await self._fulfilment.shipments(None, order.reference)

    async def packed(self, order: Order) -> Counter[UUID]:
        """Units in parcels by line, whether or not those have left."""
        return packed_units(await self.shipments(order))

    async def search(
        self,
        search: OrderSearch,
        *,
        before: UUID | None,
        limit: int,
        reach: Reach = EVERYWHERE,
    ) -> list[OrderSummary]:
        """Staff's list, newest first, below ``before``, as far as ``reach`` goes."""
        return await self._found.find(
            search,
            before=before,
            limit=limit,
            fields=self._field_conditions(search),
            reach=reach,
        )

    async def of_customer(
        self, customer_id: UUID, *, email: str | None, before: UUID | None, limit: int
    ) -> list[OrderSummary]:
        """A customer's orders, newest first, below ``before``: placed with the account, or as a guest.

        ``email`` is the account's address once it is proven to be theirs, and ``None`` until then:
        anybody can register with anybody's address.
        """
        return await self._found.of_customer(customer_id, email=email, before=before, limit=limit)

    async def forget_customer(self, uow: UnitOfWork, customer_id: UUID) -> None:
        """Take the account off its orders; they stay in the books."""
        await self._found.forget_customer(uow, customer_id)

    async def refund_request(self, request_id: UUID, *, reach: Reach = EVERYWHERE) -> RefundRequest:
        """One; raises :class:`~commercekit.orders.errors.RefundRequestNotFound`, beyond ``reach`` too."""
        request = await self._requests.get(request_id, reach=reach)
        if request is None:
            message = "There is no such refund request."
            raise RefundRequestNotFound(message)
        return request

    async def refund_requests(
        self,
        *,
        order: Order | None = None,
        status: str | None = None,
        before: UUID | None = None,
        limit: int = 100,
        reach: Reach = EVERYWHERE,
    ) -> list[RefundRequest]:
        """Newest first, below ``before``, as far as ``reach`` goes."""
        return await self._requests.find(
            order_id=order.id if order else None,
            status=status,
            before=before,
            limit=limit,
            reach=reach,
        )
