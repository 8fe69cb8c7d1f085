"""The cookies that carry sessions, and how guards read them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response

from commercekit.identity.api.visits import visit_of
from commercekit.identity.models import Client, IssuedSession, Realm
from commercekit.identity.service import IdentityService
from commercekit.platform.security import (
    SESSIONS,
    Principal,
    PrincipalKind,
    SessionReader,
    cookie_of,
)

__all__ = [
    "CookieSessions",
    "client_of",
    "cookie_in",
    "forgetting",
    "renewed",
    "session_header",
    "session_of",
]

_NAMES: Final = {Realm.STAFF: "ck_staff", Realm.CUSTOMER: "ck_session"}
_MAX_AGENT: Final = 300


class CookieSessions(SessionReader):
    """What guards ask. Over TLS a browser takes the cookie from this very host only, ``__Host-…``."""

    def __init__(self, identity: IdentityService, *, secure: bool) -> None:
        """``secure`` is false in development only, over plain HTTP, where browsers refuse the prefix."""
        self._identity = identity
        self.sensitive = identity.sensitive
        self.secure = secure
        prefix = "__Host-" if secure else ""
        self.cookies: Mapping[PrincipalKind, str] = {
            realm.kind: f"{prefix}{name}" for realm, name in _NAMES.items()
        }

    async def __call__(self, kind: PrincipalKind, cookie: str) -> Principal | None:
        """Who is logged in with it in this realm."""
        return await self._identity.sessions.find(kind, cookie)

    def is_fresh(self, principal: Principal, within: timedelta) -> bool:
        """Whether the session's strongest factor was proven so recently."""
        return self._identity.sessions.is_fresh(principal, within)

    async def stray(self, principal: Principal, path: str) -> None:
        """Note that a customer knocked at a door for staff."""
        await self._identity.note_stray(principal, path)

    def header(self, realm: Realm, value: str, max_age: int) -> str:
        """The ``Set-Cookie`` header field."""
        secure = "; Secure" if self.secure else ""
        name = self.cookies[realm.kind]
        return f"{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}"


def session_header(request: Request[Any, Any, Any], session: IssuedSession, now: datetime) -> str:
    """``Set-Cookie`` for a session that was just made or renewed."""
    left = max(0, int((session.expires_at - now).total_seconds()))
    return _reader(request).header(session.realm, session.secret, left)


def renewed(
    request: Request[Any, Any, Any], session: IssuedSession, now: datetime
) -> Response[None]:
    """An empty answer after which the browser has the session's new cookie."""
    header = session_header(request, session, now)
    return Response(content=None, status_code=204, headers={"Set-Cookie": header})


def forgetting(request: Request[Any, Any, Any], realm: Realm) -> Response[None]:
    """An empty answer after which the browser has neither cookie nor pages of the account."""
    return Response(
        content=None,
        status_code=204,
        headers={
            "Set-Cookie": _reader(request).header(realm, "", 0),
            "Clear-Site-Data": '"cache", "storage"',
        },
    )


def cookie_in(request: Request[Any, Any, Any], realm: Realm) -> str | None:
    """What the browser sent as this realm's session."""
    return cookie_of(request, realm.kind)


def client_of(request: Request[Any, Any, Any]) -> Client:
    """Where the request comes from."""
    peer = request.client
    return Client(
        address=peer.host if peer is not None else "",
        user_agent=request.headers.get("user-agent", "")[:_MAX_AGENT],
        visit=visit_of(request),
    )


def session_of(principal: Principal) -> tuple[UUID, UUID]:
    """Account and session of whoever a guard let pass by a session."""
    assert principal.account_id is not None  # noqa: S101 - the guard saw to it
    assert principal.session_id is not None  # noqa: S101 - as above
    return principal.account_id, principal.session_id


def _reader(request: Request[Any, Any, Any]) -> CookieSessions:
    reader: CookieSessions = request.app.state[SESSIONS]
    return reader
