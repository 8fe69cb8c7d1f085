"""``/store/auth``: customers register, log in and out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, post
from msgspec import Struct

from commercekit.identity.api.cookies import client_of, cookie_in, forgetting, session_header
from commercekit.identity.api.fields import (
    CaptchaField,
    EmailField,
    LocaleField,
    NameField,
    PasswordField,
    TokenField,
)
from commercekit.identity.models import ClaimedCart, NewAccount, Realm
from commercekit.identity.service import IdentityService
from commercekit.kernel import parse_accept_language
from commercekit.platform.http import Input, current_request_id, refuses
from commercekit.platform.security import public

__all__ = ["StoreAuth"]


class RegisterInput(Input):
    """Who wants an account. The language is the browser's unless it is said."""

    email: EmailField
    password: PasswordField
    name: NameField | None = None
    locale: LocaleField | None = None
    captcha: CaptchaField | None = None


class RegisteredView(Struct, frozen=True, kw_only=True):
    """Log in next. Whether the address had an account before is told to its owner, by mail."""

    email: str


class GuestCart(Input):
    """The cart that was filled before."""

    id: UUID
    token: TokenField


class LoginInput(Input):
    """Who is there, and what they put together as a guest."""

    email: EmailField
    password: PasswordField
    captcha: CaptchaField | None = None
    cart: GuestCart | None = None


class LoginView(Struct, frozen=True, kw_only=True):
    """The session is in the cookie."""

    status: str
    factors: tuple[str, ...]
    """Kinds of second factor of which one is to be proven next, for customers who have set one up."""
    expires_at: datetime
    cart: ClaimedCart | None = None
    """The account's cart with what the guest's had in it, where one was brought and could be taken."""


class LinkInput(Input):
    """What stands behind ``#`` in the link."""

    token: TokenField


class StoreAuth(Controller):
    """Accounts of customers. Whoever only wants to buy needs none."""

    path = "/store/auth"
    tags = ["Customer accounts"]

    @post(
        "/register",
        opt=public("whoever registers has no account yet"),
        operation_id="Register",
        summary="Open an account",
    )
    async def register(
        self, request: Request[Any, Any, Any], data: RegisterInput, identity: IdentityService
    ) -> RegisteredView:
        """The same answer, after the same time, for an address that has an account already."""
        languages = parse_accept_language(request.headers.get("accept-language", ""))
        new = NewAccount(
            email=data.email,
            name=data.name,
            locale=data.locale or next(iter(languages), "en"),
        )
        email = await identity.logins.register(
            new,
            data.password,
            client_of(request),
            captcha=data.captcha,
        )
        return RegisteredView(email=email)

    @post(
        "/login",
        opt=public("nobody is logged in before") | refuses(401),
        status_code=200,
        operation_id="Login",
        summary="Log in",
    )
    async def log_in(
        self, request: Request[Any, Any, Any], data: LoginInput, identity: IdentityService
    ) -> Response[LoginView]:
        """Always a new session; the one the browser had before ends."""
        found = await identity.logins.log_in(
            Realm.CUSTOMER,
            data.email,
            data.password,
            client_of(request),
            captcha=data.captcha,
            cookie=cookie_in(request, Realm.CUSTOMER),
            request_id=current_request_id(),
        )
        cart = None
        if data.cart is not None:
            languages = parse_accept_language(request.headers.get("accept-language", ""))
            cart = await identity.logins.bring(found, data.cart.id, data.cart.token, languages)
        view = LoginView(
            status="second-factor" if found.owed else "complete",
            factors=found.owed,
            expires_at=found.session.expires_at,
            cart=cart,
        )
        header = session_header(request, found.session, identity.now())
        return Response(content=view, headers={"Set-Cookie": header})

    @post(
        "/logout",
        opt=public("logging out twice is no mistake"),
        status_code=204,
        operation_id="Logout",
        summary="Log out",
    )
    async def log_out(
        self, request: Request[Any, Any, Any], identity: IdentityService
    ) -> Response[None]:
        """The session ends at once, everywhere; without one nothing happens."""
        cookie = cookie_in(request, Realm.CUSTOMER)
        if cookie is not None:
            await identity.logins.log_out(cookie)
        return forgetting(request, Realm.CUSTOMER)

    @post(
        "/proofs",
        opt=public("the link is the proof") | refuses(410),
        status_code=204,
        operation_id="ProveEmail",
        summary="Prove an e-mail address by a link",
    )
    async def prove(
        self, request: Request[Any, Any, Any], data: LinkInput, identity: IdentityService
    ) -> None:
        """From then on the account may do what needs a proven address."""
        await identity.links.prove_email(data.token, address=client_of(request).address)

    @post(
        "/email-changes",
        opt=public("the link is the proof") | refuses(410),
        status_code=204,
        operation_id="ChangeEmail",
        summary="Take another e-mail address by a link",
    )
    async def change_email(
        self, request: Request[Any, Any, Any], data: LinkInput, identity: IdentityService
    ) -> None:
        """The address that the link was sent to becomes the account's; the old one is told."""
        await identity.links.change_email(data.token, address=client_of(request).address)
