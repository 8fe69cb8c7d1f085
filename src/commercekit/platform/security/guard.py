"""The guard in front of every route that is not for everybody.

A guard is a plain coroutine function, so that this package needs no web framework: it reads the
``Authorization`` header or the session's cookie and asks whom the application was built with.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Protocol

from commercekit.errors import Forbidden, Unauthenticated
from commercekit.platform.security.principal import Principal, PrincipalKind
from commercekit.platform.security.reach import EVERYWHERE, LimitKind, Reach
from commercekit.platform.security.scopes import check_scope

__all__ = [
    "ACTS",
    "AUTHENTICATOR",
    "SESSIONS",
    "STEP_UP",
    "Acts",
    "Authenticator",
    "Guard",
    "MfaRequired",
    "SessionReader",
    "StepUpRequired",
    "cookie_of",
    "has_session",
    "note_use",
    "principal_of",
    "reach_of",
    "require_fresh",
    "requires",
    "signed_in",
    "whoever",
]

Authenticator = Callable[[str], Awaitable[Principal | None]]
"""Turns the token of an ``Authorization: Bearer`` header into the one who holds it, or ``None``."""

AUTHENTICATOR = "commercekit_authenticator"
"""The name under which the application's state holds the :data:`Authenticator`."""

SESSIONS = "commercekit_sessions"
"""The name under which the application's state holds the :class:`SessionReader`."""

STEP_UP: Final = timedelta(minutes=5)
"""How recently a factor must have been proven for what cannot be taken back."""

_PRINCIPAL = "commercekit.principal"
_REACH = "commercekit.reach"
_MAX_TOKEN = 256


Acts = Callable[[Principal, str, Any, Any], Awaitable[None]]
"""Hears who is about to use which permission, with the connection's scope and the handler."""

ACTS = "commercekit_acts"
"""The name under which the application's state holds the :data:`Acts`."""


class MfaRequired(Unauthenticated):
    """The password was right; a second factor is still owed before anything is allowed."""

    slug = "mfa-required"
    title = "Second factor required"
    title_zh = "需要第二重身份验证"


class StepUpRequired(Unauthenticated):
    """The session is good, and this asks for a factor that was proven within minutes."""

    slug = "step-up-required"
    title = "Prove again that it is you"
    title_zh = "请再次验证身份"


class SessionReader(Protocol):
    """Whom a cookie stands for."""

    cookies: Mapping[PrincipalKind, str]
    """The name of each realm's cookie."""
    sensitive: frozenset[str]
    """Permissions that ask for a factor proven within minutes, wherever a route asks for them."""

    async def __call__(self, kind: PrincipalKind, cookie: str) -> Principal | None:
        """Who is logged in with it in this realm."""
        ...

    def is_fresh(self, principal: Principal, within: timedelta) -> bool:
        """Whether the session's strongest factor was proven so recently."""
        ...

    async def stray(self, principal: Principal, path: str) -> None:
        """Hear of a customer who knocked at a door for staff."""
        ...


class _Connection(Protocol):
    """The little of a request that a guard looks at."""

    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def app(self) -> Any: ...
    @property
    def scope(self) -> Any: ...


class _Guard(Protocol):
    required_scope: str

    async def __call__(self, connection: _Connection, route_handler: Any) -> None: ...


Guard = _Guard


def requires(
    scope: str, *, step_up: bool = False, limited_by: Sequence[LimitKind] = ()
) -> Callable[[Any, Any], Awaitable[None]]:
    """A guard that lets only staff pass who hold ``scope``, by token or by session.

    ``limited_by`` are the limits that the route keeps to: whoever holds the scope within such a limit
    passes, and the handler hands :func:`reach_of` on to the service. A route that keeps to none refuses
    whoever holds the scope within a limit, because it would show them everything.

    Raises :class:`~commercekit.errors.Unauthenticated` for an absent or worthless token or session,
    :class:`MfaRequired` for a session that owes a second factor, and
    :class:`~commercekit.errors.Forbidden` for a good one without the scope. Both are looked up on every
    request, so that revoking one works at once. With ``step_up`` a session must have proven a factor
    within :data:`STEP_UP`, else :class:`StepUpRequired`; a token is exempt: nobody sits in front of it.
    """
    check_scope(scope)
    kinds = frozenset(limited_by)
    only_reads = scope.endswith(":read")

    async def guard(connection: _Connection, route_handler: Any) -> None:
        principal = await _staff(connection)
        connection.scope[_PRINCIPAL] = principal
        if principal.is_pending:
            raise _pending()
        if not principal.may(scope):
            message = f"This token or session lacks the scope {scope}."
            raise Forbidden(message, required_scope=scope)
        if principal.grants:
            reach = principal.reach(scope).only(kinds)
            if reach.is_nothing:
                message = f"You hold {scope} within a limit that is not known here."
                raise Forbidden(message, required_scope=scope)
            connection.scope[_REACH] = reach
        if step_up or scope in _sensitive(connection):
            require_fresh(connection)
        acts: Acts | None = getattr(connection.app.state, ACTS, None)
        if acts is not None and not only_reads:
            # Before the act: one that could not be written down does not happen.
            await acts(principal, scope, connection.scope, route_handler)

    guard.required_scope = scope  # type: ignore[attr-defined] # the route table reads it at start-up
    guard.limited_by = tuple(sorted(kinds))  # type: ignore[attr-defined] # as above
    guard.access = "staff"  # type: ignore[attr-defined] # as above
    guard.step_up = step_up  # type: ignore[attr-defined] # as above
    return guard


def signed_in(*, step_up: bool = False) -> Callable[[Any, Any], Awaitable[None]]:
    """A guard that lets only customers pass who are logged in; what they may see is theirs alone."""
    return has_session(PrincipalKind.CUSTOMER, step_up=step_up)


def has_session(
    kind: PrincipalKind, *, pending: bool = False, step_up: bool = False
) -> Callable[[Any, Any], Awaitable[None]]:
    """A guard that lets pass whoever is logged in to a realm, whatever they may do there.

    With ``pending`` also who still owes a second factor: for the routes where it is proven. Tokens do
    not pass: what stands behind is about the session itself.
    """

    async def guard(connection: _Connection, _route_handler: Any) -> None:
        principal = await _in_session(connection, kind)
        if principal is None:
            message = "Log in for this."
            raise Unauthenticated(message)
        connection.scope[_PRINCIPAL] = principal
        if principal.is_pending and not pending:
            raise _pending()
        if step_up:
            require_fresh(connection)

    guard.access = "session" if kind is PrincipalKind.STAFF else "customer"  # type: ignore[attr-defined] # the route table reads it
    guard.step_up = step_up  # type: ignore[attr-defined] # as above
    return guard


def principal_of(request: _Connection) -> Principal:
    """Who is asking: the one a guard let pass, or an anonymous guest."""
    principal = request.scope.get(_PRINCIPAL)
    return principal if isinstance(principal, Principal) else _GUEST


def reach_of(request: _Connection) -> Reach:
    """How far the permission goes that the guard of this route asked for."""
    reach = request.scope.get(_REACH)
    return reach if isinstance(reach, Reach) else EVERYWHERE


async def note_use(request: Any, permission: str) -> None:
    """Have it written down, before it happens, that a permission is used besides the route's own.

    For a handler that knows only by what it reads that it shows what not everybody may see. Whether the
    permission is held is the handler's to ask.
    """
    acts: Acts | None = getattr(request.app.state, ACTS, None)
    if acts is not None:
        await acts(principal_of(request), permission, request.scope, request.route_handler)


async def whoever(request: _Connection) -> Principal:
    """The customer who is logged in, or a guest: for routes that are open to both.

    Who still owes a second factor is a guest until it is proven.
    """
    known = request.scope.get(_PRINCIPAL)
    if isinstance(known, Principal):
        return known
    principal = await _in_session(request, PrincipalKind.CUSTOMER)
    if principal is None or principal.is_pending:
        principal = _GUEST
    request.scope[_PRINCIPAL] = principal
    return principal


def cookie_of(request: _Connection, kind: PrincipalKind) -> str | None:
    """What the browser sent as the session's cookie of a realm."""
    reader: SessionReader | None = getattr(request.app.state, SESSIONS, None)
    return None if reader is None else _cookie(request.scope, reader.cookies[kind])


async def _staff(connection: _Connection) -> Principal:
    authorization = next(
        (value for name, value in connection.scope["headers"] if name == b"authorization"), None
    )
    if authorization is not None:
        # Who shows a token means it: a session beside it is not looked at.
        principal = await _by_token(connection, authorization.decode("latin-1"))
    else:
        principal = await _in_session(connection, PrincipalKind.STAFF)
    if principal is None or principal.kind not in (PrincipalKind.STAFF, PrincipalKind.SYSTEM):
        await _note_stray(connection)
        message = "Log in, or send a staff token: Authorization: Bearer ck_live_…"
        raise Unauthenticated(message)
    return principal


async def _by_token(connection: _Connection, authorization: str) -> Principal | None:
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
        return None
    authenticator: Authenticator | None = getattr(connection.app.state, AUTHENTICATOR, None)
    return None if authenticator is None else await authenticator(token)


async def _in_session(connection: _Connection, kind: PrincipalKind) -> Principal | None:
    reader: SessionReader | None = getattr(connection.app.state, SESSIONS, None)
    if reader is None:
        return None
    cookie = _cookie(connection.scope, reader.cookies[kind])
    return None if cookie is None else await reader(kind, cookie)


async def _note_stray(connection: _Connection) -> None:
    reader: SessionReader | None = getattr(connection.app.state, SESSIONS, None)
    if reader is None or _cookie(connection.scope, reader.cookies[PrincipalKind.CUSTOMER]) is None:
        return
    customer = await _in_session(connection, PrincipalKind.CUSTOMER)
    if customer is not None:
        await reader.stray(customer, connection.scope["path"])


def _cookie(scope: Any, name: str) -> str | None:
    wanted = f"{name}=".encode("ascii")
    for field, value in scope["headers"]:
        if field == b"cookie" and wanted in value:
            for pair in value.split(b";"):
                found: bytes = pair.strip()
                if found.startswith(wanted):
                    text: str = found[len(wanted) :].decode("latin-1")
                    return text
    return None


def _sensitive(connection: _Connection) -> frozenset[str]:
    reader: SessionReader | None = getattr(connection.app.state, SESSIONS, None)
    return frozenset() if reader is None else reader.sensitive


def require_fresh(request: _Connection) -> None:
    """Raise :class:`StepUpRequired` unless the session has proven a factor within :data:`STEP_UP`.

    For a handler that knows only by what it reads whether it asks for it, such as a refund above a limit.
    A token is exempt: nobody sits in front of it.
    """
    principal = principal_of(request)
    reader: SessionReader | None = getattr(request.app.state, SESSIONS, None)
    if principal.session_id is None or reader is None:
        return
    if not reader.is_fresh(principal, STEP_UP):
        message = "Prove again that it is you, then ask once more."
        raise StepUpRequired(message)


def _pending() -> MfaRequired:
    message = "A second factor is still owed: prove it first."
    return MfaRequired(message)


_GUEST = Principal(id="guest", kind=PrincipalKind.GUEST, name="guest")
