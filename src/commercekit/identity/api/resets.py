"""``…/auth/reset-requests`` and ``…/auth/resets``: a new password for whoever forgot theirs, in both realms."""

from typing import Any

from litestar import Controller, Request, post

from commercekit.identity.api.cookies import client_of
from commercekit.identity.api.fields import CaptchaField, EmailField, PasswordField, TokenField
from commercekit.identity.models import Realm
from commercekit.identity.service import IdentityService
from commercekit.platform.http import Input, refuses
from commercekit.platform.security import public

__all__ = ["AdminResets", "NewPasswordInput", "StoreResets"]


class ResetRequestInput(Input):
    """Whoever forgot a password."""

    email: EmailField
    captcha: CaptchaField | None = None


class NewPasswordInput(Input):
    """What stands behind ``#`` in the link, and the password that is to be."""

    token: TokenField
    password: PasswordField


def _controller(realm: Realm, root: str, name: str, tag: str) -> type[Controller]:
    class ResetController(Controller):
        path = root
        tags = [tag]

        @post(
            "/reset-requests",
            opt=public("whoever forgot a password cannot log in"),
            status_code=202,
            operation_id=f"{name}AskForNewPassword",
            summary="Have a link to a new password sent",
        )
        async def ask_reset(
            self,
            request: Request[Any, Any, Any],
            data: ResetRequestInput,
            identity: IdentityService,
        ) -> None:
            """The same answer, after the same time, for an address that nobody has."""
            await identity.links.ask_reset(
                realm, data.email, client_of(request), captcha=data.captcha
            )

        @post(
            "/resets",
            opt=public("the link is the proof") | refuses(410),
            status_code=204,
            operation_id=f"{name}ChooseNewPassword",
            summary="Choose a new password by a link",
        )
        async def reset(
            self, request: Request[Any, Any, Any], data: NewPasswordInput, identity: IdentityService
        ) -> None:
            """The link works once; every session of the account ends, second factors stay as they are."""
            await identity.links.choose_password(
                realm, data.token, data.password, address=client_of(request).address
            )

    ResetController.__name__ = ResetController.__qualname__ = f"{name or 'Store'}Resets"
    return ResetController


StoreResets = _controller(Realm.CUSTOMER, "/store/auth", "", "Customer accounts")
AdminResets = _controller(Realm.STAFF, "/admin/auth", "Admin", "Staff accounts")
