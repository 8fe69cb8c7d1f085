"""``/admin/users``: who belongs to the staff."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, post
from msgspec import Meta, Struct

from commercekit.identity.api.fields import EmailField, LocaleField, NameField
from commercekit.identity.models import NewAccount, Realm, SessionView, StaffMember
from commercekit.identity.service import IdentityService
from commercekit.identity.service.accounts import member
from commercekit.kernel import Page
from commercekit.platform.http import (
    Input,
    PageCursor,
    PageLimit,
    current_request_id,
    page_answer,
    page_request,
)
from commercekit.platform.security import principal_of, requires

__all__ = ["AdminUsers"]

READ = [requires("users:read")]
WRITE = [requires("users:write", step_up=True)]


class InvitationInput(Input):
    """Somebody who is to join; they may do only what the caller may."""

    email: EmailField
    scopes: Annotated[
        list[Annotated[str, Meta(max_length=80, examples=["orders:read"])]],
        Meta(max_length=100),
    ] = []
    """Single permissions; most are given a role instead."""
    roles: Annotated[
        list[Annotated[str, Meta(max_length=64, examples=["support"])]], Meta(max_length=20)
    ] = []
    """Each everywhere; bind roles afterwards for those with a limit."""
    name: NameField | None = None
    locale: LocaleField = "en"


class EndedView(Struct, frozen=True, kw_only=True):
    """How many sessions are over."""

    sessions: int


class AdminUsers(Controller):
    """Members of staff. Changes ask a session for a factor proven within minutes."""

    path = "/admin/users"
    tags = ["Staff accounts"]

    @get(guards=READ, operation_id="AdminListUsers", summary="List members of staff")
    async def list_users(
        self,
        request: Request[Any, Any, Any],
        identity: IdentityService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[StaffMember]:
        """Newest first, invited and closed ones included."""
        found, after = await identity.accounts.list_staff(page_request(request, limit, cursor))
        return page_answer(request, found, after)

    @post(guards=WRITE, operation_id="AdminInviteUser", summary="Ask somebody to join")
    async def invite(
        self, request: Request[Any, Any, Any], data: InvitationInput, identity: IdentityService
    ) -> StaffMember:
        """They are sent a link by which they choose a password; without a role they may do nothing."""
        account = await identity.accounts.create_staff(
            principal_of(request),
            NewAccount(email=data.email, name=data.name, locale=data.locale),
            data.scopes,
            roles=data.roles,
            request_id=current_request_id(),
        )
        return member(account)

    @get(
        "/{user_id:uuid}",
        guards=READ,
        operation_id="AdminGetUser",
        summary="One member of staff",
    )
    async def get_user(self, user_id: UUID, identity: IdentityService) -> StaffMember:
        """Whether invited, at work or closed."""
        return member(await identity.accounts.get(user_id, Realm.STAFF))

    @post(
        "/{user_id:uuid}/invitations",
        guards=WRITE,
        status_code=202,
        operation_id="AdminInviteUserAgain",
        summary="Send the link to join again",
    )
    async def invite_again(
        self, request: Request[Any, Any, Any], user_id: UUID, identity: IdentityService
    ) -> None:
        """The links before work no longer."""
        await identity.accounts.invite_again(
            principal_of(request), user_id, request_id=current_request_id()
        )

    @post(
        "/{user_id:uuid}/disable",
        guards=WRITE,
        status_code=200,
        operation_id="AdminDisableUser",
        summary="Close an account",
    )
    async def disable(
        self, request: Request[Any, Any, Any], user_id: UUID, identity: IdentityService
    ) -> StaffMember:
        """Its sessions end at once; doing it again changes nothing."""
        return await self._set(request, user_id, identity, disabled=True)

    @post(
        "/{user_id:uuid}/enable",
        guards=WRITE,
        status_code=200,
        operation_id="AdminEnableUser",
        summary="Open a closed account again",
    )
    async def enable(
        self, request: Request[Any, Any, Any], user_id: UUID, identity: IdentityService
    ) -> StaffMember:
        """They log in anew: sessions that ended stay so."""
        return await self._set(request, user_id, identity, disabled=False)

    @get(
        "/{user_id:uuid}/sessions",
        guards=READ,
        operation_id="AdminListUserSessions",
        summary="Where a member of staff is logged in",
    )
    async def sessions(self, user_id: UUID, identity: IdentityService) -> list[SessionView]:
        """The last used first."""
        account = await identity.accounts.get(user_id, Realm.STAFF)
        return await identity.sessions.open_ones(Realm.STAFF, account.id)

    @delete(
        "/{user_id:uuid}/sessions",
        guards=WRITE,
        status_code=200,
        operation_id="AdminEndUserSessions",
        summary="Log a member of staff out everywhere",
    )
    async def end_sessions(
        self, request: Request[Any, Any, Any], user_id: UUID, identity: IdentityService
    ) -> EndedView:
        """At once, in every process. Asks for no fresh factor: it is what one does in a hurry."""
        ended = await identity.accounts.end_sessions(
            principal_of(request), user_id, request_id=current_request_id()
        )
        return EndedView(sessions=ended)

    @delete(
        "/{user_id:uuid}",
        guards=WRITE,
        operation_id="AdminDeleteUser",
        summary="Delete a member of staff",
    )
    async def delete_user(
        self, request: Request[Any, Any, Any], user_id: UUID, identity: IdentityService
    ) -> None:
        """What is personal is gone; what they did stays in the audit trail under their id."""
        await identity.accounts.delete_staff(
            principal_of(request), user_id, request_id=current_request_id()
        )

    async def _set(
        self,
        request: Request[Any, Any, Any],
        user_id: UUID,
        identity: IdentityService,
        *,
        disabled: bool,
    ) -> StaffMember:
        account = await identity.accounts.set_disabled(
            principal_of(request), user_id, disabled=disabled, request_id=current_request_id()
        )
        return member(account)
