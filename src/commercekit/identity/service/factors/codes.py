"""Six digits by text message or mail: to one session, for five minutes, five tries."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from commercekit.errors import Unprocessable
from commercekit.identity.models.factors import FactorKind
from commercekit.identity.rules.factors import new_code
from commercekit.kernel import new_id
from commercekit.notifications import Channel, Outcome
from commercekit.platform.http import Throttled

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.identity.models import Account
    from commercekit.identity.repository.factors import FactorRepository, Question
    from commercekit.identity.service.guarding import LoginGuard
    from commercekit.identity.service.mailing import Mailer
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database
    from commercekit.platform.security import Sealer

__all__ = ["LIFETIME", "SENT_KINDS", "SentCodes"]

LIFETIME: Final = timedelta(minutes=5)
SENT_KINDS: Final = {FactorKind.SMS: Channel.SMS, FactorKind.EMAIL: Channel.EMAIL}
_TRIES: Final = 5
_MOST: Final = 5
_PERIOD: Final = timedelta(hours=1)


class SentCodes:
    """Sends codes straight to the notifier, never by way of a queue, and checks what comes back."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sealer: Sealer,
        repository: FactorRepository,
        guard: LoginGuard,
        mailer: Mailer,
    ) -> None:
        self._db = db
        self._clock = clock
        self._sealer = sealer
        self._repository = repository
        self._guard = guard
        self._mailer = mailer

    def can_send(self, kind: FactorKind) -> bool:
        """Whether the shop has a notifier for it."""
        return self._mailer.carries(SENT_KINDS[kind])

    async def send(
        self, account: Account, session_id: UUID, kind: FactorKind, factor_id: UUID, to: str
    ) -> None:
        """Send a code; an older one for the same session works no more.

        Raises :class:`~commercekit.platform.http.Throttled` for the sixth to one number or address within
        an hour, :class:`~commercekit.errors.Unprocessable` for one that nothing can be sent to, and
        :class:`~commercekit.platform.providers.ProviderUnavailable` when nobody carries it.
        """
        await self._guard.pass_rule("second-factor-codes", "everybody")
        now, identifier, code = self._clock.now(), new_id(), new_code()
        target = self._sealer.blind_index("identity_challenge", "target", f"{kind}|{to}")
        async with self._db.unit_of_work() as uow:
            before = await self._repository.asked_since(uow, target, now - _PERIOD)
            if len(before) >= _MOST:
                left = (before[-_MOST] + _PERIOD - now).total_seconds()
                message = "Too many codes were sent there; wait before the next one."
                raise Throttled(message, retry_after=max(1, -int(-left // 1)))
            await self._repository.put_challenge(
                uow,
                identifier,
                session_id=session_id,
                account_id=account.id,
                factor_id=factor_id,
                kind=kind,
                digest=self._digest(identifier, code),
                target=target,
                now=now,
                expires_at=now + LIFETIME,
            )
        outcome = await self._mailer.send_now(
            template="login-code",
            to=to,
            locale=account.locale,
            params={"code": code, "minutes": int(LIFETIME.total_seconds() // 60)},
            channel=SENT_KINDS[kind],
        )
        if outcome is Outcome.REJECTED:
            message = "The code could not be sent there; check the number or address."
            raise Unprocessable(message)

    async def check(self, session_id: UUID, kind: FactorKind, code: str) -> Question | None:
        """The question that ``code`` answers; the try counts, right or wrong."""
        question = await self._repository.answer(
            session_id, kind, self._clock.now(), most_tries=_TRIES
        )
        if question is None:
            return None
        digest = self._digest(question.id, code.strip())
        return question if hmac.compare_digest(digest, question.digest) else None

    def _digest(self, identifier: UUID, code: str) -> bytes:
        # Six digits are guessed in no time by whoever has the table, and not the key.
        key = self._sealer.derived_key("one-time codes")
        return hmac.digest(key, f"{identifier.hex}|{code}".encode(), hashlib.sha256)
