"""The use cases of fulfilment, a file per verb."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.fulfilment.models import (
    FulfilmentSettings,
    ShipmentStatus,
    ShipmentSummary,
    ShipmentView,
)
from commercekit.fulfilment.repository import ShipmentRepository
from commercekit.fulfilment.service.carriers import CarrierAccount, Carriers, ContextFactory
from commercekit.fulfilment.service.quote import Quoting
from commercekit.fulfilment.service.send import (
    BOOK_JOB,
    CALL_BACK_JOB,
    POLL_JOB,
    SUBSCRIBE_JOB,
    ShipmentJob,
)
from commercekit.fulfilment.service.track import Tracking
from commercekit.platform.jobs import JobKind, Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.kernel import Clock, Page, PageRequest
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.jobs import Jobs
    from commercekit.platform.providers import ProviderCaller
    from commercekit.platform.security import Sealer

__all__ = ["CarrierAccount", "Carriers", "ContextFactory", "FulfilmentService"]


class FulfilmentService(Quoting, Tracking):
    """Rates, shipments, tracking. Knows a reference, never an order."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        jobs: Jobs,
        caller: ProviderCaller,
        carriers: Carriers,
        sealer: Sealer,
        settings: FulfilmentSettings | None = None,
        *,
        public_url: str | None = None,
    ) -> None:
        """``public_url`` is where carriers reach the shop; without it they are only polled."""
        self._db = db
        self._clock = clock
        self._jobs = jobs
        self._caller = caller
        self._carriers = carriers
        self._repository = ShipmentRepository(sealer)
        self._settings = settings or FulfilmentSettings()
        self._public_url = public_url

    async def shipments(self, uow: UnitOfWork | None, reference: str) -> list[ShipmentView]:
        """Every shipment of a reference, oldest first, cancelled ones too."""
        return await self._repository.by_reference(uow or self._db, reference)

    async def page(
        self,
        request: PageRequest,
        *,
        reference: str | None = None,
        status: ShipmentStatus | None = None,
    ) -> Page[ShipmentSummary]:
        """Shipments, newest first."""
        return await self._repository.page(self._db, request, reference=reference, status=status)

    def job_kinds(self) -> Sequence[JobKind]:
        """What runs in the background; app.py registers them."""
        return [
            JobKind(BOOK_JOB, self.book_job, payload=ShipmentJob, max_attempts=12),
            JobKind(CALL_BACK_JOB, self.call_back_job, payload=ShipmentJob, max_attempts=12),
            JobKind(SUBSCRIBE_JOB, self.subscribe_job, payload=ShipmentJob),
            JobKind(POLL_JOB, self.poll_job, payload=ShipmentJob, max_attempts=20),
        ]

    def schedules(self) -> Sequence[Schedule]:
        """Nothing periodic: every shipment has jobs of its own."""
        return []
