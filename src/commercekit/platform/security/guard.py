"""The guard in front of every route that is not for everybody.

A guard is a plain coroutine function, so that this package needs no web framework: it reads the
``Authorization`` header and asks the authenticator that the application was built with.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from commercekit.errors import Forbidden, Unauthenticated
from commercekit.platform.security.principal import Principal, PrincipalKind, check_scope

__all__ = ["AUTHENTICATOR", "Authenticator", "Guard", "principal_of", "requires"]

Authenticator = Callable[[str], Awaitable[Principal | None]]
"""Turns the token of an ``Authorization: Bearer`` header into the one who holds it, or ``None``."""

AUTHENTICATOR = "commercekit_authenticator"
"""The name under which the application's state holds the :data:`Authenticator`."""

_PRINCIPAL = "commercekit.principal"
_MAX_TOKEN = 256


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


def requires(scope: str) -> Callable[[Any, Any], Awaitable[None]]:
    """A guard that lets only staff pass who hold ``scope``.

    Raises :class:`~commercekit.errors.Unauthenticated` for an absent or worthless token and
    :class:`~commercekit.errors.Forbidden` for a good one without the scope. The token is looked up on
    every request, so that revoking one works at once.
    """
    check_scope(scope)

    async def guard(connection: _Connection, _route_handler: Any) -> None:
        principal = await _authenticate(connection)
        if principal is None or principal.kind not in (PrincipalKind.STAFF, PrincipalKind.SYSTEM):
            message = "Send a staff token: Authorization: Bearer ck_live_…"
            raise Unauthenticated(message)
        connection.scope[_PRINCIPAL] = principal
        if not principal.may(scope):
            message = f"This token lacks the scope {scope}."
            raise Forbidden(message, required_scope=scope)

    guard.required_scope = scope  # type: ignore[attr-defined] # the route table reads it at start-up
    return guard


def principal_of(request: _Connection) -> Principal:
    """Who is asking: the one a guard let pass, or an anonymous guest."""
    principal = request.scope.get(_PRINCIPAL)
    return principal if isinstance(principal, Principal) else _GUEST


async def _authenticate(connection: _Connection) -> Principal | None:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
        return None
    authenticator: Authenticator | None = getattr(connection.app.state, AUTHENTICATOR, None)
    return None if authenticator is None else await authenticator(token)


_GUEST = Principal(id="guest", kind=PrincipalKind.GUEST, name="guest")
