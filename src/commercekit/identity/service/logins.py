"""Logging in and out, in both realms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from commercekit.errors import Refused
from commercekit.identity.errors import WrongCredentials
from commercekit.identity.models import Account, Client, LoggedIn, LoginAttempt, Realm
from commercekit.identity.repository import AccountRepository
from commercekit.identity.rules import check_email
from commercekit.platform.security import AuditEntry, normalise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from commercekit.identity.models import ClaimedCart, NewAccount
    from commercekit.identity.repository.accounts import StoredPassword
    from commercekit.identity.service.accounts import Accounts
    from commercekit.identity.service.passwords import Passwords
    from commercekit.identity.service.sessions import Sessions
    from commercekit.identity.service.watching import LoginWatch
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import AuditPort, Principal, Sealer

__all__ = ["ClaimCart", "Logins"]

ClaimCart = Callable[
    ["UUID", "UUID", "str | None", "Sequence[str]"], "Awaitable[ClaimedCart | None]"
]
"""Puts a guest's cart, by id and token, into that of an account."""


class Logins:
    """Who proves a password gets a session."""

    def __init__(
        self,
        db: Database,
        sealer: Sealer,
        accounts: Accounts,
        passwords: Passwords,
        sessions: Sessions,
        audit: AuditPort,
        watch: LoginWatch,
    ) -> None:
        self._db = db
        self._repository = AccountRepository(db, sealer)
        self._accounts = accounts
        self._passwords = passwords
        self._sessions = sessions
        self._audit = audit
        self._watch = watch
        self._claim: ClaimCart | None = None

    def on_cart(self, claim: ClaimCart) -> None:
        """Have ``claim`` take over the cart that a guest brings to a login; called once."""
        self._claim = claim

    async def bring(
        self, found: LoggedIn, cart_id: UUID, token: str | None, languages: Sequence[str]
    ) -> ClaimedCart | None:
        """The cart of whoever has logged in, with what the guest's had in it.

        A cart that cannot be taken over, such as somebody else's, keeps nobody from logging in: it
        stays as it is, and the answer is ``None``. So it is while a second factor is owed.
        """
        if self._claim is None or found.session.is_pending:
            return None
        try:
            return await self._claim(found.account.id, cart_id, token, languages)
        except Refused:
            return None

    def attempt(
        self, action: str, realm: Realm, email: str, client: Client, captcha: str | None = None
    ) -> LoginAttempt:
        """What is watched: somebody tries ``action`` with this address."""
        return LoginAttempt(
            action=action,
            realm=realm,
            subject=self._repository.email_index(email),
            address=client.address,
            captcha=captcha,
            session=client.visit,
        )

    async def log_in(
        self,
        realm: Realm,
        email: str,
        password: str,
        client: Client,
        *,
        captcha: str | None = None,
        cookie: str | None = None,
        request_id: str = "",
    ) -> LoggedIn:
        """Open a session; ``cookie`` is what the browser had before, which ends.

        Raises :class:`~commercekit.identity.errors.WrongCredentials`, in the same words and after the
        same time for an address that nobody has, an account without a password, a closed one and a wrong
        password; and what the watch raises.
        """
        email = normalise(email)
        attempt = self.attempt("login", realm, email, client, captcha)
        await self._watch.before(attempt)
        proven = await self._prove(attempt, realm, password, email=email)
        await self._watch.succeeded(attempt)
        async with self._db.unit_of_work() as uow:
            account = await self._still_open(uow, proven, realm)
            owed = await self._watch.owed(uow, account)
            session = await self._sessions.open(
                uow, account, client, is_pending=bool(owed), instead_of=cookie
            )
            if realm is Realm.STAFF:
                entry = AuditEntry(
                    actor=account.actor,
                    action="sessions:open",
                    subject=f"session/{session.id}",
                    request_id=request_id,
                    details={"second_factor_owed": bool(owed)},
                )
                await self._audit.record(uow, entry)
        return LoggedIn(account=account, session=session, owed=owed)

    async def register(
        self,
        new: NewAccount,
        password: str,
        client: Client,
        *,
        captcha: str | None = None,
    ) -> str:
        """Open an account for a customer; gives the address as the shop knows it.

        Raises what :meth:`~commercekit.identity.service.accounts.Accounts.register` and the watch raise.
        """
        email = check_email(new.email)
        attempt = self.attempt("register", Realm.CUSTOMER, email, client, captcha)
        await self._watch.before(attempt)
        await self._accounts.register(new, password)
        await self._watch.succeeded(attempt)
        return email

    async def revoke(self, account_id: UUID, session_id: UUID) -> None:
        """End one session of an account, as its owner wishes."""
        async with self._db.unit_of_work() as uow:
            await self._sessions.revoke(uow, account_id, session_id, because="revoked")

    async def revoke_others(self, account_id: UUID, session_id: UUID) -> None:
        """End every other session of an account, as its owner wishes."""
        async with self._db.unit_of_work() as uow:
            await self._sessions.revoke_all(uow, account_id, because="revoked", keep=session_id)

    async def log_out(self, cookie: str) -> None:
        """End the session of this cookie; doing it again, or with any text, changes nothing."""
        async with self._db.unit_of_work() as uow:
            await self._sessions.end(uow, cookie, because="logged-out")

    async def prove_again(
        self, principal: Principal, realm: Realm, password: str, *, address: str = ""
    ) -> None:
        """Raise unless ``password`` is that of whoever is logged in; it counts as a login does."""
        account_id = _of(principal)
        attempt = LoginAttempt(
            action="password", realm=realm, subject=account_id.bytes, address=address
        )
        await self._watch.before(attempt)
        await self._prove(attempt, realm, password, account_id=account_id)
        await self._watch.succeeded(attempt)

    async def _prove(
        self,
        attempt: LoginAttempt,
        realm: Realm,
        password: str,
        *,
        email: str | None = None,
        account_id: UUID | None = None,
    ) -> StoredPassword:
        found = await self._repository.password_of(
            self._db, realm, email=email, account_id=account_id
        )
        owner, stored = (None, None) if found is None else (found.account_id, found.sealed)
        judged = await self._passwords.judge(owner, stored, password)
        if not judged.is_right or found is None or stored is None:
            await self._watch.failed(attempt)
            raise _wrong()
        if judged.renewed is not None:
            await self._repository.rehash(found.account_id, stored, judged.renewed)
        return found

    async def _still_open(self, uow: UnitOfWork, proven: StoredPassword, realm: Realm) -> Account:
        """The account, locked: closed or given another password since, it opens no session."""
        account = await self._repository.lock(uow, proven.account_id, realm)
        if (
            account is None
            or account.disabled_at is not None
            or account.password_at != proven.chosen_at
        ):
            raise _wrong()
        return account


def _wrong() -> WrongCredentials:
    message = "No account has this address and this password."
    return WrongCredentials(message)


def _of(principal: Principal) -> UUID:
    if principal.account_id is None:
        message = "Log in for this."
        raise WrongCredentials(message)
    return principal.account_id
