"""Proving second factors: what a login and a step-up ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commercekit.identity.errors import CodeWrong, FactorNotFound, SessionNotFound
from commercekit.identity.models import IssuedSession, LoginAttempt, Realm
from commercekit.identity.models.factors import FactorKind, Proof
from commercekit.identity.rules.factors import match_totp
from commercekit.identity.service.factors.codes import LIFETIME, SENT_KINDS
from commercekit.kernel import new_id
from commercekit.platform.security import AuditEntry, MfaRequired, Principal

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.identity.repository.factors import FactorRepository
    from commercekit.identity.service.accounts import Accounts
    from commercekit.identity.service.factors.codes import SentCodes
    from commercekit.identity.service.factors.passkeys import Passkeys
    from commercekit.identity.service.factors.recovery import RecoveryCodes
    from commercekit.identity.service.guarding import LoginGuard
    from commercekit.identity.service.logins import Logins
    from commercekit.identity.service.sessions import Sessions
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database
    from commercekit.platform.security import AuditPort

__all__ = ["FactorProofs", "entry_of", "own", "wrong"]


class FactorProofs:
    """Asks for a factor and judges what comes back, each answer once."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        repository: FactorRepository,
        *,
        accounts: Accounts,
        sessions: Sessions,
        logins: Logins,
        guard: LoginGuard,
        recovery: RecoveryCodes,
        codes: SentCodes,
        passkeys: Passkeys,
        audit: AuditPort,
    ) -> None:
        self._db = db
        self._clock = clock
        self._repository = repository
        self._accounts = accounts
        self._sessions = sessions
        self._logins = logins
        self._guard = guard
        self._recovery = recovery
        self._codes = codes
        self._passkeys = passkeys
        self._audit = audit

    async def ask(self, principal: Principal, kind: FactorKind) -> dict[str, Any] | None:
        """Send the code that is to be proven, or give what the browser needs to ask a passkey."""
        account_id, session_id = own(principal)
        known = await self._repository.of(account_id, kind)
        if not known:
            message = "Nothing of this kind is set up."
            raise FactorNotFound(message)
        if kind is FactorKind.PASSKEY:
            challenge = await self.ask_device(principal, kind)
            return self._passkeys.authentication(challenge, known)
        if kind in SENT_KINDS:
            account = await self._accounts.get(account_id, Realm(principal.kind))
            factor = known[0]
            await self._codes.send(account, session_id, kind, factor.id, factor.secret.decode())
        return None

    async def prove(
        self, principal: Principal, proof: Proof, *, address: str = "", request_id: str = ""
    ) -> IssuedSession:
        """Complete a session that owes a factor, or make one fresh again: its cookie is a new one.

        Raises :class:`~commercekit.identity.errors.CodeWrong`, in the same words whatever was wrong, and
        what the guard raises.
        """
        account_id, session_id = own(principal)
        realm = Realm(principal.kind)
        if proof.kind is FactorKind.PASSWORD:
            return await self._prove_password(principal, realm, proof.code, address)
        attempt = LoginAttempt(
            action="second-factor", realm=realm, subject=account_id.bytes, address=address
        )
        await self._guard.before(attempt)
        if not await self._holds(principal, proof):
            await self._guard.failed(attempt)
            async with self._db.unit_of_work() as uow:
                await self._audit.record(
                    uow, entry_of(principal, "security:factor-failed", proof.kind, request_id)
                )
            raise wrong()
        await self._guard.succeeded(attempt)
        async with self._db.unit_of_work() as uow:
            session = await self._sessions.elevate(uow, session_id, factor=proof.kind, realm=realm)
            await self._audit.record(
                uow, entry_of(principal, "factors:prove", proof.kind, request_id)
            )
        return session

    async def _prove_password(
        self, principal: Principal, realm: Realm, password: str, address: str
    ) -> IssuedSession:
        account_id, session_id = own(principal)
        if principal.is_pending or await self._repository.of(account_id):
            message = "The account has a second factor: prove that one."
            raise MfaRequired(message)
        await self._logins.prove_again(principal, realm, password, address=address)
        async with self._db.unit_of_work() as uow:
            return await self._sessions.renew(uow, session_id)

    async def _holds(self, principal: Principal, proof: Proof) -> bool:
        account_id, session_id = own(principal)
        if proof.kind is FactorKind.RECOVERY:
            digest = await self._recovery.digest(account_id, proof.code)
            if digest is None:
                return False
            async with self._db.unit_of_work() as uow:
                return await self._recovery.spend(uow, account_id, digest, self._clock.now())
        if proof.kind is FactorKind.PASSKEY:
            return await self._holds_passkey(principal, proof.credential)
        if proof.kind in SENT_KINDS:
            question = await self._codes.check(session_id, proof.kind, proof.code)
            if question is None or question.factor_id is None:
                return False
            async with self._db.unit_of_work() as uow:
                now = self._clock.now()
                is_first = await self._repository.spend_challenge(uow, question.id, now)
                return is_first and await self._repository.use(
                    uow, question.factor_id, counter=None, now=now
                )
        return await self._holds_totp(account_id, proof.code)

    async def _holds_totp(self, account_id: UUID, code: str) -> bool:
        now = self._clock.now()
        for factor in await self._repository.of(account_id, FactorKind.TOTP):
            step = match_totp(factor.secret.decode(), code.strip(), now, factor.counter)
            if step is not None:
                async with self._db.unit_of_work() as uow:
                    # Two at once read the same counter; one of them writes it.
                    return await self._repository.use(uow, factor.id, counter=step, now=now)
        return False

    async def _holds_passkey(self, principal: Principal, answer: dict[str, Any] | None) -> bool:
        account_id, _ = own(principal)
        challenge = await self.answered(principal, FactorKind.PASSKEY)
        name = None if answer is None else self._passkeys.named(answer)
        if challenge is None or answer is None or name is None:
            return False
        factor = await self._repository.by_credential(name, account_id)
        if factor is None:
            return False
        counter = self._passkeys.proven(answer, challenge, factor)
        if counter is None:
            return False
        async with self._db.unit_of_work() as uow:
            # Many passkeys do not count: theirs stays zero.
            return await self._repository.use(
                uow, factor.id, counter=counter or None, now=self._clock.now()
            )

    async def ask_device(self, principal: Principal, kind: str) -> bytes:
        """A challenge for a device of this session; one that was open before is void."""
        account_id, session_id = own(principal)
        challenge, now = self._passkeys.new_challenge(), self._clock.now()
        async with self._db.unit_of_work() as uow:
            await self._repository.put_challenge(
                uow,
                new_id(),
                session_id=session_id,
                account_id=account_id,
                factor_id=None,
                kind=kind,
                digest=challenge,
                now=now,
                expires_at=now + LIFETIME,
            )
        return challenge

    async def answered(self, principal: Principal, kind: str) -> bytes | None:
        """The challenge that was open; an answer to it is taken once, right or wrong."""
        now = self._clock.now()
        question = await self._repository.answer(own(principal)[1], kind, now, most_tries=1)
        return None if question is None else question.digest


def own(principal: Principal) -> tuple[UUID, UUID]:
    """Account and session of whoever is logged in."""
    if principal.account_id is None or principal.session_id is None:
        raise SessionNotFound
    return principal.account_id, principal.session_id


def entry_of(principal: Principal, action: str, kind: str = "", request_id: str = "") -> AuditEntry:
    """What is written down of an act on one's own factors."""
    return AuditEntry(
        actor=principal.id,
        action=action,
        subject=f"session/{principal.session_id}",
        request_id=request_id,
        details={"kind": str(kind)} if kind else {},
    )


def wrong() -> CodeWrong:
    """The same words, whatever it was."""
    message = "This did not prove that it is you. A code works once, and for a short while."
    return CodeWrong(message)
