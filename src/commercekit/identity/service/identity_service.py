"""Identity as the rest of the shop sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from commercekit.identity.models import Client
from commercekit.identity.repository import AttemptRepository, FactorRepository
from commercekit.identity.service.accounts import Accounts
from commercekit.identity.service.audit import AuditTrail
from commercekit.identity.service.captchas import Captchas
from commercekit.identity.service.factors import (
    FactorDesk,
    FactorProofs,
    Passkeys,
    RecoveryCodes,
    SentCodes,
)
from commercekit.identity.service.guarding import LoginGuard
from commercekit.identity.service.links import Links
from commercekit.identity.service.logins import Logins
from commercekit.identity.service.mailing import Mailing
from commercekit.identity.service.passwords import Passwords
from commercekit.identity.service.people import People
from commercekit.identity.service.profiles import Profiles
from commercekit.identity.service.roles import Roles
from commercekit.identity.service.sessions import Sessions
from commercekit.identity.service.tokens import StaffTokens
from commercekit.identity.settings import IdentitySettings
from commercekit.platform.jobs import JobContext, JobKind, Schedule
from commercekit.platform.security import AuditEntry, PermissionBook, RoleBook

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.identity.models import Account, AuditRecord
    from commercekit.identity.service.mailing import Mailer
    from commercekit.identity.service.watching import LoginWatch
    from commercekit.kernel import Clock, PageRequest
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.jobs import Jobs
    from commercekit.platform.security import Principal, Sealer

__all__ = ["IdentityService"]

_PRUNE = "identity.prune"


class IdentityService(StaffTokens):
    """Tokens, accounts, sessions and the audit trail; also the shop's audit port."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sealer: Sealer,
        *,
        jobs: Jobs,
        mailer: Mailer,
        base_url: str,
        permissions: PermissionBook | None = None,
        roles: RoleBook | None = None,
        settings: IdentitySettings | None = None,
        watch: LoginWatch | None = None,
        shop_name: str = "CommerceKit",
    ) -> None:
        """Without ``permissions`` every scope that is one can be given to a token.

        Logins are watched by :class:`~commercekit.identity.service.guarding.LoginGuard` unless ``watch``
        is given.
        """
        settings = settings or IdentitySettings()
        self.sensitive = (permissions or PermissionBook()).sensitive | frozenset(settings.step_up)
        attempts, factors = AttemptRepository(db), FactorRepository(db, sealer)
        self.captchas = Captchas(clock, sealer, attempts, settings.captcha)
        self.guard = LoginGuard(clock, sealer, settings, self.captchas, attempts, factors)
        self._attempts, self._kept_factors = attempts, factors
        watch = watch or self.guard
        self.audit = AuditTrail(db, clock, sealer)
        super().__init__(db, clock, self.audit, permissions)
        self.passwords = Passwords(settings.passwords, sealer, known=(shop_name, "commercekit"))
        self.sessions = Sessions(db, clock, sealer, settings)
        self.roles = Roles(
            db,
            clock,
            self.sessions,
            self.audit,
            roles or RoleBook(),
            permissions or PermissionBook(),
        )
        self.sessions.grants_of = self.roles.grants_of
        self._mailing = Mailing(db, clock, sealer, jobs, mailer, settings, base_url)
        self.accounts = Accounts(
            db,
            clock,
            sealer,
            self.passwords,
            self.sessions,
            self._mailing,
            self.roles,
            self.audit,
            permissions or PermissionBook(),
        )
        self.logins = Logins(
            db, sealer, self.accounts, self.passwords, self.sessions, self.audit, watch
        )
        self.links = Links(
            db,
            clock,
            sealer,
            self.passwords,
            self.sessions,
            self.logins,
            self._mailing,
            self.audit,
            watch,
        )
        self.profiles = Profiles(
            db,
            clock,
            sealer,
            self.passwords,
            self.sessions,
            self.logins,
            self._mailing,
            self.audit,
        )
        recovery = RecoveryCodes(sealer, self.passwords, settings.passwords, factors)
        codes = SentCodes(db, clock, sealer, factors, self.guard, mailer)
        passkeys = Passkeys(base_url=base_url, shop_name=shop_name)
        self.proofs = FactorProofs(
            db,
            clock,
            factors,
            accounts=self.accounts,
            sessions=self.sessions,
            logins=self.logins,
            guard=self.guard,
            recovery=recovery,
            codes=codes,
            passkeys=passkeys,
            audit=self.audit,
        )
        self.factors = FactorDesk(
            db,
            clock,
            settings,
            factors,
            accounts=self.accounts,
            sessions=self.sessions,
            proofs=self.proofs,
            guard=self.guard,
            recovery=recovery,
            codes=codes,
            passkeys=passkeys,
            mailing=self._mailing,
            audit=self.audit,
            shop_name=shop_name,
        )

        self.people = People(db, clock, self.accounts, self.sessions, self.logins, self.audit)

    def job_kinds(self) -> list[JobKind]:
        """What runs in the background; app.py registers them."""
        return [JobKind(_PRUNE, self._prune_job), *self._mailing.job_kinds()]

    def schedules(self) -> list[Schedule]:
        """What runs periodically."""
        return [Schedule(_PRUNE, every=timedelta(hours=6), job=_PRUNE)]

    def now(self) -> datetime:
        """The shop's time."""
        return self._clock.now()

    async def drained(self) -> None:
        """Return once nothing of it is under way; before the database is closed."""
        await self.sessions.drained()
        self.passwords.close()

    async def record(self, uow: UnitOfWork, entry: AuditEntry) -> None:
        """Write a privileged act down, in the transaction of the act itself."""
        await self.audit.record(uow, entry)

    async def unlock(self, account: Account) -> None:
        """Forget the wrong passwords and codes of an account: it need not wait any more."""
        index = self.logins.attempt("login", account.realm, account.email, Client()).subject
        for subject in (index, account.id.bytes):
            await self.guard.unlock(account.realm, subject)

    async def note_stray(self, principal: Principal, path: str) -> None:
        """Write down that a customer's session was shown at a door for staff."""
        entry = AuditEntry(
            actor=principal.id,
            action="security:realm-crossed",
            subject=f"session/{principal.session_id}",
            details={"path": path[:200]},
        )
        async with self._db.unit_of_work() as uow:
            await self.record(uow, entry)

    async def list_audit(
        self, page: PageRequest
    ) -> tuple[list[AuditRecord], tuple[str, ...] | None]:
        """Privileged acts, newest first, and the place to go on from."""
        return await self.audit.list_audit(page)

    async def _prune_job(self, _context: JobContext) -> None:
        await self.sessions.prune()
        await self.links.prune()
        async with self._db.unit_of_work() as uow:
            await self._attempts.prune(uow, self.now())
            # Longer than any hour in which codes are counted.
            await self._kept_factors.prune(uow, self.now() - timedelta(days=1))
