"""What every use case of fulfilment needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.fulfilment.errors import ShipmentNotFound
from commercekit.fulfilment.events import (
    ShipmentCancelled,
    ShipmentDelivered,
    ShipmentFailed,
    ShipmentHandedOver,
    ShipmentReturned,
)
from commercekit.fulfilment.models import ShipmentStatus, ShipmentView
from commercekit.fulfilment.rules import lines_in, standing
from commercekit.platform.months import gone_or
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.errors import CommerceKitError
    from commercekit.fulfilment.models import FulfilmentSettings
    from commercekit.fulfilment.repository import ShipmentRepository
    from commercekit.fulfilment.service.carriers import Carriers
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.jobs import Jobs
    from commercekit.platform.providers import ProviderCaller
    from commercekit.platform.security import Reach, ReferencesWithin

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
    _references: ReferencesWithin

    async def shipment(self, shipment_id: UUID, *, reach: Reach = EVERYWHERE) -> ShipmentView:
        """One shipment.

        Raises :class:`~commercekit.fulfilment.errors.ShipmentNotFound`, beyond ``reach`` too: within it
        is what belongs to an order that is, and what one sent oneself.
        """
        found = await self._repository.get(self._db, shipment_id)
        if found is None:
            raise await self._missing(shipment_id)
        if not reach.is_own(found.created_by) and not await self._references.references_within(
            [found.reference], reach
        ):
            raise _not_there()
        return found

    async def _locked(self, uow: UnitOfWork, shipment_id: UUID) -> ShipmentView:
        """The shipment, with everyone who would change it or its order waiting."""
        reference = await uow.fetchval(
            "SELECT reference FROM fulfilment_shipment WHERE id = $1", shipment_id
        )
        if reference is None:
            raise await self._missing(shipment_id)
        await uow.lock(reference)
        found = await self._repository.get(uow, shipment_id, for_update=True)
        if found is None:  # pragma: no cover - its month went between the two statements
            raise await self._missing(shipment_id)
        return found

    async def _missing(self, shipment_id: UUID) -> CommerceKitError:
        return await gone_or(self._db, "The shipment", shipment_id, _not_there())

    async def _advance(
        self,
        uow: UnitOfWork,
        shipment: ShipmentView,
        parcels: Mapping[int, ShipmentStatus],
        *,
        at: datetime,
    ) -> ShipmentStatus:
        """Write where ``parcels`` are now and what follows for the shipment, and tell what it means.

        ``at`` is when the carrier says it happened. Gives the state of the shipment.
        """
        now = self._clock.now()
        status = standing({**_statuses(shipment), **parcels}.values())
        left = shipment.handed_over_at is None and status not in (
            ShipmentStatus.CREATED,
            ShipmentStatus.CANCELLED,
        )
        delivered = _in_state(parcels, ShipmentStatus.DELIVERED)
        await self._repository.set_parcels(uow, shipment.id, parcels, at if delivered else None)
        await self._repository.set_status(
            uow,
            shipment.id,
            status,
            handed_over_at=now if left else None,
            delivered_at=at if status is ShipmentStatus.DELIVERED else None,
        )
        shipment_id, reference = shipment.id, shipment.reference
        if left:
            # Also when the first thing heard of is its arrival: it must have left before.
            uow.publish(
                ShipmentHandedOver(
                    shipment_id=shipment_id,
                    reference=reference,
                    lines=shipment.lines,
                    carrier=shipment.carrier,
                    carrier_name=shipment.carrier_name,
                    tracking_number=shipment.tracking_number,
                )
            )
        if status is ShipmentStatus.CANCELLED and shipment.status is not status:
            uow.publish(
                ShipmentCancelled(
                    shipment_id=shipment_id,
                    reference=reference,
                    lines=shipment.lines,
                    was_handed_over=shipment.handed_over_at is not None,
                )
            )
        if delivered:
            uow.publish(
                ShipmentDelivered(
                    shipment_id=shipment_id,
                    reference=reference,
                    lines=lines_in(shipment, delivered),
                    parcels=delivered,
                    delivered_at=at,
                    complete=status is ShipmentStatus.DELIVERED,
                )
            )
        for end, fact in _SAD_ENDS.items():
            if ended := _in_state(parcels, end):
                uow.publish(
                    fact(
                        shipment_id=shipment_id,
                        reference=reference,
                        lines=lines_in(shipment, ended),
                        parcels=ended,
                    )
                )
        return status


_SAD_ENDS: Mapping[ShipmentStatus, type[ShipmentFailed | ShipmentReturned]] = {
    ShipmentStatus.FAILED: ShipmentFailed,
    ShipmentStatus.RETURNED: ShipmentReturned,
}


def _not_there() -> ShipmentNotFound:
    message = "There is no such shipment."
    return ShipmentNotFound(message)


def _statuses(shipment: ShipmentView) -> dict[int, ShipmentStatus]:
    return {parcel.position: parcel.status for parcel in shipment.parcels}


def _in_state(parcels: Mapping[int, ShipmentStatus], status: ShipmentStatus) -> list[int]:
    return sorted(position for position, now in parcels.items() if now is status)
