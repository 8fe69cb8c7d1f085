"""Telling the shop over HTTP, signed, until it takes it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import httpx

from commercekit.errors import CommerceKitError
from commercekit.platform.jobs import JobContext, JobKind
from commercekit_payment_sandbox import repository
from commercekit_payment_sandbox.bank import DELIVER, SETTLE, Bank
from commercekit_payment_sandbox.disputes import Disputes
from commercekit_payment_sandbox.models import Deliver, Settle
from commercekit_payment_sandbox.refunds import Refunds
from commercekit_payment_sandbox.signing import HEADER, sign

if TYPE_CHECKING:
    from commercekit.platform.plugins import PluginContext

__all__ = ["Courier", "NotTaken"]

_TOO_OLD = timedelta(minutes=6)
_BACKOFF = (1, 2, 5, 15, 60, 300, 900, 3600)


class NotTaken(Exception):
    """The shop did not take the notification; the job runner sends it again later."""


class Courier:
    """Delivers notifications and lets settled things happen, as jobs."""

    def __init__(self, ctx: PluginContext, bank: Bank) -> None:
        self._ctx = ctx
        self._bank = bank
        self._refunds = Refunds(bank)
        self._disputes = Disputes(bank)

    def job_kinds(self) -> list[JobKind]:
        """What the job runner needs to know."""

        async def deliver(job: JobContext) -> None:
            await self.deliver(job.payload.notification_id, attempt=job.attempt)

        async def settle(job: JobContext) -> None:
            if job.payload.dispute is not None:
                await self._disputes.settle(job.payload)
            elif job.payload.refund_id is None:
                await self._bank.settle(job.payload)
            else:
                await self._refunds.settle(job.payload)

        return [
            JobKind(DELIVER, deliver, payload=Deliver, max_attempts=8, backoff=_wait),
            JobKind(SETTLE, settle, payload=Settle),
        ]

    async def deliver(self, notification_id: UUID, *, attempt: int = 1) -> None:
        """Post one notification; every try is signed afresh, its event id stays.

        Raises :class:`NotTaken` for every answer but 2xx, redirects included.
        """
        due = await repository.notification(self._ctx.db, notification_id)
        if due is None:
            return
        now = self._ctx.clock.now()
        at = now - _TOO_OLD if due.stale_first and attempt == 1 else now
        key = self._bank.keys("notify", due.account)[0]
        headers = {"content-type": "application/json", HEADER: sign(key, due.body, at)}
        try:
            answer = await self._ctx.http.post(
                due.url, content=due.body, headers=headers, timeout=5.0
            )
        except (httpx.HTTPError, CommerceKitError) as error:
            message = f"{due.url}: {type(error).__name__} {error}"
            raise NotTaken(message) from error
        if not answer.is_success:
            message = f"{due.url} answered {answer.status_code}"
            raise NotTaken(message)
        await repository.delivered(self._ctx.db, notification_id, now)

    async def try_now(self, notification_id: UUID) -> None:
        """Deliver at once if the shop takes it; the job does it otherwise."""
        try:
            await self.deliver(notification_id, attempt=2)
        except NotTaken as error:
            self._ctx.log.info("notification-not-taken", error=str(error))


def _wait(attempt: int) -> timedelta:
    return timedelta(seconds=_BACKOFF[min(attempt, len(_BACKOFF)) - 1])
