"""Who may try a password or a code, how often, and with which captcha."""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final, Protocol

from commercekit.errors import Unavailable
from commercekit.identity.errors import CaptchaRequired
from commercekit.identity.models import Realm
from commercekit.identity.models.factors import CaptchaMode, SecondFactor
from commercekit.identity.repository.attempts import FREE_TRIES, PERIOD
from commercekit.platform.http import Throttled

if TYPE_CHECKING:
    from commercekit.identity.models import Account, LoginAttempt
    from commercekit.identity.repository.attempts import AttemptRepository, Series
    from commercekit.identity.repository.factors import FactorRepository
    from commercekit.identity.service.captchas import Captchas
    from commercekit.identity.settings import IdentitySettings, RealmSettings
    from commercekit.kernel import Clock
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.limits import Verdict
    from commercekit.platform.security import Sealer

__all__ = ["AttemptLimits", "LoginGuard"]

_GUESSED: Final = frozenset({"login", "password", "second-factor"})
"""What is tried until it is right: each account's tries are counted one by one."""
_CAPTCHA: Final = frozenset({"login", "register", "reset"})
"""What a stranger can begin, and so what a captcha stands in front of."""
_MAILED: Final = frozenset({"register", "reset", "prove-email", "change-email", "invite"})
"""What sends a mail to an address that somebody typed."""
_NEIGHBOURS: Final = 10
"""Wrong ones from one address, for whatever accounts, before everybody there is asked for a captcha."""
SETUP: Final = "setup"


class AttemptLimits(Protocol):
    """The shop's rate limits, as logins need them."""

    @property
    def is_away(self) -> bool:
        """Whether each process counts by itself, because the store does not answer."""
        ...

    def counted_as(self, address: str) -> str | None:
        """Whom an address stands for; ``None`` for the exempt."""
        ...

    async def ask(self, rule: str, subject: str) -> Verdict | None:
        """Count against a rule; ``None`` where the shop has switched it off."""
        ...

    async def give_back(self, rule: str, subject: str) -> None:
        """Take one back that was counted."""
        ...


class LoginGuard:
    """Counts before anything is judged, so that what comes at once is counted, too.

    For each account five tries, then a quarter of an hour, half an hour, an hour; for each address, each
    network and the whole shop the rules of ``[limits]``. Staff are turned away while nobody counts for
    all processes together; customers are not.
    """

    def __init__(
        self,
        clock: Clock,
        sealer: Sealer,
        settings: IdentitySettings,
        captchas: Captchas,
        attempts: AttemptRepository,
        factors: FactorRepository,
    ) -> None:
        self._clock = clock
        self._sealer = sealer
        self._settings = settings
        self._captchas = captchas
        self._attempts = attempts
        self._factors = factors
        self.limits: AttemptLimits | None = None
        """Set where the shop serves; a command line counts nobody's requests."""

    async def before(self, attempt: LoginAttempt) -> None:
        """Turn the attempt away, or count it.

        Raises :class:`~commercekit.platform.http.Throttled` and
        :class:`~commercekit.identity.errors.CaptchaRequired`.
        """
        await self._pass_limits(attempt)
        now = self._clock.now()
        key = self._key(attempt)
        is_guessed = attempt.action in _GUESSED
        if is_guessed:
            series = await self._attempts.series(key, now)
            self._check_wait(series)
        if attempt.action in _CAPTCHA and await self._is_captcha_due(attempt, key):
            await self._check_captcha(attempt, key)
        if is_guessed and not await self._attempts.take(key, now):
            # Somebody else took the last one in the meantime.
            self._check_wait(await self._attempts.series(key, now))
            raise _throttled(1)

    async def failed(self, attempt: LoginAttempt) -> None:
        """It was counted before; here the address it came from is remembered."""
        subject = self._subject(attempt)
        if subject is not None:
            await self._attempts.note(self._hash("address", subject), self._clock.now())

    async def succeeded(self, attempt: LoginAttempt) -> None:
        """It was right: the account's tries are forgotten, and its addresses are not charged for it."""
        if attempt.action not in _GUESSED:
            return
        key = self._key(attempt)
        await self._attempts.forgive(key)
        await self._attempts.forgive(self._hash("captcha-refused", key.hex()))
        subject = self._subject(attempt)
        if self.limits is not None and subject is not None:
            for rule, counted in (("logins", subject), ("logins-network", _network(subject))):
                await self.limits.give_back(rule, self._hash(rule, counted).hex())

    async def owed(self, uow: UnitOfWork, account: Account) -> tuple[str, ...]:
        """What can be proven next; ``setup`` where a factor is required and none was set up yet."""
        kinds = await self._factors.kinds(uow, account.id)
        if kinds:
            left = await self._factors.recovery_codes_left(account.id, uow)
            return (*kinds, "recovery") if left else tuple(kinds)
        required = self._realm(account.realm).second_factor == SecondFactor.REQUIRED
        return (SETUP,) if required else ()

    async def unlock(self, realm: Realm, subject: bytes) -> None:
        """Forget the wrong tries on an account, whatever was tried."""
        for action in sorted(_GUESSED):
            key = self._account_key(action, realm, subject)
            await self._attempts.forgive(key)
            await self._attempts.forgive(self._hash("captcha-refused", key.hex()))

    async def is_captcha_due(self, attempt: LoginAttempt) -> bool:
        """Whether a captcha would be asked for now."""
        return await self._is_captcha_due(attempt, self._key(attempt))

    async def pass_rule(self, rule: str, subject: str) -> None:
        """Count against one of the shop's rules, and turn away what does not fit any more."""
        if self.limits is not None:
            verdict = await self.limits.ask(rule, self._hash(rule, subject).hex())
            if verdict is not None and not verdict.allowed:
                raise _throttled(verdict.retry_after)

    async def _pass_limits(self, attempt: LoginAttempt) -> None:
        if self.limits is None:
            return
        await self.pass_rule("logins-everybody", "everybody")
        subject = self._subject(attempt)
        if subject is not None:
            await self.pass_rule("logins-network", _network(subject))
            await self.pass_rule("logins", subject)
        if attempt.action in _MAILED:
            await self.pass_rule("account-mails", f"{attempt.realm}|{attempt.subject.hex()}")
        if attempt.realm is Realm.STAFF and self.limits.is_away:
            message = "Staff cannot log in while nobody counts the attempts; try again in a moment."
            raise Unavailable(message, retry_after=5)

    async def _is_captcha_due(self, attempt: LoginAttempt, key: bytes) -> bool:
        realm = self._realm(attempt.realm)
        if realm.captcha != CaptchaMode.AFTER_FAILURES:
            return realm.captcha == CaptchaMode.ALWAYS
        now = self._clock.now()
        if (await self._attempts.series(key, now)).tries >= realm.captcha_after:
            return True
        subject = self._subject(attempt)
        if subject is None:
            return False
        near = await self._attempts.series(self._hash("address", subject), now)
        return near.tries >= _NEIGHBOURS

    async def _check_captcha(self, attempt: LoginAttempt, key: bytes) -> None:
        """Raise unless a right answer came: first for a captcha, and from the sixth time on to wait.

        Who does show a right one is judged all the same: what others send for an account without looking
        keeps nobody out of it.
        """
        try:
            await self._captchas.check(attempt)
        except CaptchaRequired:
            now = self._clock.now()
            refusals = self._hash("captcha-refused", key.hex())
            before = (await self._attempts.series(key, now)).tries
            seen = await self._attempts.note(refusals, now)
            if attempt.action in _GUESSED and before + seen > FREE_TRIES:
                raise _throttled(int(PERIOD.total_seconds())) from None
            raise

    def _check_wait(self, series: Series) -> None:
        if series.blocked_until is None:
            return
        left = (series.blocked_until - self._clock.now()).total_seconds()
        if left > 0:
            raise _throttled(max(1, -int(-left // 1)))

    def _realm(self, realm: Realm) -> RealmSettings:
        return self._settings.staff if realm is Realm.STAFF else self._settings.customers

    def _subject(self, attempt: LoginAttempt) -> str | None:
        if not attempt.address:
            return None
        return attempt.address if self.limits is None else self.limits.counted_as(attempt.address)

    def _key(self, attempt: LoginAttempt) -> bytes:
        return self._account_key(attempt.action, attempt.realm, attempt.subject)

    def _account_key(self, action: str, realm: Realm, subject: bytes) -> bytes:
        return self._hash(action, f"{realm}|{subject.hex()}")

    def _hash(self, what: str, subject: str) -> bytes:
        """Neither addresses nor accounts stand in the table of tries."""
        key = self._sealer.derived_key("attempts")
        return hmac.digest(key, f"{what}|{subject}".encode(), hashlib.sha256)[:16]


def _network(subject: str) -> str:
    """The network around an address: 256 neighbours, or 65,536 networks of IPv6."""
    try:
        address = ip_address(subject.partition("/")[0])
    except ValueError:
        return subject
    prefix = 48 if isinstance(address, IPv6Address) else 24
    return str(ip_network(f"{address}/{prefix}", strict=False))


def _throttled(seconds: int) -> Throttled:
    message = "Too many attempts; wait before the next one."
    return Throttled(message, retry_after=seconds)
