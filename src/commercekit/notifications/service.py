"""Queue messages with the change they tell of; carry them later, outside of any transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from msgspec import Struct

from commercekit.kernel import new_id
from commercekit.notifications.errors import NotifierUnknown
from commercekit.notifications.models import MessageState, NotificationSettings, RouteSettings
from commercekit.notifications.providers import (
    PARSE,
    SEND,
    Channel,
    Message,
    Notifier,
    Outcome,
)
from commercekit.notifications.repository import MessageRepository, Opened
from commercekit.notifications.rules import Texts
from commercekit.platform.jobs import JobKind, Priority, Schedule
from commercekit.platform.providers import (
    Ack,
    ProviderConfigError,
    ProviderContext,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    RawRequest,
)
from commercekit.platform.settings import Section, SettingProblem, SettingsError

if TYPE_CHECKING:
    from commercekit.kernel import Clock, Page, PageRequest
    from commercekit.notifications.models import MessageView
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.jobs import JobContext, Jobs
    from commercekit.platform.providers import ProviderCaller
    from commercekit.platform.security import Sealer

__all__ = ["ContextFactory", "DeliverMessage", "NotificationService"]

_log = structlog.get_logger("commercekit.notifications")

_DELIVER_JOB = "notifications.deliver"
_PRUNE_JOB = "notifications.prune"
_STATES = {Outcome.SENT: MessageState.SENT, Outcome.ACCEPTED: MessageState.ACCEPTED}

ContextFactory = Callable[[str, str, Struct], ProviderContext]
"""Makes the context of (notifier code, account, its decoded settings)."""


class DeliverMessage(Struct, frozen=True):
    """Which message a job carries."""

    message_id: UUID


@dataclass(frozen=True, slots=True)
class _Account:
    notifier: Notifier
    context: ProviderContext


class NotificationService:
    """Writes to people, each thing once."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        jobs: Jobs,
        caller: ProviderCaller,
        notifiers: Mapping[str, Notifier],
        sealer: Sealer,
        settings: NotificationSettings,
        make_context: ContextFactory,
    ) -> None:
        """Raises :class:`~commercekit.platform.settings.SettingsError` with everything wrong at once."""
        self._db = db
        self._clock = clock
        self._jobs = jobs
        self._caller = caller
        self._settings = settings
        self._repository = MessageRepository(sealer)
        self._texts = Texts(shop_name=settings.shop_name, folder=settings.templates)
        self._accounts = _accounts(notifiers, settings, make_context)
        self._routes = _routes(self._accounts, settings)

    async def send(
        self,
        uow: UnitOfWork,
        *,
        template: str,
        to: str,
        locale: str,
        params: Mapping[str, Any],
        dedupe_key: str,
        channel: Channel = Channel.EMAIL,
    ) -> UUID | None:
        """Queue a message with ``uow``; gives its id, ``None`` when ``dedupe_key`` was used before.

        ``to`` and ``params`` are sealed where they lie. Amounts in ``params`` are ``Money``, which the
        text writes as the reader's language does. Raises
        :class:`~commercekit.notifications.errors.TemplateUnknown` for a template without text.
        """
        self._texts.check(template)
        message = Opened(
            id=new_id(),
            dedupe_key=dedupe_key,
            channel=channel,
            template=template,
            locale=locale,
            to=to,
            params=dict(params),
            state=MessageState.QUEUED,
        )
        if not await self._repository.insert(uow, message, self._clock.now()):
            return None
        await self._jobs.enqueue(uow, _DELIVER_JOB, DeliverMessage(message.id))
        return message.id

    def carries(self, channel: Channel) -> bool:
        """Whether there is somebody who carries messages of this channel."""
        return channel in self._routes

    async def send_now(
        self,
        *,
        template: str,
        to: str,
        locale: str,
        params: Mapping[str, Any],
        channel: Channel,
    ) -> Outcome:
        """Hand a message over at once, and keep nothing of it: for what is worth something in clear.

        Nothing is tried again. Raises what the notifier raises, and
        :class:`~commercekit.platform.providers.ProviderUnavailable` where nobody carries the channel.
        """
        account = self._routes.get(channel)
        if account is None:
            raise ProviderUnavailable(detail=f"nobody carries messages by {channel}")
        identifier = new_id()
        ready = self._rendered(
            Opened(
                id=identifier,
                dedupe_key=identifier.hex,
                channel=channel,
                template=template,
                locale=locale,
                to=to,
                params=dict(params),
                state=MessageState.QUEUED,
            )
        )
        return await self._caller.call(
            SEND, account.notifier.code, lambda: account.notifier.send(account.context, ready)
        )

    async def deliver(self, message_id: UUID, *, is_last: bool = False) -> MessageState:
        """Carry one message; one that is through is not carried again.

        Raises what the notifier raised when trying again makes sense, unless ``is_last``.
        """
        message = await self._repository.open(self._db, message_id)
        if message is None:  # pruned, or rolled back
            return MessageState.FAILED
        if message.state is not MessageState.QUEUED:
            return message.state
        account = self._routes.get(message.channel)
        if account is None:
            _log.warning("nobody-carries-messages", channel=message.channel)
            return await self._record(message_id, MessageState.FAILED, None, "no-notifier")
        code = account.notifier.code
        ready = self._rendered(message)
        try:
            outcome = await self._caller.call(
                SEND, code, lambda: account.notifier.send(account.context, ready)
            )
        except (ProviderRejected, ProviderConfigError) as refusal:
            reason = refusal.code if isinstance(refusal, ProviderRejected) else refusal.slug
            return await self._record(message_id, MessageState.REJECTED, code, reason)
        except Exception:
            if is_last:
                await self._record(message_id, MessageState.FAILED, code, "given-up")
            raise
        if outcome is Outcome.REJECTED:
            return await self._record(message_id, MessageState.REJECTED, code, "rejected")
        if outcome is Outcome.UNKNOWN:
            if is_last:
                await self._record(message_id, MessageState.FAILED, code, "unknown")
            raise ProviderUnknown(detail="nobody knows whether the message was sent")
        return await self._record(message_id, _STATES[outcome], code, None)

    async def receive_webhook(
        self, notifier: str, account: str, secret: str | None, request: RawRequest
    ) -> Ack:
        """Take in a vendor's receipts; gives what it wants to hear, after everything is written.

        A ``secret`` at the end of the address is judged by the notifier, which finds it in the path.
        Receipts of messages that are not here are passed over: they may be older than we keep.
        """
        found = self._accounts.get((notifier, account))
        if found is None:
            message = f"This shop has no account {account!r} at a notifier {notifier!r}."
            raise NotifierUnknown(message)
        news = await self._caller.call(
            PARSE, notifier, lambda: found.notifier.parse_receipt(found.context, request)
        )
        async with self._db.unit_of_work() as uow:
            for receipt in news.receipts:
                try:
                    message_id = UUID(receipt.message_id)
                except ValueError:
                    continue
                state = MessageState(receipt.state)
                await self._repository.record_receipt(
                    uow, message_id, state, receipt.code, self._clock.now()
                )
        return news.ack

    async def page(
        self, request: PageRequest, *, state: MessageState | None = None
    ) -> Page[MessageView]:
        """Messages, newest first, without what they say."""
        return await self._repository.page(self._db, request, state=state)

    async def prune(self) -> None:
        """Delete what is older than the settings keep."""
        async with self._db.unit_of_work() as uow:
            await self._repository.prune(uow, self._clock.now(), self._settings.keep)

    def job_kinds(self) -> list[JobKind]:
        """What runs in the background; app.py registers them."""
        return [
            JobKind(
                _DELIVER_JOB, self._deliver_job, payload=DeliverMessage, priority=Priority.HIGH
            ),
            JobKind(_PRUNE_JOB, self._prune_job),
        ]

    def schedules(self) -> list[Schedule]:
        """What runs periodically."""
        return [Schedule("notifications.prune", every=timedelta(days=1), job=_PRUNE_JOB)]

    async def _deliver_job(self, context: JobContext) -> None:
        job: DeliverMessage = context.payload
        await self.deliver(job.message_id, is_last=context.is_last)

    async def _prune_job(self, _context: JobContext) -> None:
        await self.prune()

    def _rendered(self, message: Opened) -> Message:
        rendered = self._texts.render(message.template, message.locale, message.params)
        return Message(
            message_id=message.id.hex,
            channel=message.channel,
            to=message.to,
            template=message.template,
            params=message.params,
            locale=message.locale,
            dedupe_key=message.dedupe_key,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html if message.channel is Channel.EMAIL else None,
        )

    async def _record(
        self, message_id: UUID, state: MessageState, notifier: str | None, code: str | None
    ) -> MessageState:
        async with self._db.unit_of_work() as uow:
            await self._repository.record(
                uow, message_id, state, self._clock.now(), notifier=notifier, failure_code=code
            )
        return state


def _accounts(
    notifiers: Mapping[str, Notifier], settings: NotificationSettings, make: ContextFactory
) -> dict[tuple[str, str], _Account]:
    accounts: dict[tuple[str, str], _Account] = {}
    problems = [
        _unknown(f"notifications.accounts.{code}", code, notifiers)
        for code in sorted(settings.accounts.keys() - set(notifiers))
    ]
    for code in sorted(notifiers):
        notifier = notifiers[code]
        named = settings.accounts.get(code, {})
        for account, section in {"default": Section(), **named}.items():
            try:
                config = section.read(notifier.config_type)
            except SettingsError as error:
                # An account that needs settings and was not named is simply not there.
                problems.extend(error.problems if account in named else [])
                continue
            accounts[code, account] = _Account(notifier, make(code, account, config))
    if problems:
        raise SettingsError(problems)
    return accounts


def _routes(
    accounts: Mapping[tuple[str, str], _Account], settings: NotificationSettings
) -> dict[Channel, _Account]:
    routes: dict[Channel, _Account] = {}
    problems = [
        SettingProblem(f"notifications.routes.{name}", f"there are {', '.join(Channel)} only")
        for name in settings.routes
        if name not in tuple(Channel)
    ]
    for channel in Channel:
        wanted: RouteSettings | None = settings.routes.get(channel)
        able = {key: each for key, each in accounts.items() if channel in each.notifier.channels}
        if wanted is None:
            default = next((each for (_, name), each in able.items() if name == "default"), None)
            if default is not None:
                routes[channel] = default
        elif (wanted.notifier, wanted.account) in able:
            routes[channel] = able[wanted.notifier, wanted.account]
        else:
            there = ", ".join(f"{code} ({account})" for code, account in able) or "none"
            problem = f"nobody of that name carries {channel}; there is: {there}"
            problems.append(SettingProblem(f"notifications.routes.{channel}", problem))
    if problems:
        raise SettingsError(problems)
    return routes


def _unknown(path: str, code: str, known: Mapping[str, Notifier]) -> SettingProblem:
    installed = ", ".join(sorted(known)) or "none"
    return SettingProblem(path, f"no notifier {code!r} is installed; installed: {installed}")
