"""Sessions: opaque, kept in the database, over at once when they are revoked.

Every request asks the database for its session, so that no process goes on with one that another has
ended. What asks in one turn of the event loop asks together, in one statement, which makes it cheap.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from commercekit.identity.errors import SessionNotFound
from commercekit.identity.models import (
    Client,
    FoundSession,
    IssuedSession,
    Realm,
)
from commercekit.identity.repository import SessionRepository
from commercekit.identity.rules import digest_of, make_secret
from commercekit.kernel import new_id
from commercekit.platform.db import Coalescer
from commercekit.platform.security import Grant, Principal, PrincipalKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from commercekit.identity.models import Account, SessionView
    from commercekit.identity.settings import IdentitySettings, RealmSettings
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["PENDING", "Sessions"]

PENDING: Final = timedelta(minutes=10)
"""How long a session waits for its second factor."""
_REMEMBERED: Final = 1000
_TOUCH_EVERY: Final = timedelta(minutes=1)
_KEPT: Final = timedelta(days=30)
_KINDS: Final = {realm.value: realm.kind for realm in Realm}


class Sessions:
    """Opens, finds and ends sessions of both realms."""

    def __init__(
        self, db: Database, clock: Clock, sealer: Sealer, settings: IdentitySettings
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._repository = SessionRepository(db, sealer)
        self._known: dict[tuple[frozenset[str], str], tuple[frozenset[str], tuple[Grant, ...]]] = {}
        self.grants_of: Callable[[list[Any]], tuple[Grant, ...]] = _none
        """What roles come to; roles need sessions, so they put it here."""
        self._asked: Coalescer[bytes, FoundSession | None] = Coalescer(
            self._find, largest=256, waiting=4096
        )

    async def find(self, kind: PrincipalKind, cookie: str) -> Principal | None:
        """Who is logged in with this cookie in this realm; ``None`` when it opens nothing (any more)."""
        digest = digest_of(cookie)
        if digest is None:
            return None
        found = await self._asked.submit(digest)
        if found is None or _KINDS[found.realm] is not kind:
            return None
        return self._principal(found, kind)

    async def open(
        self,
        uow: UnitOfWork,
        account: Account,
        client: Client,
        *,
        is_pending: bool = False,
        instead_of: str | None = None,
    ) -> IssuedSession:
        """A new session for whoever has just proven the account's password.

        ``instead_of`` is the cookie the browser came with, of whomever: that session ends. The new one
        never takes over its id, so presetting one gains nothing.
        """
        now = self._clock.now()
        secret, digest = _new_secret()
        session = IssuedSession(
            id=new_id(),
            realm=account.realm,
            secret=secret,
            expires_at=now + (PENDING if is_pending else self._limits(account.realm).absolute),
            is_pending=is_pending,
        )
        await self._repository.insert(uow, session, account.id, digest, client, now)
        if instead_of is not None:
            await self.end(uow, instead_of, because="replaced")
        return session

    async def elevate(
        self, uow: UnitOfWork, session_id: UUID, *, factor: str, realm: Realm = Realm.STAFF
    ) -> IssuedSession:
        """Note that a second factor was proven just now; the cookie is a new one from here on.

        A session that waited for it lives as long as any other from now on. Raises
        :class:`~commercekit.identity.errors.SessionNotFound` for one that is over.
        """
        now = self._clock.now()
        secret, digest = _new_secret()
        expires_at = now + self._limits(realm).absolute
        found = await self._repository.elevate(
            uow, session_id, secret_hash=digest, factor=factor, now=now, expires_at=expires_at
        )
        if found is None:
            raise SessionNotFound
        return IssuedSession(
            id=session_id,
            realm=Realm(found[0]),
            secret=secret,
            expires_at=found[1],
            is_pending=False,
        )

    async def renew(self, uow: UnitOfWork, session_id: UUID) -> IssuedSession:
        """Note that the password was proven again just now; the cookie is a new one from here on."""
        secret, digest = _new_secret()
        found = await self._repository.rotate(uow, session_id, digest, self._clock.now())
        if found is None:
            raise SessionNotFound
        return IssuedSession(
            id=session_id,
            realm=Realm(found[0]),
            secret=secret,
            expires_at=found[1],
            is_pending=found[2],
        )

    async def end(self, uow: UnitOfWork, cookie: str, *, because: str) -> UUID | None:
        """End the session of a cookie; gives whose it was, ``None`` when it opened nothing."""
        digest = digest_of(cookie)
        if digest is None:
            return None
        return await self._repository.revoke_secret(uow, digest, self._clock.now(), because)

    async def revoke(
        self, uow: UnitOfWork, account_id: UUID, session_id: UUID, *, because: str
    ) -> None:
        """End one session of an account; one that is over stays so.

        Raises :class:`~commercekit.identity.errors.SessionNotFound`, for somebody else's too.
        """
        now = self._clock.now()
        if not await self._repository.revoke(uow, session_id, account_id, now, because):
            message = "There is no such session."
            raise SessionNotFound(message)

    async def revoke_all(
        self, uow: UnitOfWork, account_id: UUID, *, because: str, keep: UUID | None = None
    ) -> int:
        """End every session of an account, at once and in every process, but ``keep``; gives how many.

        For what makes a session worth something else: a new password, other roles, a closed account.
        """
        return await self._repository.revoke_all(uow, account_id, self._clock.now(), because, keep)

    async def open_ones(
        self, realm: Realm, account_id: UUID, current: UUID | None = None
    ) -> list[SessionView]:
        """The account's sessions that work, the last used first."""
        now = self._clock.now()
        idle = self._limits(realm).idle
        return await self._repository.open_ones(account_id, now, now - idle, current)

    def is_fresh(self, principal: Principal, within: timedelta) -> bool:
        """Whether the strongest factor of the session was proven so recently."""
        proven = principal.second_factor_at or principal.password_at
        return proven is not None and self._clock.now() - proven <= within

    async def prune(self) -> None:
        """Forget sessions that have been over for a month."""
        async with self._db.unit_of_work() as uow:
            await self._repository.prune(uow, self._clock.now() - _KEPT)

    async def drained(self) -> None:
        """Return once no look-up is under way; before the database is closed."""
        await self._asked.drained()

    async def _find(self, digests: Sequence[bytes]) -> list[FoundSession | Exception | None]:
        now = self._clock.now()
        found = await self._repository.find(digests)
        stale: list[UUID] = []
        for digest, session in list(found.items()):
            limits = self._settings.staff if session.realm == "staff" else self._settings.customers
            unused = now - session.seen_at
            if now >= session.expires_at or unused >= limits.idle:
                del found[digest]
            elif unused >= min(_TOUCH_EVERY, limits.idle / 4):
                stale.append(session.id)
        if stale:
            await self._repository.touch(sorted(stale), now)
        return [found.get(digest) for digest in digests]

    def _limits(self, realm: Realm) -> RealmSettings:
        return self._settings.staff if realm is Realm.STAFF else self._settings.customers

    def _principal(self, found: FoundSession, kind: PrincipalKind) -> Principal:
        scopes = frozenset(found.scopes)
        grants: tuple[Grant, ...] = ()
        if found.roles is not None:
            scopes, grants = self._granted(scopes, found.roles)
        return Principal(
            id=f"account/{found.account_id}",
            kind=kind,
            scopes=scopes,
            grants=grants,
            account_id=found.account_id,
            session_id=found.id,
            password_at=found.password_at,
            second_factor=found.second_factor,
            second_factor_at=found.second_factor_at,
            is_pending=found.is_pending,
        )

    def _granted(
        self, direct: frozenset[str], roles: str
    ) -> tuple[frozenset[str], tuple[Grant, ...]]:
        """What roles and an account's own permissions come to; remembered, as many have the same."""
        key = (direct, roles)
        known = self._known.get(key)
        if known is None:
            grants = self.grants_of(msgspec.json.decode(roles))
            if direct:
                grants = (Grant(permissions=direct), *grants)
            scopes = frozenset().union(*(grant.permissions for grant in grants))
            if all(grant.limit is None for grant in grants):
                grants = ()
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[key] = (scopes, grants)
        return known


def _none(_: list[Any]) -> tuple[Grant, ...]:
    return ()


def _new_secret() -> tuple[str, bytes]:
    secret = make_secret()
    digest = digest_of(secret)
    assert digest is not None  # noqa: S101 - it was made to be one
    return secret, digest
