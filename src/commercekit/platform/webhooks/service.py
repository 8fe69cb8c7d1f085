"""What people do with webhooks: set them up, turn their keys, look at what was sent, send again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from commercekit.errors import FieldError
from commercekit.kernel import DomainEvent, Page, PageRequest, new_id
from commercekit.platform.http import PreconditionFailed, UrlNotAllowed, check_reach, etag_of
from commercekit.platform.security import EVERYWHERE, AuditEntry, SignatureScheme, SigningKey
from commercekit.platform.webhooks import rules
from commercekit.platform.webhooks.deliveries import Deliveries
from commercekit.platform.webhooks.errors import (
    EndpointDisabled,
    EndpointNotFound,
    MessageNotFound,
)
from commercekit.platform.webhooks.models import (
    DisabledReason,
    Endpoint,
    EndpointChange,
    EndpointState,
    EventType,
    IssuedEndpoint,
    MessageState,
    NewEndpoint,
    Replay,
    SecretView,
    WebhookAttempt,
    WebhookMessage,
)
from commercekit.platform.webhooks.repository import (
    EndpointRepository,
    MessageRepository,
    NewMessage,
)

if TYPE_CHECKING:
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.http import Reach as Network
    from commercekit.platform.http import Resolver
    from commercekit.platform.security import AuditPort, Principal, Reach

__all__ = ["WebhookService"]

_LATER: Final = timedelta(minutes=1)


class WebhookService:
    """Endpoints, their messages, and what became of them. Every change is written down."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        endpoints: EndpointRepository,
        deliveries: Deliveries,
        audit: AuditPort,
        reach: Network,
        facts: Mapping[str, type[DomainEvent]],
        *,
        resolve: Resolver | None = None,
    ) -> None:
        """``facts`` are all that endpoints can ask for, by their names on the wire."""
        self._db = db
        self._clock = clock
        self._endpoints = endpoints
        self._messages = MessageRepository()
        self._audit = audit
        self._reach = reach
        self._facts = facts
        self._resolve = resolve
        self.deliveries = deliveries

    # -------------------------------------------------------------------------------- endpoints

    def event_types(self) -> list[EventType]:
        """Every fact that can be asked for, by name."""
        return [
            EventType(
                type=name,
                description=(kind.__doc__ or "").strip().partition("\n")[0],
                version=kind.version,
                schema=msgspec.json.schema(kind),
            )
            for name, kind in sorted(self._facts.items())
        ]

    async def create(
        self,
        actor: Principal,
        new: NewEndpoint,
        *,
        endpoint_id: UUID | None = None,
        request_id: str = "",
    ) -> IssuedEndpoint:
        """Add an endpoint; its secret is in the result and nowhere else.

        Doing it again with the same ``endpoint_id`` gives the same endpoint a new secret: the answer with
        the first one was lost. Raises :class:`~commercekit.platform.http.UrlNotAllowed`,
        :class:`~commercekit.platform.webhooks.UnknownEventType` and
        :class:`~commercekit.platform.webhooks.HeaderNotAllowed`.
        """
        events = rules.check_events(new.events, self._facts)
        headers = rules.check_headers(new.headers)
        await self._check_url(new.url)
        now = self._clock.now()
        endpoint = Endpoint(
            id=endpoint_id or new_id(),
            url=new.url,
            description=new.description,
            events=events,
            signature=new.signature,
            state=EndpointState.ENABLED,
            disabled_reason=None,
            disabled_at=None,
            header_names=sorted(headers),
            failing_since=None,
            failures=0,
            rests_until=None,
            delivered_at=None,
            created_by=actor.id,
            created_at=now,
            updated_at=now,
            version=1,
        )
        key = SigningKey.new(new.signature)
        async with self._db.unit_of_work() as uow:
            if await self._endpoints.insert(uow, endpoint, headers):
                details = {"url": new.url, "events": " ".join(events)}
                await self._note(uow, actor, "create", endpoint.id, request_id, details)
            # The first secret bears the endpoint's id, so that it can be replaced when it was lost.
            await self._endpoints.forget_secret(uow, endpoint.id)
            await self._endpoints.add_secret(uow, endpoint.id, endpoint.id, key)
            await self.deliveries.listen(uow)
        return _issued(endpoint, key)

    async def page(self, page: PageRequest, *, reach: Reach = EVERYWHERE) -> Page[Endpoint]:
        """Endpoints, newest first; only those that one added oneself if ``reach`` ends there."""
        return await self._endpoints.page(self._db, page, reach.maker)

    async def get(self, endpoint_id: UUID, *, reach: Reach = EVERYWHERE) -> Endpoint:
        """One endpoint; raises :class:`~commercekit.platform.webhooks.EndpointNotFound`.

        One that somebody else added is not there for whoever is limited to their own records.
        """
        found = await self._endpoints.find(self._db, endpoint_id)
        return _there(found if found is not None and reach.is_own(found.created_by) else None)

    async def secrets(self, endpoint_id: UUID) -> list[SecretView]:
        """What its messages are signed with now, newest first."""
        await self.get(endpoint_id)
        return await self._endpoints.secrets(self._db, endpoint_id, self._clock.now())

    async def change(
        self,
        actor: Principal,
        endpoint_id: UUID,
        change: EndpointChange,
        *,
        expected: int,
        request_id: str = "",
    ) -> Endpoint:
        """Change what is not ``None``; messages that wait go to the new address."""
        events = None if change.events is None else rules.check_events(change.events, self._facts)
        headers = None if change.headers is None else rules.check_headers(change.headers)
        if change.url is not None:
            await self._check_url(change.url)
        async with self._db.unit_of_work() as uow:
            current = await self._locked(uow, endpoint_id, expected)
            changed = msgspec.structs.replace(
                current,
                url=current.url if change.url is None else change.url,
                events=current.events if events is None else events,
                description=(
                    current.description if change.description is None else change.description
                ),
            )
            await self._endpoints.update(uow, changed, headers)
            await self.deliveries.listen(uow)
            details = {"url": changed.url, "events": " ".join(changed.events)}
            await self._note(uow, actor, "change", endpoint_id, request_id, details)
            return _there(await self._endpoints.find(uow, endpoint_id))

    async def delete(
        self, actor: Principal, endpoint_id: UUID, *, expected: int, request_id: str = ""
    ) -> None:
        """Remove it with its messages; what was under way may still arrive."""
        async with self._db.unit_of_work() as uow:
            current = await self._locked(uow, endpoint_id, expected)
            await self._endpoints.delete(uow, endpoint_id)
            await self.deliveries.listen(uow)
            await self._note(uow, actor, "delete", endpoint_id, request_id, {"url": current.url})

    async def rotate(
        self,
        actor: Principal,
        endpoint_id: UUID,
        *,
        overlap: timedelta = timedelta(hours=24),
        signature: SignatureScheme | None = None,
        secret_id: UUID | None = None,
        request_id: str = "",
    ) -> IssuedEndpoint:
        """Give it a new secret; for ``overlap`` messages are signed with both.

        Without overlap the old one ends at once: for one that somebody else has seen. ``signature``
        changes the scheme. With the same ``secret_id`` a lost answer is given anew.
        """
        async with self._db.unit_of_work() as uow:
            current = await self._locked(uow, endpoint_id)
            key = SigningKey.new(signature or current.signature)
            new = secret_id or new_id()
            again = await self._endpoints.forget_secret(uow, new)
            if not again:
                await self._endpoints.end_secrets(uow, endpoint_id, self._clock.now() + overlap)
            await self._endpoints.add_secret(uow, new, endpoint_id, key)
            details = {
                "signature": key.scheme.value,
                "overlap_seconds": int(overlap.total_seconds()),
            }
            await self._note(uow, actor, "rotate", endpoint_id, request_id, details)
            return _issued(_there(await self._endpoints.find(uow, endpoint_id)), key)

    async def enable(
        self, actor: Principal, endpoint_id: UUID, *, request_id: str = ""
    ) -> Endpoint:
        """Send again, beginning with what waits, now; one that is enabled stays as it is."""
        async with self._db.unit_of_work() as uow:
            current = await self._locked(uow, endpoint_id)
            if current.state is EndpointState.DISABLED:
                await self._endpoints.enable(uow, endpoint_id)
                await self._messages.hasten(uow, endpoint_id)
                await self.deliveries.listen(uow)
                await self.deliveries.wake(uow)
                await self._note(uow, actor, "enable", endpoint_id, request_id)
            return _there(await self._endpoints.find(uow, endpoint_id))

    async def disable(
        self, actor: Principal, endpoint_id: UUID, *, request_id: str = ""
    ) -> Endpoint:
        """Send nothing until it is enabled; facts told meanwhile can be replayed as ``missed``."""
        async with self._db.unit_of_work() as uow:
            await self._locked(uow, endpoint_id)
            if await self.deliveries.disable(uow, endpoint_id, DisabledReason.BY_HAND):
                await self._note(uow, actor, "disable", endpoint_id, request_id)
            return _there(await self._endpoints.find(uow, endpoint_id))

    # --------------------------------------------------------------------------------- messages

    async def messages(
        self,
        endpoint_id: UUID,
        page: PageRequest,
        *,
        state: MessageState | None = None,
        type_name: str | None = None,
    ) -> Page[WebhookMessage]:
        """What was made for an endpoint, newest first."""
        await self.get(endpoint_id)
        return await self._messages.page(
            self._db, endpoint_id, page, state=state, type_name=type_name
        )

    async def message(self, endpoint_id: UUID, name: str) -> tuple[WebhookMessage, str]:
        """One message, by the id that the receiver sees, and the body that is sent."""
        found = await self._messages.find(self._db, endpoint_id, rules.message_of(name))
        if found is None:
            message = "There is no such message."
            raise MessageNotFound(message)
        return found

    async def attempts(
        self, endpoint_id: UUID, page: PageRequest, name: str | None = None
    ) -> Page[WebhookAttempt]:
        """The log of an endpoint, or of one of its messages, newest first."""
        await self.get(endpoint_id)
        message_id = None if name is None else rules.message_of(name)
        return await self._messages.attempts(self._db, endpoint_id, page, message_id)

    async def replay(
        self, actor: Principal, endpoint_id: UUID, name: str, *, request_id: str = ""
    ) -> WebhookMessage:
        """Send one message again, whatever became of it, under the same id."""
        message_id = rules.message_of(name)
        async with self._db.unit_of_work() as uow:
            await self._enabled(uow, endpoint_id)
            if not await self._messages.replay(uow, endpoint_id, message_id=message_id):
                message = "There is no such message."
                raise MessageNotFound(message)
            await self.deliveries.wake(uow)
            await self._note(uow, actor, "replay", endpoint_id, request_id, {"message": name})
        return (await self.message(endpoint_id, name))[0]

    async def replay_period(
        self,
        actor: Principal,
        endpoint_id: UUID,
        what: Replay,
        *,
        since: datetime,
        until: datetime | None = None,
        request_id: str = "",
    ) -> int:
        """Send messages again whose facts were told since then; gives how many."""
        until = until or self._clock.now() + _LATER
        async with self._db.unit_of_work() as uow:
            endpoint = await self._enabled(uow, endpoint_id)
            if what is Replay.MISSED:
                count = await self.deliveries.put_missed(uow, endpoint, since, until)
            else:
                undelivered = what is Replay.FAILED
                count = await self._messages.replay(
                    uow, endpoint_id, undelivered=undelivered, since=since, until=until
                )
                await self.deliveries.wake(uow)
            details: dict[str, Any] = {
                "what": what.value,
                "since": since.isoformat(),
                "messages": count,
            }
            await self._note(uow, actor, "replay", endpoint_id, request_id, details)
        return count

    async def test(
        self,
        actor: Principal,
        endpoint_id: UUID,
        *,
        message_id: UUID | None = None,
        request_id: str = "",
    ) -> WebhookAttempt:
        """Send a test message now, also to a disabled endpoint; gives what came of it.

        It is tried once, and a failure does not count against the endpoint.
        """
        message_id = message_id or new_id()
        now = self._clock.now()
        data = {"endpoint_id": endpoint_id, "note": "Sent by hand, to see whether it arrives."}
        async with self._db.unit_of_work() as uow:
            _there(await self._endpoints.find(uow, endpoint_id))
            made = NewMessage(
                id=message_id,
                endpoint_id=endpoint_id,
                event_id=message_id,
                type=rules.TEST_TYPE,
                occurred_at=now,
                body=rules.body_of(rules.TEST_TYPE, now, data),
                # Whoever dies here leaves it to the job.
                due_at=now + _LATER,
            )
            await self.deliveries.put(uow, [made])
            await self._note(uow, actor, "test", endpoint_id, request_id)
        target = await self._endpoints.target(self._db, endpoint_id, now)
        due = await self._messages.one_due(self._db, message_id)
        if target is None or due is None:
            message = "The endpoint was deleted."
            raise EndpointNotFound(message)
        return await self.deliveries.attempt(target, due)

    async def backlog(self) -> int:
        """How many messages wait for an enabled endpoint, for metrics."""
        return await self._messages.backlog(self._db)

    # ------------------------------------------------------------------------------------- parts

    async def _check_url(self, url: str) -> None:
        try:
            await check_reach(url, self._reach, resolve=self._resolve)
        except UrlNotAllowed as refusal:
            place = FieldError("/url", refusal.slug, refusal.detail)
            raise UrlNotAllowed(refusal.detail, errors=(place,)) from None

    async def _locked(
        self, uow: UnitOfWork, endpoint_id: UUID, expected: int | None = None
    ) -> Endpoint:
        current = _there(await self._endpoints.find(uow, endpoint_id, lock=True))
        if expected is not None and current.version != expected:
            message = "It has changed since you read it; read it again."
            raise PreconditionFailed(message, current=etag_of(current.version))
        return current

    async def _enabled(self, uow: UnitOfWork, endpoint_id: UUID) -> Endpoint:
        current = await self._locked(uow, endpoint_id)
        if current.state is EndpointState.DISABLED:
            message = "Enable the endpoint first; nothing is sent to it now."
            raise EndpointDisabled(message, reason=current.disabled_reason)
        return current

    async def _note(
        self,
        uow: UnitOfWork,
        actor: Principal,
        verb: str,
        endpoint_id: UUID,
        request_id: str,
        details: Mapping[str, str | int | bool | None] | None = None,
    ) -> None:
        await self._audit.record(
            uow,
            AuditEntry(
                actor=actor.id,
                action=f"webhooks:{verb}",
                subject=f"webhook/{endpoint_id}",
                request_id=request_id,
                details=details or {},
            ),
        )


def _there(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        message = "There is no such endpoint."
        raise EndpointNotFound(message)
    return endpoint


def _issued(endpoint: Endpoint, key: SigningKey) -> IssuedEndpoint:
    return IssuedEndpoint(
        endpoint=endpoint,
        secret=rules.secret_text(key),
        public_key=rules.public_text(key.public),
    )
