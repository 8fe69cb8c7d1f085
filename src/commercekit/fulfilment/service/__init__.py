"""The use cases of fulfilment, a file per verb."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

from commercekit.fulfilment.models import (
    FulfilmentSettings,
    ShipmentFilter,
    ShipmentSummary,
    ShipmentView,
)
from commercekit.fulfilment.providers import TRACKING_URL
from commercekit.fulfilment.repository import ShipmentRepository
from commercekit.fulfilment.service.carriers import CarrierAccount, Carriers, ContextFactory
from commercekit.fulfilment.service.come_back import ComingBack
from commercekit.fulfilment.service.pack import BOOK_JOB, ShipmentJob
from commercekit.fulfilment.service.quote import Quoting
from commercekit.fulfilment.service.send import CALL_BACK_JOB, POLL_JOB, SUBSCRIBE_JOB
from commercekit.platform.jobs import JobKind, Schedule
from commercekit.platform.security import EVERYWHERE, NothingReached, narrowed_page

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from commercekit.fulfilment.providers import TrackingNo
    from commercekit.kernel import Clock, Page, PageRequest
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.jobs import Jobs
    from commercekit.platform.providers import ProviderCaller
    from commercekit.platform.security import Reach, ReferencesWithin, Sealer

_logger = logging.getLogger("commercekit.fulfilment")

__all__ = ["CarrierAccount", "Carriers", "ContextFactory", "FulfilmentService"]


class FulfilmentService(Quoting, ComingBack):
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
        self._settings = settings or FulfilmentSettings()
        self._repository = ShipmentRepository(sealer, self._follow_url)
        self._public_url = public_url
        self._references = NothingReached()

    async def shipments(self, uow: UnitOfWork | None, reference: str) -> list[ShipmentView]:
        """Every shipment of a reference, oldest first, cancelled ones too."""
        return await self._repository.by_reference(uow or self._db, reference)

    def know_references(self, known: ReferencesWithin) -> None:
        """Whom to ask what a reference is, for staff who are limited; until then they reach nothing."""
        self._references = known

    async def page(
        self,
        request: PageRequest,
        wanted: ShipmentFilter | None = None,
        *,
        reach: Reach = EVERYWHERE,
    ) -> Page[ShipmentSummary]:
        """Shipments within ``reach``, newest first."""

        async def read(limit: int, before: UUID | None) -> list[ShipmentSummary]:
            return await self._repository.page(
                self._db, wanted or ShipmentFilter(), limit=limit, before=before
            )

        return await narrowed_page(
            request, read, reach, self._references, maker=lambda each: each.created_by
        )

    async def sent_with(self, carriers: Collection[str]) -> int:
        """How many shipments were made with these carriers."""
        return await self._repository.count_of(self._db, carriers)

    def _follow_url(
        self, carrier: str, account: str, carrier_name: str, number: TrackingNo
    ) -> str | None:
        links = self._settings.tracking_links
        link = links.get(carrier) or links.get(carrier_name)
        if link is not None:
            return link.replace("{number}", quote(number.number, safe=""))
        entry = self._carriers.find(carrier, account)
        if entry is None:
            return None
        url = self._caller.call_sync(
            TRACKING_URL,
            carrier,
            lambda: entry.carrier.tracking_url(entry.context, number),
            instead=None,
        )
        # Shoppers click on it, so nothing but an address of the web may stand there.
        return url if url is None or url.startswith(("https://", "http://")) else None

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
