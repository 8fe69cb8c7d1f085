"""``/plugins/payment-sandbox/pay/{token}``: where the shopper pays, in a browser or by a form POST."""

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from commercekit.errors import Malformed
from commercekit.payments import PaymentState
from commercekit.platform.plugins import PluginContext
from commercekit.platform.security import public
from commercekit_payment_sandbox.bank import Bank, Ended
from commercekit_payment_sandbox.delivery import Courier
from commercekit_payment_sandbox.models import Charge, Ticket
from commercekit_payment_sandbox.page import STYLE, message_page, payment_page
from commercekit_payment_sandbox.scenarios import Scenario, of_payment
from commercekit_payment_sandbox.signing import open_link
from commercekit_payment_sandbox.texts import language_of

__all__ = ["routes"]

_STATUS = {PaymentState.CLOSED: 410, PaymentState.FAILED: 410}
_MAX_BODY = 2000
_OPEN = public("whoever holds the signed link to the payment's page")


def routes(ctx: PluginContext, bank: Bank, courier: Courier) -> list[ControllerRouterHandler]:
    """The page, what its buttons do, and its style sheet."""
    pages = _Pages(ctx, bank, courier)

    @get("/page.css", opt=_OPEN, include_in_schema=False, media_type="text/css")
    async def style() -> Response[str]:
        return Response(
            STYLE, media_type="text/css", headers={"cache-control": "public, max-age=3600"}
        )

    @get("/pay/{token:str}", opt=_OPEN, include_in_schema=False)
    async def show(request: Request[Any, Any, Any], token: str) -> Response[str]:
        return await pages.show(request, token)

    @post("/pay/{token:str}", opt=_OPEN, include_in_schema=False, status_code=303)
    async def act(request: Request[Any, Any, Any], token: str) -> Response[str]:
        return await pages.act(request, token)

    return [style, show, act]


class _Pages:
    def __init__(self, ctx: PluginContext, bank: Bank, courier: Courier) -> None:
        self._ctx = ctx
        self._bank = bank
        self._courier = courier
        self._style_url = ctx.url("/page.css")

    async def show(self, request: Request[Any, Any, Any], token: str) -> Response[str]:
        ticket = _ticket(self._bank, token)
        if ticket is None:
            return self._unknown(request)
        refused = await self._refusal(ticket)
        return refused or _html(payment_page(ticket, self._style_url), 200, ticket)

    async def act(self, request: Request[Any, Any, Any], token: str) -> Response[str]:
        ticket = _ticket(self._bank, token)
        if ticket is None:
            return self._unknown(request)
        action, scenario = await _form(request)
        refused = await self._refusal(ticket)
        if refused is not None:
            return refused
        try:
            told = await self._do(action, ticket, scenario)
        except Ended as ended:
            return self._state_page(ticket, ended.charge)
        if (scenario or of_payment(ticket.amount.amount)) is Scenario.NOTIFY_FIRST:
            for notification in told:
                await self._courier.try_now(notification)
        back = ticket.cancel_url if action == "cancel" else ticket.return_url
        if back:
            return Response("", status_code=303, headers={"location": back, **_policy(ticket)})
        return self._state_page(ticket, await self._bank.charge(ticket.payment_id))

    async def _do(self, action: str, ticket: Ticket, scenario: Scenario | None) -> list[UUID]:
        if action == "pay":
            return await self._bank.pay(ticket, scenario)
        if action == "decline":
            return await self._bank.decline(ticket)
        return await self._bank.cancel(ticket)

    async def _refusal(self, ticket: Ticket) -> Response[str] | None:
        """The page for a payment nobody can act on any more."""
        charge = await self._bank.charge(ticket.payment_id)
        if charge is not None and charge.state is not PaymentState.PENDING:
            return self._state_page(ticket, charge)
        if ticket.expires_at is not None and ticket.expires_at <= self._ctx.clock.now():
            language = language_of(ticket.locale)
            page = message_page("expired", language, self._style_url, back=ticket.return_url)
            return _html(page, 410, ticket)
        return None

    def _state_page(self, ticket: Ticket, charge: Charge | None) -> Response[str]:
        state = PaymentState.PENDING if charge is None else charge.state
        language = language_of(ticket.locale)
        page = message_page(state.value, language, self._style_url, back=ticket.return_url)
        return _html(page, _STATUS.get(state, 200), ticket)

    def _unknown(self, request: Request[Any, Any, Any]) -> Response[str]:
        language = language_of(request.headers.get("accept-language", "en"))
        return _html(message_page("unknown", language, self._style_url), 404)


def _ticket(bank: Bank, token: str) -> Ticket | None:
    for key in bank.keys("link", ""):
        payload = open_link(key, token)
        if payload is not None:
            return msgspec.json.decode(payload, type=Ticket)
    return None


async def _form(request: Request[Any, Any, Any]) -> tuple[str, Scenario | None]:
    body = await request.body()
    if len(body) > _MAX_BODY:
        message = "The form is too long."
        raise Malformed(message)
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    action = fields.get("action", [""])[0]
    if action not in ("pay", "decline", "cancel"):
        message = "The form's action is pay, decline or cancel."
        raise Malformed(message)
    wanted = fields.get("scenario", [""])[0]
    try:
        return action, Scenario(wanted) if wanted else None
    except ValueError:
        message = "There is no such scenario."
        raise Malformed(message) from None


def _html(page: str, status: int, ticket: Ticket | None = None) -> Response[str]:
    return Response(page, status_code=status, media_type="text/html", headers=_policy(ticket))


def _policy(ticket: Ticket | None) -> dict[str, str]:
    """Browsers follow a form's redirect only to where the page's policy lets forms go."""
    origins = {"'self'"}
    for url in (ticket.return_url, ticket.cancel_url) if ticket else ():
        parts = urlsplit(url or "")
        if parts.scheme in ("http", "https") and parts.netloc:
            origins.add(f"{parts.scheme}://{parts.netloc}")
    allowed = " ".join(sorted(origins))
    return {
        "content-security-policy": (
            "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action {allowed}"
        )
    }
