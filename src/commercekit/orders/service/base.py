"""What every use case of orders stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.orders.errors import OrderNotFound
from commercekit.orders.models import EXTENSIBLE, Order, OrderSearch, OrdersSettings
from commercekit.orders.repository import (
    ClaimRepository,
    CustomerRepository,
    NoteRepository,
    OrderRepository,
    RefundRequestRepository,
    ReturnRepository,
    SearchRepository,
)
from commercekit.orders.service.reviewer import Reviewer
from commercekit.platform.extensions import FieldBook, FieldCondition
from commercekit.platform.months import gone_or
from commercekit.platform.providers import ProviderCaller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.fulfilment import FulfilmentService
    from commercekit.inventory import InventoryService
    from commercekit.kernel import Clock
    from commercekit.payments import PaymentService
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.jobs import Jobs
    from commercekit.platform.security import AuditPort, Sealer

__all__ = ["OrderUseCases", "order_id_of"]


class OrderUseCases:
    """The parts a use case needs, and the two ways to get hold of an order."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sealer: Sealer,
        payments: PaymentService,
        inventory: InventoryService,
        fulfilment: FulfilmentService,
        settings: OrdersSettings | None = None,
        *,
        reviewer: Reviewer | None = None,
        jobs: Jobs | None = None,
        audit: AuditPort | None = None,
        book: FieldBook | None = None,
    ) -> None:
        """Without ``jobs`` nothing ends by itself what a crash after a change left at a gateway.

        ``book`` has the fields that plugins add.
        """
        self._fields = (book or FieldBook(EXTENSIBLE)).of("order")
        self._db = db
        self._clock = clock
        self._payments = payments
        self._inventory = inventory
        self._fulfilment = fulfilment
        self._settings = settings or OrdersSettings()
        self._reviewer = reviewer or Reviewer(ProviderCaller())
        self._sealer = sealer
        self._jobs = jobs
        self._audit = audit
        self._orders = OrderRepository(db, sealer)
        self._notes = NoteRepository(db, sealer)
        self._found = SearchRepository(db, sealer)
        self._claims = ClaimRepository()
        self._customers = CustomerRepository(db, sealer)
        self._requests = RefundRequestRepository(db, sealer)
        self._returns = ReturnRepository(db, sealer)

    async def get(self, order_id: UUID, languages: Sequence[str] = ()) -> Order:
        """The order; raises :class:`~commercekit.orders.errors.OrderNotFound`.

        One whose month was archived raises :class:`~commercekit.platform.months.Archived`.
        """
        order = await self._orders.get(order_id, languages)
        if order is None:
            message = "There is no such order."
            raise await gone_or(self._db, "The order", order_id, OrderNotFound(message))
        return order

    def _field_conditions(self, search: OrderSearch) -> list[FieldCondition]:
        """What a search asks of plugins' fields; refused when there is no such field with an index."""
        wanted = search.extensions or {}
        return self._fields.conditions(
            (f"extensions.{name}", value) for name, value in sorted(wanted.items())
        )

    async def _locked(self, uow: UnitOfWork, order_id: UUID) -> Order:
        """The order, with everybody else who would change it, its payments or shipments waiting."""
        await uow.lock(str(order_id))
        return await self.get(order_id)

    async def _order_of(self, uow: UnitOfWork, reference: str) -> Order | None:
        """The order behind a reference, locked; payments and shipments may belong to something else."""
        order_id = order_id_of(reference)
        if order_id is None:
            return None
        await uow.lock(reference)
        return await self._orders.get(order_id)


def order_id_of(reference: str) -> UUID | None:
    """The order that a reference means, if it can mean one."""
    try:
        return UUID(reference)
    except ValueError:
        return None
