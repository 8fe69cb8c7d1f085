"""Who holds which staff token."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from commercekit.errors import FieldError, Malformed
from commercekit.identity.errors import ExpiryPassed, TokenNotFound
from commercekit.identity.models import IssuedToken, NewToken, StaffToken
from commercekit.identity.repository import TokenRepository
from commercekit.identity.rules import check_grant, hash_secret, make_token, parse_token
from commercekit.identity.rules.roles import check_limit, view_of
from commercekit.kernel import new_id
from commercekit.platform.security import (
    EVERYWHERE,
    AuditEntry,
    Grant,
    Limit,
    PermissionBook,
    Principal,
    PrincipalKind,
)

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.kernel import Clock, PageRequest
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import AuditPort, Reach

__all__ = ["StaffTokens"]

_NOBODY = b"\x00" * 32
_MAX_NAME = 100


class StaffTokens:
    """Staff tokens."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: AuditPort,
        permissions: PermissionBook | None = None,
    ) -> None:
        """Without ``permissions`` every scope that is one can be given to a token."""
        self._permissions = permissions or PermissionBook()
        self._db = db
        self._audit = audit
        self._clock = clock
        self._repository = TokenRepository(db)

    async def authenticate(self, raw_token: str) -> Principal | None:
        """Who holds ``raw_token``; ``None`` for a wrong, expired or revoked one.

        Looked up every time, so that a revoked token stops working at once in every process.
        """
        parts = parse_token(raw_token)
        if parts is None:
            return None
        found = await self._repository.find_secret(parts.handle)
        token, expected = found or (None, _NOBODY)
        proven = hmac.compare_digest(hash_secret(parts.secret), expected)
        if token is None or not proven or token.revoked_at is not None:
            return None
        if token.expires_at is not None and token.expires_at <= self._clock.now():
            return None
        return Principal(
            id=f"token/{token.handle}",
            kind=PrincipalKind.STAFF,
            scopes=frozenset(token.scopes),
            name=token.name,
            grants=_grants(token),
        )

    async def create_token(
        self,
        actor: Principal,
        new: NewToken,
        *,
        token_id: UUID | None = None,
        request_id: str = "",
    ) -> IssuedToken:
        """Make a token whose scopes ``actor`` holds; its text is in the result and nowhere else.

        Doing it again with the same ``token_id`` gives the same token a new secret: the answer with
        the first one was lost. Raises :class:`~commercekit.identity.errors.ScopeNotHeld`,
        :class:`~commercekit.identity.errors.ExpiryPassed`, and
        :class:`~commercekit.errors.Malformed` for a scope that nothing in this shop asks for.
        """
        limit = check_limit(new.limit)
        scopes = check_grant(actor, new.scopes, limit)
        for scope in scopes:
            if not self._permissions.knows(scope):
                message = self._permissions.unknown(scope)
                place = FieldError("/scopes", "unknown-permission", message)
                raise Malformed(message, errors=(place,))
        name = new.name.strip()
        if not name or len(name) > _MAX_NAME:
            message = f"Name the token, in at most {_MAX_NAME} characters."
            raise Malformed(message, errors=(FieldError("/name", "invalid", message),))
        now = self._clock.now()
        if new.expires_at is not None and new.expires_at <= now:
            message = "Choose an expiry in the future, or none."
            raise ExpiryPassed(message)
        parts = make_token()
        token = StaffToken(
            id=token_id or new_id(),
            handle=parts.handle,
            name=name,
            scopes=scopes,
            created_by=actor.id,
            created_at=now,
            expires_at=new.expires_at,
            limit=view_of(limit),
        )
        async with self._db.unit_of_work() as uow:
            await self._repository.put_token(uow, token, hash_secret(parts.secret))
            await self._audit.record(
                uow,
                AuditEntry(
                    actor=actor.id,
                    action="tokens:create",
                    subject=f"token/{token.handle}",
                    request_id=request_id,
                    details={"name": name, "scopes": " ".join(scopes)},
                ),
            )
        return IssuedToken(token=token, secret=str(parts))

    async def revoke_token(
        self,
        actor: Principal,
        token_id: UUID,
        *,
        reason: str = "",
        request_id: str = "",
        reach: Reach = EVERYWHERE,
    ) -> None:
        """Stop a token for good, from this moment on; one that is revoked already stays so.

        Raises :class:`~commercekit.identity.errors.TokenNotFound`, also for a token that somebody else
        made if ``reach`` ends at one's own.
        """
        async with self._db.unit_of_work() as uow:
            handle = await self._repository.revoke(
                uow, token_id, self._clock.now(), maker=reach.maker
            )
            if handle is None:
                message = "There is no such token."
                raise TokenNotFound(message)
            await self._audit.record(
                uow,
                AuditEntry(
                    actor=actor.id,
                    action="tokens:revoke",
                    subject=f"token/{handle}",
                    reason=reason,
                    request_id=request_id,
                ),
            )

    async def tokens_holding(self, resource: str) -> list[StaffToken]:
        """Tokens that work and name a permission of ``resource``, or of one ``<resource>-…``."""
        return await self._repository.holding(resource)

    async def take_away(self, uow: UnitOfWork, actor: Principal, resource: str) -> list[StaffToken]:
        """Take every permission of ``resource`` from the tokens that name one; gives those tokens.

        A token that may do nothing else is revoked. Wildcards that cover more stay.
        """
        tokens = await self._repository.holding(resource)
        for token in tokens:
            kept = [
                scope
                for scope in token.scopes
                if not scope.startswith((f"{resource}:", f"{resource}-"))
            ]
            if kept:
                await self._repository.set_scopes(uow, token.id, kept)
            else:
                await self._repository.revoke(uow, token.id, self._clock.now())
            await self._audit.record(
                uow,
                AuditEntry(
                    actor=actor.id,
                    action="tokens:change" if kept else "tokens:revoke",
                    subject=f"token/{token.handle}",
                    reason=f"permissions of {resource} were removed",
                    details={"scopes": " ".join(kept)},
                ),
            )
        return tokens

    async def list_tokens(
        self, page: PageRequest, *, reach: Reach = EVERYWHERE
    ) -> tuple[list[StaffToken], tuple[str, ...] | None]:
        """Tokens, newest first, and the place to go on from; only one's own if ``reach`` ends there."""
        tokens = await self._repository.tokens(page, reach.maker)
        more = len(tokens) > page.limit
        tokens = tokens[: page.limit]
        return tokens, (str(tokens[-1].id),) if more else None


def _grants(token: StaffToken) -> tuple[Grant, ...]:
    if token.limit is None:
        return ()
    limit = Limit(kind=token.limit.kind, values=frozenset(token.limit.codes))
    return (Grant(permissions=frozenset(token.scopes), limit=limit),)
