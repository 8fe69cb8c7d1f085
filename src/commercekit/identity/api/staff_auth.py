"""``/admin/auth``: staff log in and out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post
from msgspec import Struct

from commercekit.identity.api.cookies import (
    client_of,
    cookie_in,
    forgetting,
    renewed,
    session_header,
    session_of,
)
from commercekit.identity.api.fields import CaptchaField, EmailField, PasswordField
from commercekit.identity.api.resets import NewPasswordInput
from commercekit.identity.models import MailPurpose, Realm, SessionView
from commercekit.identity.service import IdentityService
from commercekit.platform.http import Input, current_request_id, refuses
from commercekit.platform.security import PrincipalKind, has_session, principal_of, public

__all__ = ["StaffAuth"]

SESSION = [has_session(PrincipalKind.STAFF)]


class StaffLoginInput(Input):
    """Who is there."""

    email: EmailField
    password: PasswordField
    captcha: CaptchaField | None = None


class StaffLoginView(Struct, frozen=True, kw_only=True):
    """The session is in the cookie; ``second-factor`` means that it opens nothing yet."""

    status: str
    """``complete`` or ``second-factor``."""
    factors: tuple[str, ...]
    """Kinds of second factor of which one is to be proven next."""
    expires_at: datetime


class StaffSelfView(Struct, frozen=True, kw_only=True):
    """Who is logged in, and what they may do."""

    id: UUID
    email: str
    name: str | None
    scopes: tuple[str, ...]
    session_id: UUID
    second_factor: str | None


class PasswordChangeInput(Input):
    """The password there is, and the one that is to be."""

    current: PasswordField
    password: PasswordField


class StaffAuth(Controller):
    """Sessions of staff. Scripts use tokens instead."""

    path = "/admin/auth"
    tags = ["Staff accounts"]

    @post(
        "/login",
        opt=public("nobody is logged in before") | refuses(401),
        status_code=200,
        operation_id="AdminLogin",
        summary="Log in as staff",
    )
    async def log_in(
        self, request: Request[Any, Any, Any], data: StaffLoginInput, identity: IdentityService
    ) -> Response[StaffLoginView]:
        """Always a new session; the one the browser had before ends."""
        found = await identity.logins.log_in(
            Realm.STAFF,
            data.email,
            data.password,
            client_of(request),
            captcha=data.captcha,
            cookie=cookie_in(request, Realm.STAFF),
            request_id=current_request_id(),
        )
        view = StaffLoginView(
            status="second-factor" if found.owed else "complete",
            factors=found.owed,
            expires_at=found.session.expires_at,
        )
        header = session_header(request, found.session, identity.now())
        return Response(content=view, headers={"Set-Cookie": header})

    @post(
        "/logout",
        opt=public("logging out twice is no mistake"),
        operation_id="AdminLogout",
        summary="Log out",
        status_code=204,
    )
    async def log_out(
        self, request: Request[Any, Any, Any], identity: IdentityService
    ) -> Response[None]:
        """The session ends at once, everywhere; without one nothing happens."""
        cookie = cookie_in(request, Realm.STAFF)
        if cookie is not None:
            await identity.logins.log_out(cookie)
        return forgetting(request, Realm.STAFF)

    @get(
        "/me", guards=SESSION, operation_id="AdminWhoAmI", summary="Who is logged in, and may what"
    )
    async def me(self, request: Request[Any, Any, Any], identity: IdentityService) -> StaffSelfView:
        """What a console asks first."""
        principal = principal_of(request)
        account_id, session_id = session_of(principal)
        account = await identity.accounts.get(account_id, Realm.STAFF)
        return StaffSelfView(
            id=account.id,
            email=account.email,
            name=account.name,
            scopes=tuple(sorted(principal.scopes)),
            session_id=session_id,
            second_factor=principal.second_factor,
        )

    @get(
        "/sessions",
        guards=SESSION,
        operation_id="AdminListOwnSessions",
        summary="Where I am logged in",
    )
    async def sessions(
        self, request: Request[Any, Any, Any], identity: IdentityService
    ) -> list[SessionView]:
        """The last used first."""
        account_id, session_id = session_of(principal_of(request))
        return await identity.sessions.open_ones(Realm.STAFF, account_id, session_id)

    @delete(
        "/sessions/{session_id:uuid}",
        guards=SESSION,
        operation_id="AdminRevokeOwnSession",
        summary="Log out elsewhere",
    )
    async def revoke(
        self, request: Request[Any, Any, Any], session_id: UUID, identity: IdentityService
    ) -> None:
        """It ends at once, everywhere; doing it again changes nothing."""
        account_id, _ = session_of(principal_of(request))
        await identity.logins.revoke(account_id, session_id)

    @delete(
        "/sessions",
        guards=SESSION,
        operation_id="AdminRevokeOtherSessions",
        summary="Log out everywhere else",
    )
    async def revoke_others(
        self, request: Request[Any, Any, Any], identity: IdentityService
    ) -> None:
        """Every other session of the account ends at once."""
        await identity.logins.revoke_others(*session_of(principal_of(request)))

    @post(
        "/password",
        guards=SESSION,
        status_code=204,
        operation_id="AdminChangePassword",
        summary="Change my password",
    )
    async def change_password(
        self, request: Request[Any, Any, Any], data: PasswordChangeInput, identity: IdentityService
    ) -> Response[None]:
        """Every other session ends, and this one gets a new cookie."""
        session = await identity.profiles.change_password(
            principal_of(request),
            Realm.STAFF,
            data.current,
            data.password,
            address=client_of(request).address,
        )
        return renewed(request, session, identity.now())

    @post(
        "/invitations",
        opt=public("the link is the proof") | refuses(410),
        status_code=204,
        operation_id="AdminJoin",
        summary="Join the staff by a link",
    )
    async def join(
        self, request: Request[Any, Any, Any], data: NewPasswordInput, identity: IdentityService
    ) -> None:
        """Whoever was invited chooses a password, and logs in next."""
        await identity.links.choose_password(
            Realm.STAFF,
            data.token,
            data.password,
            purpose=MailPurpose.INVITE,
            address=client_of(request).address,
        )
