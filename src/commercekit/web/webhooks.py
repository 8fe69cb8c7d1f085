"""The one door for machines of others: the request goes to the provider's receiver, untouched."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from litestar import HttpMethod, Request, Response, route
from litestar.types import ControllerRouterHandler

from commercekit.errors import CommerceKitError, NotFound
from commercekit.kernel import Clock
from commercekit.platform.http import FORM_PAGE
from commercekit.platform.providers import Ack, RawRequest
from commercekit.platform.security import public

__all__ = ["Receiver", "raw_request", "webhook_routes"]

Receiver = Callable[[str, str, str | None, RawRequest], Awaitable[Ack]]
"""``async (provider, account, secret, request) -> Ack``: verifies before it reads anything else."""

_METHODS = [HttpMethod.GET, HttpMethod.POST]
_REFUSED = 400
_OPEN = {
    **FORM_PAGE,
    **public("the provider verifies what was signed, before anything else is read"),
}
_BASE = "/webhooks/{kind:str}/{provider:str}/{account:str}"


def webhook_routes(
    receivers: Mapping[str, Receiver],
    clock: Clock,
    on_refusal: Callable[[str, str, str], None] | None = None,
) -> list[ControllerRouterHandler]:
    """The webhooks of ``receivers``, which are known by kind: ``payments``, ``carriers`` and so on.

    ``on_refusal`` hears of what was not taken: the kind, the provider, and the problem's slug. A
    provider that nobody knows is ``unknown``, whatever the address called it.
    """

    def refused(kind: str, provider: str, reason: str) -> None:
        if on_refusal is not None:
            on_refusal(kind, provider, reason)

    async def dispatch(
        request: Request[Any, Any, Any], kind: str, provider: str, account: str, secret: str | None
    ) -> Response[bytes]:
        receiver = receivers.get(kind)
        if receiver is None:
            raise NotFound
        raw = await raw_request(request, clock)
        try:
            ack = await receiver(provider, account, secret, raw)
        except NotFound as error:
            refused(kind, "unknown", error.slug)
            raise
        except CommerceKitError as error:
            refused(kind, provider, error.slug)
            raise
        if ack.status >= _REFUSED:
            refused(kind, provider, "not-taken")
        return Response(content=ack.body, status_code=ack.status, media_type=ack.content_type)

    @route(_BASE, http_method=_METHODS, opt=_OPEN, tags=["webhooks"], status_code=200)
    async def receive(
        request: Request[Any, Any, Any], kind: str, provider: str, account: str
    ) -> Response[bytes]:
        """A provider's notification, signed by it. The answer's bytes are the provider's choice."""
        return await dispatch(request, kind, provider, account, None)

    @route(
        _BASE + "/{secret:str}",
        http_method=_METHODS,
        opt=_OPEN,
        tags=["webhooks"],
        status_code=200,
    )
    async def receive_with_secret(
        request: Request[Any, Any, Any], kind: str, provider: str, account: str, secret: str
    ) -> Response[bytes]:
        """The same for vendors who sign nothing: the last part of the address is the proof."""
        return await dispatch(request, kind, provider, account, secret)

    return [receive, receive_with_secret]


async def raw_request(request: Request[Any, Any, Any], clock: Clock) -> RawRequest:
    """``request`` before any parser: the body as bytes, header names in lower case.

    A header that came several times is joined by commas, as RFC 9110 allows.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in request.scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    query = request.scope["query_string"].decode("latin-1")
    return RawRequest(
        method=request.method,
        url=str(request.url),
        path=request.scope["path"],
        query=parse_qsl(query, keep_blank_values=True, max_num_fields=1000),
        headers=headers,
        body=await request.body(),
        received_at=clock.now(),
        remote_ip=request.client.host if request.client else None,
    )
