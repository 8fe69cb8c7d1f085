"""``/store/me``: a customer's own account."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from msgspec import Struct

from commercekit.identity.api.cookies import client_of, forgetting, renewed, session_of
from commercekit.identity.api.fields import EmailField, LocaleField, NameField, PasswordField
from commercekit.identity.models import Account, PersonalFile, Realm, SessionView
from commercekit.identity.service import IdentityService
from commercekit.platform.http import Input
from commercekit.platform.security import principal_of, signed_in

__all__ = ["StoreMe"]


class ProfileInput(Input):
    """What is left out stays."""

    name: NameField | None = None
    locale: LocaleField | None = None


class PasswordChangeInput(Input):
    """The password there is, and the one that is to be."""

    current: PasswordField
    password: PasswordField


class EmailChangeInput(Input):
    """The address that is to be, and the password once more."""

    email: EmailField
    password: PasswordField


class DeletionInput(Input):
    """The password once more."""

    password: PasswordField


class MeView(Struct, frozen=True, kw_only=True):
    """The account of whoever is logged in."""

    id: UUID
    email: str
    is_email_proven: bool
    name: str | None
    locale: str
    created_at: datetime


class StoreMe(Controller):
    """Everything here is the caller's own; nothing names an account."""

    path = "/store/me"
    tags = ["Customer accounts"]
    guards = [signed_in()]

    @get(operation_id="GetMe", summary="My account")
    async def me(self, request: Request[Any, Any, Any], identity: IdentityService) -> MeView:
        """Address, name and language."""
        account_id, _ = session_of(principal_of(request))
        return _view(await identity.accounts.get(account_id, Realm.CUSTOMER))

    @patch(operation_id="ChangeMe", summary="Change my name or language")
    async def change(
        self, request: Request[Any, Any, Any], data: ProfileInput, identity: IdentityService
    ) -> MeView:
        """What is left out stays."""
        account_id, _ = session_of(principal_of(request))
        changed = await identity.profiles.change(
            Realm.CUSTOMER, account_id, name=data.name, locale=data.locale
        )
        return _view(changed)

    @post("/password", status_code=204, operation_id="ChangePassword", summary="Change my password")
    async def change_password(
        self, request: Request[Any, Any, Any], data: PasswordChangeInput, identity: IdentityService
    ) -> Response[None]:
        """Every other session ends, and this one gets a new cookie."""
        session = await identity.profiles.change_password(
            principal_of(request),
            Realm.CUSTOMER,
            data.current,
            data.password,
            address=client_of(request).address,
        )
        return renewed(request, session, identity.now())

    @post(
        "/email",
        status_code=202,
        operation_id="AskForOtherEmail",
        summary="Have a link sent to another address of mine",
    )
    async def ask_email(
        self, request: Request[Any, Any, Any], data: EmailChangeInput, identity: IdentityService
    ) -> None:
        """The address changes once the link is used. The same answer where somebody else has it."""
        principal = principal_of(request)
        account_id, _ = session_of(principal)
        await identity.links.ask_change(
            principal, account_id, data.email, data.password, address=client_of(request).address
        )

    @post(
        "/proofs",
        status_code=202,
        operation_id="AskForAddressProof",
        summary="Have the link that proves my address sent again",
    )
    async def ask_proof(self, request: Request[Any, Any, Any], identity: IdentityService) -> None:
        """Nothing is sent for an address that is proven."""
        account_id, _ = session_of(principal_of(request))
        await identity.links.ask_proof(account_id)

    @get("/sessions", operation_id="ListMySessions", summary="Where I am logged in")
    async def sessions(
        self, request: Request[Any, Any, Any], identity: IdentityService
    ) -> list[SessionView]:
        """The last used first."""
        account_id, session_id = session_of(principal_of(request))
        return await identity.sessions.open_ones(Realm.CUSTOMER, account_id, session_id)

    @delete(
        "/sessions/{session_id:uuid}",
        operation_id="RevokeMySession",
        summary="Log out elsewhere",
    )
    async def revoke(
        self, request: Request[Any, Any, Any], session_id: UUID, identity: IdentityService
    ) -> None:
        """It ends at once, everywhere; doing it again changes nothing."""
        account_id, _ = session_of(principal_of(request))
        await identity.logins.revoke(account_id, session_id)

    @delete("/sessions", operation_id="RevokeMyOtherSessions", summary="Log out everywhere else")
    async def revoke_others(
        self, request: Request[Any, Any, Any], identity: IdentityService
    ) -> None:
        """Every other session of the account ends at once."""
        await identity.logins.revoke_others(*session_of(principal_of(request)))

    @get("/export", operation_id="ExportMyData", summary="Everything the shop knows about me")
    async def export(
        self, request: Request[Any, Any, Any], identity: IdentityService
    ) -> Response[PersonalFile]:
        """As a file to keep."""
        account_id, _ = session_of(principal_of(request))
        file = await identity.people.export(account_id)
        headers = {"Content-Disposition": 'attachment; filename="my-data.json"'}
        return Response(content=file, headers=headers)

    @post("/deletion", status_code=204, operation_id="DeleteMe", summary="Delete my account")
    async def delete_me(
        self, request: Request[Any, Any, Any], data: DeletionInput, identity: IdentityService
    ) -> Response[None]:
        """At once and for good; orders stay in the books, without a way back to the account."""
        await identity.people.delete(
            principal_of(request), data.password, address=client_of(request).address
        )
        return forgetting(request, Realm.CUSTOMER)


def _view(account: Account) -> MeView:
    return MeView(
        id=account.id,
        email=account.email,
        is_email_proven=account.email_proven_at is not None,
        name=account.name,
        locale=account.locale,
        created_at=account.created_at,
    )
