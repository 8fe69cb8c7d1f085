"""From facts to messages, and from messages to the other side, as often as it takes.

A message is written in the unit of work that takes the fact in, once for each endpoint that asks for it.
One job carries them, to all endpoints at once and to each a few at a time, so that a slow endpoint
delays nobody but itself. An attempt is sent first and recorded afterwards: whoever dies between the two
has it sent again, under the same id, and never not at all.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from commercekit.kernel import DomainEvent, new_id
from commercekit.platform.bus import EventMeta, ask_for, told
from commercekit.platform.failpoints import failpoint
from commercekit.platform.http import PostFailed, post
from commercekit.platform.security import redact
from commercekit.platform.webhooks import rules
from commercekit.platform.webhooks.events import WebhookEndpointDisabled
from commercekit.platform.webhooks.models import (
    DisabledReason,
    Due,
    Endpoint,
    EndpointState,
    MessageState,
    Target,
    WebhookAttempt,
)
from commercekit.platform.webhooks.repository import (
    EndpointRepository,
    MessageRepository,
    NewMessage,
)

if TYPE_CHECKING:
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.http import OutboundClient
    from commercekit.platform.jobs import JobContext, Jobs
    from commercekit.platform.webhooks.settings import WebhookSettings

__all__ = ["CONSUMER", "DELIVER_JOB", "Deliveries", "Notice"]

_log = structlog.get_logger("commercekit.webhooks")

CONSUMER: Final = "webhooks.messages"
DELIVER_JOB: Final = "webhooks.deliver"
_ONE: Final = "all"
_RUN: Final = 60.0
"""Seconds after which a run begins nothing new, so that another process may go on."""
_SLICE: Final = 15.0
"""Seconds after which an endpoint with much to be sent gives way to the next."""
_CONNECTIONS: Final = 2
_LOOK: Final = 0.5
"""Seconds until a run looks for endpoints that have something to be sent by now."""
_GONE: Final = 410
_SHOWN: Final = 500

Notice = Callable[["UnitOfWork", Endpoint], Awaitable[None]]
"""Tells a person that an endpoint was disabled, with the change itself."""


class Deliveries:
    """Makes messages and sends them."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        jobs: Jobs,
        http: OutboundClient,
        endpoints: EndpointRepository,
        facts: Mapping[str, type[DomainEvent]],
        settings: WebhookSettings,
        *,
        notice: Notice | None = None,
        jitter: Callable[[], float] = lambda: random.uniform(0.9, 1.1),
    ) -> None:
        self._db = db
        self._clock = clock
        self._jobs = jobs
        self._http = http
        self._endpoints = endpoints
        self._messages = MessageRepository()
        self._facts = facts
        self._settings = settings
        self._notice = notice
        self._jitter = jitter
        # However many endpoints are served, shoppers find connections to the database.
        self._few = asyncio.Semaphore(_CONNECTIONS)

    # --------------------------------------------------------------------------------- messages

    async def take_in(self, uow: UnitOfWork, fact: DomainEvent, meta: EventMeta) -> None:
        """One message for each enabled endpoint that asks for the fact."""
        wanted = [
            endpoint_id
            for endpoint_id, patterns in await self._endpoints.listening(uow)
            if rules.matches(patterns, meta.type)
        ]
        if wanted:
            body = rules.body_of(meta.type, meta.occurred_at, fact)
            await self.put(uow, [self._message(each, meta, body) for each in wanted])

    async def put(self, uow: UnitOfWork, messages: list[NewMessage]) -> int:
        """Write messages, and have them sent; gives how many were new."""
        new = await self._messages.insert(uow, messages)
        if new:
            await self.wake(uow)
        return len(new)

    async def put_missed(
        self, uow: UnitOfWork, endpoint: Endpoint, since: datetime, until: datetime
    ) -> int:
        """Messages of facts that are still kept and that this endpoint has none of."""
        wanted = {
            name: kind for name, kind in self._facts.items() if rules.matches(endpoint.events, name)
        }
        found = await told(uow, wanted, since, until)
        messages = [
            self._message(endpoint.id, meta, rules.body_of(meta.type, meta.occurred_at, fact))
            for fact, meta in found
        ]
        return await self.put(uow, messages) if messages else 0

    async def wake(self, uow: UnitOfWork, at: datetime | None = None) -> None:
        """Have somebody send what is due, now or at a time."""
        await self._jobs.enqueue(uow, DELIVER_JOB, due_at=at, unique_key=_ONE)

    async def listen(self, uow: UnitOfWork) -> None:
        """Hear exactly the facts that enabled endpoints ask for: none at all where there are none."""
        # One at a time, so that each sees what the one before has asked for.
        await uow.lock("webhooks.listen")
        patterns = {
            pattern for _, events in await self._endpoints.listening(uow) for pattern in events
        }
        wanted = [kind for name, kind in self._facts.items() if rules.matches(patterns, name)]
        await ask_for(uow, CONSUMER, wanted)

    async def look_after(self) -> None:
        """Put right what a cancelled job would leave lying, and what an upgrade brought anew."""
        async with self._db.unit_of_work() as uow:
            await self.listen(uow)
            at = await self._messages.next_due(uow)
            if at is not None:
                await self.wake(uow, at)

    def _message(self, endpoint_id: UUID, meta: EventMeta, body: str) -> NewMessage:
        return NewMessage(
            id=new_id(),
            endpoint_id=endpoint_id,
            event_id=meta.id,
            type=meta.type,
            occurred_at=meta.occurred_at,
            body=body,
            due_at=self._clock.now(),
        )

    # ---------------------------------------------------------------------------------- sending

    async def deliver(self, context: JobContext) -> None:
        """The job: serve whoever something is due for, all of them at the same time.

        One run serves all endpoints, each by a task of its own and a few messages at a time, and goes
        on finding more while they are at it. There is one such run at a time in all the shop. One that
        is cancelled begins nothing new; to hold everything back, pause the kind of job.
        """
        until = time.monotonic() + _RUN
        tasks: dict[UUID, asyncio.Task[None]] = {}
        failure: BaseException | None = None
        try:
            while True:
                room = self._settings.endpoints_at_once - len(tasks)
                if (
                    failure is None
                    and not context.is_cancelled
                    and time.monotonic() < until
                    and room
                ):
                    due = await self._messages.due_endpoints(
                        self._db, self._clock.now(), list(tasks), room
                    )
                    for endpoint_id in due:
                        tasks[endpoint_id] = asyncio.create_task(self._serve(endpoint_id))
                if not tasks:
                    break
                done, _ = await asyncio.wait(
                    tasks.values(), timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    failure = failure or task.exception()
                tasks = {key: task for key, task in tasks.items() if task not in done}
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
        if failure is not None:
            raise failure
        async with self._db.unit_of_work() as uow:
            at = await self._messages.next_due(uow)
            if at is not None:
                await self.wake(uow, at)

    async def _serve(self, endpoint_id: UUID) -> None:
        until = time.monotonic() + _SLICE
        while time.monotonic() < until:
            target, due = await self._looked_up(endpoint_id)
            if target is None or not due:
                return
            # Each records itself; one that cannot must not keep the others from being recorded.
            done = await asyncio.gather(
                *(self.attempt(target, message) for message in due), return_exceptions=True
            )
            for outcome in done:
                if isinstance(outcome, BaseException):
                    raise outcome

    async def _looked_up(self, endpoint_id: UUID) -> tuple[Target | None, list[Due]]:
        now = self._clock.now()
        async with self._few:
            target = await self._endpoints.target(self._db, endpoint_id, now)
            if (
                target is None
                or target.state is EndpointState.DISABLED
                or (target.rests_until is not None and target.rests_until > now)
            ):
                return None, []
            most = self._settings.per_endpoint
            return target, await self._messages.due(self._db, endpoint_id, now, most)

    async def attempt(self, target: Target, message: Due) -> WebhookAttempt:
        """Send once, and record what came of it."""
        at = self._clock.now()
        signed = rules.headers_for(message.id, at, message.body, target.keys)
        began = time.perf_counter()
        status: int | None = None
        error: str | None = None
        answer, wait = "", None
        try:
            answered = await post(
                self._http,
                target.url,
                content=message.body.encode(),
                headers={
                    **target.headers,
                    "Content-Type": "application/json",
                    "User-Agent": "CommerceKit-Webhooks",
                    **signed,
                },
                seconds=self._settings.timeout.total_seconds(),
            )
        except PostFailed as failure:
            error = f"{failure.code}: {failure}"
        else:
            status = answered.status
            answer = _readable(answered.body)
            wait = answered.headers.get("retry-after")
        took = round((time.perf_counter() - began) * 1000)
        # Sent and not recorded: whoever dies here has it sent again.
        failpoint("webhooks.attempted")
        attempt = WebhookAttempt(
            id=new_id(),
            message_id=rules.message_name(message.id),
            number=message.tries + 1,
            at=at,
            duration_ms=took,
            status=status,
            error=error,
            answer=answer,
        )

        async def record(uow: UnitOfWork) -> None:
            await self._record(uow, target, message, attempt, wait)

        async with self._few:
            await self._db.run(record)
        return attempt

    async def _record(
        self,
        uow: UnitOfWork,
        target: Target,
        message: Due,
        attempt: WebhookAttempt,
        wait: str | None,
    ) -> None:
        now = self._clock.now()
        went_well = attempt.status is not None and 200 <= attempt.status < 300
        is_test = message.type == rules.TEST_TYPE
        state, due_at = MessageState.DELIVERED, None
        # The endpoint before its messages: everybody locks in this order.
        if went_well:
            await self._endpoints.went_well(uow, target.id)
        else:
            rests = rules.retry_after(wait, now)
            due_at = None
            if not is_test:
                await self._went_wrong(uow, target.id, attempt, rests)
                due_at = rules.retry_at(
                    self._settings.retries, message.attempts + 1, now, jitter=self._jitter()
                )
            if due_at is not None and rests is not None:
                due_at = max(due_at, rests)
            state = MessageState.FAILED if due_at is None else MessageState.WAITING
        await self._messages.log(uow, message, attempt)
        await self._messages.record(uow, message, attempt, state, due_at)

    async def _went_wrong(
        self, uow: UnitOfWork, endpoint_id: UUID, attempt: WebhookAttempt, rests: datetime | None
    ) -> None:
        health = await self._endpoints.went_wrong(uow, endpoint_id, rests)
        if health is None or health.state is EndpointState.DISABLED:
            return
        if attempt.status == _GONE:
            await self.disable(uow, endpoint_id, DisabledReason.GONE)
        elif rules.is_hopeless(
            health.failing_since,
            health.failures,
            self._clock.now(),
            after=self._settings.disable_after,
            attempts=self._settings.disable_attempts,
        ):
            await self.disable(uow, endpoint_id, DisabledReason.FAILING)

    async def disable(self, uow: UnitOfWork, endpoint_id: UUID, reason: DisabledReason) -> bool:
        """Send nothing any more, and tell; what waits goes on waiting. ``False`` if that is so already."""
        if not await self._endpoints.disable(uow, endpoint_id, reason):
            return False
        endpoint = await self._endpoints.find(uow, endpoint_id)
        if endpoint is None:
            return False
        await self.listen(uow)
        uow.publish(
            WebhookEndpointDisabled(
                endpoint_id=endpoint_id, reason=reason.value, failures=endpoint.failures
            )
        )
        if reason is not DisabledReason.BY_HAND:
            _log.warning("endpoint-disabled", endpoint=str(endpoint_id), reason=reason.value)
            if self._notice is not None:
                await self._notice(uow, endpoint)
        return True

    # ------------------------------------------------------------------------------------ upkeep

    async def prune(self) -> None:
        """Delete what is older than the settings keep, batch by batch, and keys that have ended."""
        before = self._clock.now() - self._settings.keep
        while True:
            async with self._db.unit_of_work() as uow:
                gone = await self._messages.prune(uow, before)
            if not gone:
                break
        async with self._db.unit_of_work() as uow:
            await self._endpoints.prune_secrets(uow, self._clock.now() - timedelta(days=1))


def _readable(body: bytes) -> str:
    text = body.decode("utf-8", "replace").replace("\x00", "")
    return redact(text)[:_SHOWN]
