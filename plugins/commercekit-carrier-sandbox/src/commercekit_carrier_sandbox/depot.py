"""The sandbox's depot: parcels in, scans out, the shop told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

import httpx
import msgspec

from commercekit.errors import CommerceKitError, Conflict, NotFound
from commercekit.platform.jobs import JobContext, JobKind
from commercekit_carrier_sandbox import repository
from commercekit_carrier_sandbox.models import Parcel, ParcelView, Push, PushJob
from commercekit_carrier_sandbox.scripts import SCRIPTS, SILENT
from commercekit_carrier_sandbox.settings import Settings
from commercekit_carrier_sandbox.signing import HEADER, sign

if TYPE_CHECKING:
    from commercekit.platform.plugins import PluginContext

__all__ = ["PUSH_JOB", "Depot", "NotTaken", "parcel_ids", "tracking_number"]

PUSH_JOB = "carrier-sandbox.push"
_HEAD_START = timedelta(seconds=5)
"""The one who moves the script tells the shop itself; the job is for when it was not taken."""


class NotTaken(Exception):
    """The shop did not take the notification."""


class Depot:
    """Moves scripts and tells the shop, signed, until it listens."""

    def __init__(self, ctx: PluginContext) -> None:
        self.ctx = ctx

    def keys(self, account: str) -> list[bytes]:
        """The keys of an account, the one that signs first."""
        settings = self.ctx.section(Settings)
        given = [
            f"{secret.reveal()}|{account}".encode()
            for secret in (settings.secret, settings.previous_secret)
            if secret is not None
        ]
        if settings.secret is not None:
            return given
        return [self.ctx.sealer.derived_key(f"carrier-sandbox notifications {account}"), *given]

    def job_kinds(self) -> list[JobKind]:
        """What the job runner needs to know."""
        return [JobKind(PUSH_JOB, self._push_job, payload=PushJob)]

    async def view(self, number: str) -> ParcelView:
        """What anybody who knows the number may see."""
        return _view(await self._parcel(number))

    async def advance(self, number: str) -> ParcelView:
        """Let the next thing of the script happen, and tell the shop of it.

        Raises :class:`~commercekit.errors.Conflict` at the end of the script.
        """
        async with self.ctx.db.unit_of_work() as uow:
            parcel = await repository.by_number(uow, number, for_update=True)
            if parcel is None:
                raise _unknown()
            steps, position = SCRIPTS[parcel.script], len(parcel.scans)
            if parcel.cancelled or position >= len(steps):
                message = "Nothing more happens to this parcel."
                raise Conflict(message, step=position, steps=len(steps))
            await repository.add_scan(uow, parcel, position, steps[position], self.ctx.clock.now())
            job = PushJob(parcel.id, position)
            silent = parcel.script == SILENT
            if not silent:
                await self.ctx.enqueue(
                    uow, PUSH_JOB, job, due_at=self.ctx.clock.now() + _HEAD_START
                )
        pushed = None if silent else await self._try_now(job)
        return _view(await self._parcel(number), pushed=pushed)

    async def push(self, job: PushJob) -> None:
        """Post one scan; the signature is made afresh, the ids stay.

        Raises :class:`NotTaken` for every answer but 2xx.
        """
        parcel = await repository.by_id(self.ctx.db, job.parcel_id)
        if parcel is None or job.position >= len(parcel.scans):
            return
        scan = parcel.scans[job.position]
        ended = job.position + 1 == len(SCRIPTS[parcel.script])
        body = msgspec.json.encode(Push(id=scan.id, scans=[scan], ended=ended))
        for _ in range(2 if parcel.script == "duplicate" else 1):
            await self._post(parcel, body)

    async def _post(self, parcel: Parcel, body: bytes) -> None:
        url = parcel.notify_url or self.ctx.webhook_url("carriers", "sandbox", parcel.account)
        signature = sign(self.keys(parcel.account)[0], body, self.ctx.clock.now())
        headers = {"content-type": "application/json", HEADER: signature}
        try:
            answer = await self.ctx.http.post(url, content=body, headers=headers, timeout=5.0)
        except (httpx.HTTPError, CommerceKitError) as error:
            message = f"{url}: {type(error).__name__} {error}"
            raise NotTaken(message) from error
        if not answer.is_success:
            message = f"{url} answered {answer.status_code}"
            raise NotTaken(message)

    async def _try_now(self, job: PushJob) -> bool:
        try:
            await self.push(job)
        except NotTaken as error:
            self.ctx.log.info("notification-not-taken", error=str(error))
            return False
        return True

    async def _push_job(self, context: JobContext) -> None:
        await self.push(context.payload)

    async def _parcel(self, number: str) -> Parcel:
        parcel = await repository.by_number(self.ctx.db, number)
        if parcel is None:
            raise _unknown()
        return parcel


def parcel_ids(booking_id: UUID, count: int) -> list[UUID]:
    """The same for the same booking: the first parcel bears its id, the others ids made of it."""
    others = [uuid5(booking_id, str(position)) for position in range(2, count + 1)]
    return [booking_id, *others]


def tracking_number(parcel_id: UUID) -> str:
    """The same for the same parcel, so that booking twice books once."""
    return f"SB{parcel_id.hex[16:].upper()}"


def _view(parcel: Parcel, *, pushed: bool | None = None) -> ParcelView:
    steps = len(SCRIPTS[parcel.script])
    return ParcelView(
        number=parcel.number,
        script=parcel.script,
        service=parcel.service,
        cancelled=parcel.cancelled,
        step=len(parcel.scans),
        steps=steps,
        ended=parcel.cancelled or len(parcel.scans) == steps,
        pushed=pushed,
        scans=parcel.scans,
    )


def _unknown() -> NotFound:
    message = "The sandbox has no such parcel."
    return NotFound(message)
