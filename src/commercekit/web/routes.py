"""Which controllers stand where; checked once, at the start, so that a mistake cannot go live."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from litestar import Router
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import ASGIRouteHandler
from litestar.routes import HTTPRoute

from commercekit.errors import ConfigurationError
from commercekit.platform.http import FORM_PAGE, ShopApplication, build_litestar
from commercekit.platform.security import PermissionBook, door_of

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.types import ControllerRouterHandler

__all__ = ["build_web", "check_routes", "kept_handlers"]

_CORE: Final = ("/store", "/admin", "/webhooks")
_OPERATIONS: Final = frozenset(
    {"/livez", "/readyz", "/metrics", "/openapi.json", "/csp-reports", "/"}
)
_PAGES: Final = ("/docs", "/problems", "/plugins", "/media", "/sitemap.xml", "/sitemaps")
_KEPT: Final = (*_CORE, "/plugins")
_CODE: Final = re.compile(r"^[a-z][a-z0-9-]{0,62}$")


def build_web(
    *,
    controllers: Sequence[ControllerRouterHandler],
    plugin_routes: Mapping[str, Sequence[ControllerRouterHandler]] | None = None,
    permissions: PermissionBook | None = None,
    **setup: Any,
) -> ShopApplication:
    """The whole web of a shop: the domains' ``controllers``, and each plugin's below its own code.

    ``setup`` goes to :func:`~commercekit.platform.http.build_litestar` as it is. Raises
    :class:`~commercekit.errors.ConfigurationError` for a plugin that reaches for an address which is
    not its own or asks for a permission that nobody brings, for two answers at one address, and for an
    admin handler without a guard.
    """
    routers = [_plugin_router(code, routes) for code, routes in (plugin_routes or {}).items()]
    try:
        app = build_litestar(controllers=[*controllers, *routers], **setup)
    except ImproperlyConfiguredException as error:
        message = f"The routes of this shop do not fit together: {error.detail}"
        raise ConfigurationError(message) from error
    check_routes(app, plugins=frozenset(plugin_routes or ()), permissions=permissions)
    return app


def check_routes(
    app: Litestar,
    *,
    plugins: frozenset[str] = frozenset(),
    permissions: PermissionBook | None = None,
) -> None:
    """Refuse an application with a route that is open by mistake, or stands where none should.

    Deny by default: every handler that a shopper, a member of staff, a machine or a plugin's user can
    call carries a guard made by ``requires``, ``signed_in`` or ``has_session``, or says by ``public``
    why it needs none. Below ``/admin`` the latter is for what a session begins and ends with only.
    """
    mistakes: list[str] = []
    for route in app.routes:
        path = route.path
        if not _is_known(path, plugins):
            mistakes.append(f"{path} stands under none of {', '.join(_CORE)}, /plugins/<code>")
        if not any(_below(path, kept) for kept in _KEPT):
            continue
        if _below(path, "/admin") and not isinstance(route, HTTPRoute):
            mistakes.append(f"{path} is no HTTP route, so no guard protects it")
            continue
        for method, handler in _handlers(route):
            door = door_of(handler)
            if door is None:
                mistakes.append(
                    f"{method} {path} has no guard; add guards=[requires(…)], or opt=public(…) with"
                    " the reason why everybody may"
                )
            elif (
                _below(path, "/plugins")
                and permissions is not None
                and door.permission
                and not permissions.knows(door.permission)
            ):
                mistakes.append(
                    f"{method} {path}: {permissions.unknown(door.permission)}; bring it by"
                    " register_permissions"
                )
    if mistakes:
        message = "This shop does not start: " + "; ".join(sorted(set(mistakes)))
        raise ConfigurationError(message)


def kept_handlers(app: Litestar) -> Iterator[tuple[str, str, Any]]:
    """Method, path and handler of whatever a shopper, staff, a machine or a plugin's user can call."""
    for route in app.routes:
        if any(_below(route.path, kept) for kept in _KEPT):
            for method, handler in _handlers(route):
                yield method, route.path_format, handler


def _handlers(route: Any) -> Iterator[tuple[str, Any]]:
    """The handlers of a route by method; one that speaks no HTTP by itself has none."""
    if isinstance(route, HTTPRoute):
        for method, (handler, _) in route.route_handler_map.items():
            if method != "OPTIONS":
                yield method, handler
    else:
        yield "ANY", route.route_handler


def _plugin_router(code: str, routes: Sequence[ControllerRouterHandler]) -> Router:
    if not _CODE.match(code):
        message = f"{code!r} cannot be a plugin's code: use lower-case letters, digits and hyphens"
        raise ConfigurationError(message)
    for each in routes:
        if isinstance(each, ASGIRouteHandler) and each.is_mount:
            continue
        for path in _paths(each):
            # Below /plugins/<code> it would be harmless, but somebody meant to take over a core route.
            if any(_below(path, core) for core in _CORE) or ".." in path:
                message = (
                    f"the plugin {code} wants to mount {path} over a core route; its routes live"
                    f" below /plugins/{code}, so choose another path"
                )
                raise ConfigurationError(message)
    return Router(f"/plugins/{code}", route_handlers=list(routes), opt=dict(FORM_PAGE))


def _paths(route: Any) -> list[str]:
    found = getattr(route, "paths", None) or [getattr(route, "path", "/") or "/"]
    return ["/" + str(path).strip("/") for path in found]


def _is_known(path: str, plugins: frozenset[str]) -> bool:
    if path in _OPERATIONS or any(_below(path, core) for core in _CORE):
        return True
    if _below(path, "/plugins"):
        return path.split("/")[2:3] != [] and path.split("/")[2] in plugins
    return any(_below(path, page) for page in _PAGES)


def _below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")
