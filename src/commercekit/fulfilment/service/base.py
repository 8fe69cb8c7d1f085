"""What every use case of fulfilment needs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.fulfilment.errors import ShipmentNotFound
from commercekit.fulfilment.events import (
    ShipmentCancelled,
    ShipmentDelivered,
    ShipmentFact,
    ShipmentFailed,
    ShipmentHandedOver,
    ShipmentReturned,
)
from commercekit.fulfilment.models import ShipmentStatus, ShipmentView

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.fulfilment.models import FulfilmentSettings
    from commercekit.fulfilment.repository import ShipmentRepository
    from commercekit.fulfilment.service.carriers import Carriers
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.jobs import Jobs
    from commercekit.platform.providers import ProviderCaller

__all__ = ["FulfilmentUseCases"]


class FulfilmentUseCases:
    """Holds the collaborators; the mixins hold the verbs."""

    _db: Database
    _clock: Clock
    _jobs: Jobs
    _caller: ProviderCaller
    _carriers: Carriers
    _settings: FulfilmentSettings
    _repository: ShipmentRepository
    _public_url: str | None

    async def shipment(self, shipment_id: UUID) -> ShipmentView:
        """One shipment; raises :class:`~commercekit.fulfilment.errors.ShipmentNotFound`."""
        found = await self._repository.get(self._db, shipment_id)
        if found is None:
            raise _missing()
        return found

    async def _locked(self, uow: UnitOfWork, shipment_id: UUID) -> ShipmentView:
        """The shipment, with everyone who would change it or its order waiting."""
        reference = await uow.fetchval(
            "SELECT reference FROM fulfilment_shipment WHERE id = $1", shipment_id
        )
        if reference is None:
            raise _missing()
        await uow.lock(reference)
        found = await self._repository.get(uow, shipment_id, for_update=True)
        if found is None:  # pragma: no cover - shipments are never deleted
            raise _missing()
        return found

    async def _move(
        self,
        uow: UnitOfWork,
        shipment: ShipmentView,
        status: ShipmentStatus,
        *,
        at: datetime,
    ) -> None:
        """Write a new state and tell what it means; ``at`` is when the carrier says it happened."""
        now = self._clock.now()
        left = shipment.handed_over_at is None and status is not ShipmentStatus.CANCELLED
        await self._repository.set_status(
            uow,
            shipment.id,
            status,
            handed_over_at=now if left else None,
            delivered_at=at if status is ShipmentStatus.DELIVERED else None,
        )
        if left:
            # Also when the first thing heard of is its arrival: it must have left before.
            uow.publish(
                ShipmentHandedOver(
                    shipment_id=shipment.id,
                    reference=shipment.reference,
                    lines=shipment.lines,
                    carrier=shipment.carrier,
                    carrier_name=shipment.carrier_name,
                    tracking_number=shipment.tracking_number,
                )
            )
        fact = _told(shipment, status, at)
        if fact is not None:
            uow.publish(fact)


def _told(shipment: ShipmentView, status: ShipmentStatus, at: datetime) -> ShipmentFact | None:
    shipment_id, reference, lines = shipment.id, shipment.reference, shipment.lines
    match status:
        case ShipmentStatus.DELIVERED:
            return ShipmentDelivered(
                shipment_id=shipment_id, reference=reference, lines=lines, delivered_at=at
            )
        case ShipmentStatus.FAILED:
            return ShipmentFailed(shipment_id=shipment_id, reference=reference, lines=lines)
        case ShipmentStatus.RETURNED:
            return ShipmentReturned(shipment_id=shipment_id, reference=reference, lines=lines)
        case ShipmentStatus.CANCELLED:
            return ShipmentCancelled(
                shipment_id=shipment_id,
                reference=reference,
                lines=lines,
                was_handed_over=shipment.handed_over_at is not None,
            )
        case _:
            return None


def _missing() -> ShipmentNotFound:
    message = "There is no such shipment."
    return ShipmentNotFound(message)
