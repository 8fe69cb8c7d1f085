"""``/store/auth/captcha`` and ``/admin/auth/captcha``: shown to whoever is asked for one."""

import base64
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, get
from litestar.params import Parameter
from msgspec import Struct

from commercekit.identity.api.cookies import client_of
from commercekit.identity.api.visits import new_visit, visit_of
from commercekit.identity.models import Realm
from commercekit.identity.models.factors import CaptchaKind
from commercekit.identity.service import IdentityService
from commercekit.platform.security import public

__all__ = ["AdminCaptcha", "StoreCaptcha"]

CaptchaAction = Literal["login", "register", "reset"]
_WHY = "a captcha is for whoever is not logged in"


class CaptchaView(Struct, frozen=True, kw_only=True):
    """A captcha for one action of this visit; it is taken once."""

    kind: CaptchaKind
    challenge: dict[str, Any] | None = None
    """For the ALTCHA widget; what it gives is sent as ``captcha``."""
    ticket: str | None = None
    """Of a picture: ``captcha`` is the ticket, a dot and the digits."""
    picture: str | None = None
    """The digits, as a ``data:`` address of a PNG."""
    sound: str | None = None
    """Where they are read aloud."""


class _Captcha(Controller):
    realm: Realm

    async def give(
        self,
        request: Request[Any, Any, Any],
        identity: IdentityService,
        action: CaptchaAction,
        kind: CaptchaKind | None,
    ) -> Response[CaptchaView]:
        """Of the kind that is wished, where the shop has it; else of the shop's first one."""
        await identity.guard.pass_rule("captchas", client_of(request).address)
        visit, header = visit_of(request), None
        if not visit:
            visit, header = new_visit(request)
        captchas = identity.captchas
        chosen = kind if kind in captchas.kinds else captchas.kinds[0]
        if chosen is CaptchaKind.ALTCHA:
            challenge = captchas.proof_of_work(self.realm, action, visit)
            view = CaptchaView(kind=chosen, challenge=challenge)
        else:
            ticket, picture = await captchas.picture(self.realm, action, visit)
            view = CaptchaView(
                kind=chosen,
                ticket=ticket,
                picture=f"data:image/png;base64,{base64.b64encode(picture).decode()}",
                sound=f"{self.path}/sound?ticket={ticket}",
            )
        return Response(content=view, headers=_headers(header))

    async def read_aloud(
        self, request: Request[Any, Any, Any], identity: IdentityService, ticket: str
    ) -> Response[bytes]:
        """The digits of a ticket as a WAV."""
        await identity.guard.pass_rule("captchas", client_of(request).address)
        sound = await identity.captchas.sound(ticket)
        return Response(content=sound, media_type="audio/wav", headers=_headers(None))


Ticket = Annotated[str, Parameter(min_length=1, max_length=1024)]


def _controller(realm_: Realm, root: str, name: str, tag: str) -> type[Controller]:
    class CaptchaController(_Captcha):
        path = root
        tags = [tag]
        realm = realm_

        @get(opt=public(_WHY), operation_id=f"{name}GetCaptcha", summary="Get a captcha")
        async def get_captcha(
            self,
            request: Request[Any, Any, Any],
            identity: IdentityService,
            action: CaptchaAction = "login",
            kind: CaptchaKind | None = None,
        ) -> Response[CaptchaView]:
            """For one action of this visit, which a cookie stands for."""
            return await self.give(request, identity, action, kind)

        @get(
            "/sound",
            opt=public(_WHY),
            operation_id=f"{name}GetCaptchaSound",
            summary="Hear the digits of a captcha",
            media_type="audio/wav",
        )
        async def get_sound(
            self, request: Request[Any, Any, Any], identity: IdentityService, ticket: Ticket
        ) -> Response[bytes]:
            """For whoever cannot see the picture."""
            return await self.read_aloud(request, identity, ticket)

    CaptchaController.__name__ = CaptchaController.__qualname__ = f"{name or 'Store'}Captcha"
    return CaptchaController


def _headers(cookie: str | None) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    return headers if cookie is None else {**headers, "Set-Cookie": cookie}


StoreCaptcha = _controller(Realm.CUSTOMER, "/store/auth/captcha", "", "Customer accounts")
AdminCaptcha = _controller(Realm.STAFF, "/admin/auth/captcha", "Admin", "Staff accounts")
