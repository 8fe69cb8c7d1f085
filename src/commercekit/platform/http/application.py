"""Litestar, set up with the shop's manners."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, cast

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import LitestarDeprecationWarning
from litestar.types import ControllerRouterHandler
from prometheus_client import CollectorRegistry

from commercekit.platform.http.edge import App, Edge, HttpSettings
from commercekit.platform.http.exceptions import answer_exception
from commercekit.platform.http.idempotency import IDEMPOTENCY, Idempotency
from commercekit.platform.http.inputs import ShopRequest
from commercekit.platform.http.lane import LaneRoute, lane
from commercekit.platform.http.metrics import RequestMetrics
from commercekit.platform.http.openapi import documentation_routes, openapi_config
from commercekit.platform.http.operations import ReadyCheck, operation_routes
from commercekit.platform.http.pages import CURSORS, Cursors
from commercekit.platform.http.query import check_request, remember_parameters
from commercekit.platform.http.reports import report_routes
from commercekit.platform.security import AUTHENTICATOR, SESSIONS, Authenticator, SessionReader

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send
    from litestar.types.asgi_types import LifeSpanReceive, LifeSpanScope, LifeSpanSend

__all__ = ["ShopApplication", "build_litestar"]

MAX_BODY = 10 * 1024 * 1024

Shortcut = Callable[[App], App]
Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


class ShopApplication(Litestar):
    """Litestar behind the :class:`~commercekit.platform.http.edge.Edge`."""

    __slots__ = ("edge",)

    edge: Edge

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        """ASGI: the edge first, then Litestar."""
        if cast("str", scope["type"]) == "http":
            await cast("Any", self.edge)(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def build_litestar(
    *,
    controllers: Sequence[ControllerRouterHandler],
    dependencies: Mapping[str, Any] | None = None,
    lifespan: Sequence[Lifespan] = (),
    authenticator: Authenticator | None = None,
    sessions: SessionReader | None = None,
    idempotency: Idempotency | None = None,
    cursors: Cursors | None = None,
    settings: HttpSettings | None = None,
    checks: Mapping[str, ReadyCheck] | None = None,
    registry: CollectorRegistry | None = None,
    state: Mapping[str, Any] | None = None,
    lanes: Sequence[LaneRoute] = (),
    shortcut: Shortcut | None = None,
    gate: Shortcut | None = None,
    title: str = "CommerceKit",
    version: str = "0",
) -> ShopApplication:
    """The application that answers ``controllers`` with everything API.md asks of each of them.

    ``dependencies`` are the finished services by the name under which handlers ask for them. Without
    an ``authenticator`` every guard refuses tokens, without ``sessions`` cookies. ``lanes`` are calls
    that Litestar need not see. A ``shortcut`` stands in front of them: it answers what it can answer
    alike for less, and hands on the rest. A ``gate`` stands in front of both and may raise: it counts
    who asks how often.
    """
    metrics = RequestMetrics(registry or CollectorRegistry())
    app = _quietly(
        route_handlers=[
            *controllers,
            *operation_routes(checks or {}, metrics),
            *report_routes(metrics.registry),
            *documentation_routes(),
        ],
        dependencies={
            name: Provide(_giving(service), use_cache=True, sync_to_thread=False)
            for name, service in (dependencies or {}).items()
        },
        lifespan=list(lifespan),
        request_class=ShopRequest,
        before_request=_before_request,
        exception_handlers={Exception: answer_exception},
        openapi_config=openapi_config(title, version),
        request_max_body_size=MAX_BODY,
        logging_config=None,
        debug=False,
        state=State(
            {
                **(state or {}),
                AUTHENTICATOR: authenticator,
                SESSIONS: sessions,
                IDEMPOTENCY: idempotency,
                CURSORS: cursors,
            }
        ),
    )
    remember_parameters(app)
    inner = lane(super(ShopApplication, app).__call__, lanes)
    if shortcut is not None:
        inner = shortcut(inner)
    if gate is not None:
        inner = gate(inner)
    app.edge = Edge(inner, settings or HttpSettings(), metrics)
    return app


def _quietly(**setup: Any) -> ShopApplication:
    """Build without what Litestar 2 says about Litestar 3: markers on every parameter.

    The version is pinned below 3, and plain signatures read better until then.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        return ShopApplication(**setup)


async def _before_request(request: Request[Any, Any, Any]) -> None:
    await check_request(request)


def _giving(service: Any) -> Callable[[], Any]:
    """A callable of its own for each service: Litestar refuses one under two names."""

    def give() -> Any:
        return service

    return give
