"""Setting second factors up, and proving them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import segno

from commercekit.errors import Conflict, Unprocessable
from commercekit.identity.errors import FactorNotFound, FactorOwed
from commercekit.identity.models import Account, LoginAttempt, Realm
from commercekit.identity.models.factors import (
    Enrolled,
    Factor,
    FactorKind,
    Factors,
    FactorView,
    SecondFactor,
    TotpSetup,
)
from commercekit.identity.rules import check_email
from commercekit.identity.rules.factors import (
    check_number,
    match_totp,
    new_seed,
    shown_target,
    totp_address,
)
from commercekit.identity.service.factors.codes import SENT_KINDS
from commercekit.identity.service.factors.proving import FactorProofs, entry_of, own, wrong
from commercekit.kernel import new_id
from commercekit.platform.security import (
    STEP_UP,
    AuditEntry,
    MfaRequired,
    Principal,
    StepUpRequired,
)

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.identity.repository.factors import FactorRepository
    from commercekit.identity.service.accounts import Accounts
    from commercekit.identity.service.factors.codes import SentCodes
    from commercekit.identity.service.factors.passkeys import Passkey, Passkeys
    from commercekit.identity.service.factors.recovery import RecoveryCodes
    from commercekit.identity.service.guarding import LoginGuard
    from commercekit.identity.service.mailing import Mailing
    from commercekit.identity.service.sessions import Sessions
    from commercekit.identity.settings import IdentitySettings, RealmSettings
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import AuditPort

__all__ = ["FactorDesk"]

_MOST_PASSKEYS: Final = 10
_REGISTER: Final = "passkey-setup"


class FactorDesk:
    """What an account has beside its password."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: IdentitySettings,
        repository: FactorRepository,
        *,
        accounts: Accounts,
        sessions: Sessions,
        proofs: FactorProofs,
        guard: LoginGuard,
        recovery: RecoveryCodes,
        codes: SentCodes,
        passkeys: Passkeys,
        mailing: Mailing,
        audit: AuditPort,
        shop_name: str,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._repository = repository
        self._accounts = accounts
        self._sessions = sessions
        self._proofs = proofs
        self._guard = guard
        self._recovery = recovery
        self._codes = codes
        self._passkeys = passkeys
        self._mailing = mailing
        self._audit = audit
        self._shop_name = shop_name

    # ------------------------------------------------------------------------------- setting one up

    async def overview(self, principal: Principal) -> Factors:
        """What is set up."""
        account_id, _ = own(principal)
        factors = [_view(each) for each in await self._repository.of(account_id)]
        left = await self._repository.recovery_codes_left(account_id)
        return Factors(factors=factors, recovery_codes_left=left)

    async def begin_totp(self, principal: Principal) -> TotpSetup:
        """A new seed for an authenticator app; it counts once a code of it came back."""
        account = await self._may_set_up(principal)
        seed, factor_id = new_seed(), new_id()
        await self._begin(account, factor_id, FactorKind.TOTP, seed.encode(), "")
        uri = totp_address(seed, account=account.email, issuer=self._shop_name)
        picture = segno.make(uri, error="m").svg_data_uri(scale=4, border=4)
        return TotpSetup(factor_id=factor_id, secret=seed, uri=uri, qr=picture)

    async def begin_sent(self, principal: Principal, kind: FactorKind, to: str) -> UUID:
        """Send a code to a number or address; it counts once the code came back.

        Raises :class:`~commercekit.errors.Unprocessable` for what cannot be one, and where the shop
        sends no such messages.
        """
        account = await self._may_set_up(principal)
        if kind not in SENT_KINDS or not self._codes.can_send(kind):
            message = f"This shop sends no codes by {kind}."
            raise Unprocessable(message)
        target = check_number(to) if kind is FactorKind.SMS else check_email(to)
        factor_id = new_id()
        await self._begin(account, factor_id, kind, target.encode(), shown_target(target))
        await self._codes.send(account, own(principal)[1], kind, factor_id, target)
        return factor_id

    async def begin_passkey(self, principal: Principal) -> dict[str, Any]:
        """What the browser needs to make a passkey."""
        account = await self._may_set_up(principal)
        known = await self._repository.of(account.id, FactorKind.PASSKEY)
        if len(known) >= _MOST_PASSKEYS:
            message = f"There are {_MOST_PASSKEYS} passkeys already; take one away first."
            raise Conflict(message)
        challenge = await self._proofs.ask_device(principal, _REGISTER)
        return self._passkeys.registration(account.id, account.email, challenge, known)

    async def confirm(
        self, principal: Principal, factor_id: UUID, code: str, *, address: str = ""
    ) -> Enrolled:
        """The first code of a factor came back: it counts from here on."""
        account = await self._may_set_up(principal)
        attempt = _attempt(account, address)
        await self._guard.before(attempt)
        async with self._db.unit_of_work() as uow:
            factor = await self._repository.lock(uow, factor_id, account.id)
        if factor is None or factor.confirmed_at is not None:
            raise FactorNotFound
        counter = await self._first_code(principal, factor, code)
        if counter is None:
            await self._guard.failed(attempt)
            raise wrong()
        await self._guard.succeeded(attempt)
        return await self._enrol(principal, account, factor, counter)

    async def confirm_passkey(
        self, principal: Principal, answer: dict[str, Any], label: str, *, address: str = ""
    ) -> Enrolled:
        """The browser made a passkey: it counts from here on."""
        account = await self._may_set_up(principal)
        attempt = _attempt(account, address)
        await self._guard.before(attempt)
        challenge = await self._proofs.answered(principal, _REGISTER)
        passkey = None if challenge is None else self._passkeys.registered(answer, challenge)
        if passkey is None:
            await self._guard.failed(attempt)
            raise wrong()
        await self._guard.succeeded(attempt)
        factor = _new_passkey(account.id, passkey, label, self._clock)
        return await self._enrol(principal, account, factor, passkey.counter)

    async def remove(self, principal: Principal, factor_id: UUID, *, request_id: str = "") -> None:
        """Take a factor away; where one is required, the last one stays."""
        account_id, session_id = own(principal)
        realm = Realm(principal.kind)
        account = await self._accounts.get(account_id, realm)
        async with self._db.unit_of_work() as uow:
            await uow.lock(f"identity-factors:{account_id}")
            kind = await self._repository.remove(uow, factor_id, account_id)
            if kind is None:
                raise FactorNotFound
            left = await self._repository.kinds(uow, account_id)
            if not left and self._realm(realm).second_factor == SecondFactor.REQUIRED:
                message = "A second factor is required here: set another one up first."
                raise FactorOwed(message)
            if not left:
                await self._repository.forget(uow, account_id)
            await self._sessions.revoke_all(
                uow, account_id, because="factor-removed", keep=session_id
            )
            await self._tell(uow, account, "removed", kind)
            await self._audit.record(uow, entry_of(principal, "factors:remove", kind, request_id))

    async def renew_recovery_codes(
        self, principal: Principal, *, request_id: str = ""
    ) -> list[str]:
        """Ten new ones; the old ones work no more."""
        account_id, _ = own(principal)
        account = await self._accounts.get(account_id, Realm(principal.kind))
        codes, hashes = await self._recovery.make(account_id)
        async with self._db.unit_of_work() as uow:
            if not await self._repository.kinds(uow, account_id):
                message = "Recovery codes stand in for a second factor: set one up first."
                raise Conflict(message)
            await self._repository.put_recovery_codes(uow, account_id, hashes, self._clock.now())
            await self._tell(uow, account, "codes-renewed")
            await self._audit.record(
                uow, entry_of(principal, "factors:renew-recovery-codes", "", request_id)
            )
        return codes

    async def reset(self, actor: Principal, account: Account, *, reason: str = "") -> int:
        """Take everything away, for somebody who lost it all; they set up anew at the next login.

        Every session of the account ends. Gives how many factors there were.
        """
        async with self._db.unit_of_work() as uow:
            gone = await self._repository.forget(uow, account.id)
            await self._sessions.revoke_all(uow, account.id, because="factors-reset")
            await self._tell(uow, account, "reset")
            entry = AuditEntry(
                actor=actor.id,
                action="factors:reset",
                subject=account.actor,
                reason=reason,
                details={"factors": gone},
            )
            await self._audit.record(uow, entry)
        return gone

    # ---------------------------------------------------------------------------------------- inside

    async def _may_set_up(self, principal: Principal) -> Account:
        """Who has a factor proves it first; who has none yet has just proven the password."""
        account_id, _ = own(principal)
        if await self._repository.of(account_id):
            if principal.is_pending:
                message = "Prove the second factor that is set up already."
                raise MfaRequired(message)
            if not self._sessions.is_fresh(principal, STEP_UP):
                raise _stale()
        elif not principal.is_pending and not self._sessions.is_fresh(principal, STEP_UP):
            raise _stale()
        return await self._accounts.get(account_id, Realm(principal.kind))

    async def _begin(
        self, account: Account, factor_id: UUID, kind: FactorKind, secret: bytes, label: str
    ) -> None:
        factor = Factor(
            id=factor_id,
            account_id=account.id,
            kind=kind,
            label=label,
            secret=secret,
            credential=None,
            counter=-1,
            created_at=self._clock.now(),
            confirmed_at=None,
            used_at=None,
        )
        async with self._db.unit_of_work() as uow:
            await self._repository.drop_unconfirmed(uow, account.id, kind)
            await self._repository.insert(uow, factor)

    async def _first_code(self, principal: Principal, factor: Factor, code: str) -> int | None:
        if factor.kind is FactorKind.TOTP:
            return match_totp(factor.secret.decode(), code.strip(), self._clock.now(), -1)
        question = await self._codes.check(own(principal)[1], factor.kind, code)
        if question is None or question.factor_id != factor.id:
            return None
        async with self._db.unit_of_work() as uow:
            now = self._clock.now()
            return 0 if await self._repository.spend_challenge(uow, question.id, now) else None

    async def _enrol(
        self, principal: Principal, account: Account, factor: Factor, counter: int
    ) -> Enrolled:
        _, session_id = own(principal)
        # Hashed before the transaction, whether they will be needed or not.
        codes: list[str] = []
        hashes: list[bytes] = []
        if not await self._repository.recovery_codes_left(account.id):
            codes, hashes = await self._recovery.make(account.id)
        now = self._clock.now()
        async with self._db.unit_of_work() as uow:
            await uow.lock(f"identity-factors:{account.id}")
            if factor.kind is FactorKind.PASSKEY:
                if not await self._repository.insert(uow, factor):
                    message = "This passkey is set up already."
                    raise Conflict(message)
            else:
                kept = await self._repository.lock(uow, factor.id, account.id)
                if kept is None or kept.confirmed_at is not None:
                    raise FactorNotFound
            await self._repository.confirm(uow, factor, counter=counter, now=now)
            if hashes:
                await self._repository.put_recovery_codes(uow, account.id, hashes, now)
            await self._sessions.revoke_all(
                uow, account.id, because="factor-added", keep=session_id
            )
            session = await self._sessions.elevate(
                uow, session_id, factor=factor.kind, realm=account.realm
            )
            await self._tell(uow, account, "added", factor.kind)
            await self._audit.record(uow, entry_of(principal, "factors:add", factor.kind))
        return Enrolled(session=session, recovery_codes=codes)

    async def _tell(self, uow: UnitOfWork, account: Account, change: str, kind: str = "") -> None:
        """Write to whoever's factors they are: a thief who changes them is seen by the owner."""
        await self._mailing.tell(uow, account, "factors-changed", change=change, kind=str(kind))

    def _realm(self, realm: Realm) -> RealmSettings:
        return self._settings.staff if realm is Realm.STAFF else self._settings.customers


def _attempt(account: Account, address: str) -> LoginAttempt:
    return LoginAttempt(
        action="second-factor",
        realm=account.realm,
        subject=account.id.bytes,
        address=address,
    )


def _new_passkey(account_id: UUID, passkey: Passkey, label: str, clock: Clock) -> Factor:
    return Factor(
        id=new_id(),
        account_id=account_id,
        kind=FactorKind.PASSKEY,
        label=" ".join(label.split())[:100],
        secret=passkey.secret,
        credential=passkey.credential,
        counter=passkey.counter,
        created_at=clock.now(),
        confirmed_at=None,
        used_at=None,
    )


def _view(factor: Factor) -> FactorView:
    return FactorView(
        id=factor.id,
        kind=factor.kind,
        label=factor.label,
        created_at=factor.created_at,
        used_at=factor.used_at,
    )


def _stale() -> StepUpRequired:
    message = "Prove again that it is you, then ask once more."
    return StepUpRequired(message)
