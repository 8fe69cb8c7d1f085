"""Captchas: given for one visit and one action, and taken once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, Final

import altcha
from captcha.audio import AudioCaptcha
from captcha.image import ImageCaptcha

from commercekit.identity.errors import CaptchaRequired
from commercekit.identity.models.factors import CaptchaKind
from commercekit.identity.rules.captchas import Ticket, answer_of, open_ticket, seal_ticket
from commercekit.kernel import new_id

if TYPE_CHECKING:
    from commercekit.identity.models import LoginAttempt, Realm
    from commercekit.identity.repository.attempts import AttemptRepository
    from commercekit.identity.settings import CaptchaSettings
    from commercekit.kernel import Clock
    from commercekit.platform.security import Sealer

__all__ = ["Captchas"]

_PURPOSE: Final = "captcha"
_ALGORITHM: Final = "PBKDF2/SHA-256"
_WIDTH, _HEIGHT = 240, 80
_MOST_BYTES: Final = 4096


class Captchas:
    """Gives captchas and judges answers. Nothing is stored until one is answered."""

    def __init__(
        self,
        clock: Clock,
        sealer: Sealer,
        attempts: AttemptRepository,
        settings: CaptchaSettings,
    ) -> None:
        self._clock = clock
        self._sealer = sealer
        self._attempts = attempts
        self._settings = settings
        self._sounds = asyncio.Semaphore(1)

    @property
    def kinds(self) -> tuple[CaptchaKind, ...]:
        """Which this shop gives."""
        return self._settings.kinds

    def proof_of_work(self, realm: Realm, action: str, visit: str) -> dict[str, Any]:
        """What the ALTCHA widget works on."""
        ticket = self._ticket(realm, action, visit)
        challenge = altcha.create_challenge(
            _ALGORITHM,
            self._settings.work,
            expires_at=int(ticket.expires_at),
            data={"ticket": seal_ticket(self._key(), ticket)},
            hmac_secret=self._key(),
        )
        given: dict[str, Any] = challenge.to_dict()
        return given

    async def picture(self, realm: Realm, action: str, visit: str) -> tuple[str, bytes]:
        """A sealed ticket, and a PNG of the digits that belong to it."""
        ticket = self._ticket(realm, action, visit)
        digits = answer_of(self._key(), ticket)

        def draw() -> bytes:
            return ImageCaptcha(width=_WIDTH, height=_HEIGHT).generate(digits).getvalue()

        return seal_ticket(self._key(), ticket), await asyncio.to_thread(draw)

    async def sound(self, sealed: str) -> bytes:
        """A WAV of the digits, for whoever cannot see them.

        Raises :class:`~commercekit.identity.errors.CaptchaRequired` for a ticket that is none, or over.
        """
        ticket = open_ticket(self._key(), sealed)
        if ticket is None or ticket.expires_at <= self._clock.now().timestamp():
            raise _refused()
        digits = answer_of(self._key(), ticket)
        # Half a second of work: one at a time, so that a flood of them is slow for itself only.
        async with self._sounds:
            return bytes(await asyncio.to_thread(lambda: AudioCaptcha().generate(digits)))

    async def check(self, attempt: LoginAttempt) -> None:
        """Raise :class:`~commercekit.identity.errors.CaptchaRequired` unless a right answer is there.

        Whatever is answered is used up, a wrong answer too: nobody tries twice on one picture.
        """
        answer = attempt.captcha
        if not answer or len(answer) > _MOST_BYTES:
            raise _refused()
        if "." in answer:
            sealed, _, digits = answer.rpartition(".")
            ticket = open_ticket(self._key(), sealed)
            is_right = ticket is not None and hmac.compare_digest(
                answer_of(self._key(), ticket).encode(), digits.strip().encode()
            )
        else:
            ticket = await asyncio.to_thread(self._worked, answer)
            is_right = ticket is not None
        if ticket is None or ticket.expires_at <= self._clock.now().timestamp():
            raise _refused()
        expires_at = self._clock.now() + self._settings.lifetime
        digest = hashlib.sha256(ticket.id.encode()).digest()
        is_first = await self._attempts.spend_captcha(digest, expires_at)
        belongs = (ticket.realm, ticket.action) == (attempt.realm, attempt.action)
        if not (is_first and is_right and belongs and _same(ticket.visit, attempt.session)):
            raise _refused()

    def _worked(self, answer: str) -> Ticket | None:
        try:
            payload = json.loads(base64.b64decode(answer, validate=True))
            parameters = payload["challenge"]["parameters"]
            sealed = parameters["data"]["ticket"]
            is_ours = (parameters["algorithm"], parameters["cost"]) == (
                _ALGORITHM,
                self._settings.work,
            )
            judged = is_ours and altcha.verify_solution(answer, self._key()).verified
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        if not judged or not isinstance(sealed, str):
            return None
        return open_ticket(self._key(), sealed)

    def _ticket(self, realm: Realm, action: str, visit: str) -> Ticket:
        ends = self._clock.now() + self._settings.lifetime
        return Ticket(new_id().hex, realm, action, visit, ends.timestamp())

    def _key(self) -> bytes:
        return self._sealer.derived_key(_PURPOSE)


def _same(one: str, other: str) -> bool:
    return bool(one) and hmac.compare_digest(one.encode(), other.encode())


def _refused() -> CaptchaRequired:
    message = "Show first that you are no script: fetch a captcha and send its answer."
    return CaptchaRequired(message)
