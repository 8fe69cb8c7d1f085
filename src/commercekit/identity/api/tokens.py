"""Tokens over HTTP, for staff."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post
from msgspec import Meta, Struct

from commercekit.identity.models import LimitView, NewToken, StaffToken
from commercekit.identity.service import IdentityService
from commercekit.kernel import Page
from commercekit.platform.http import (
    Answer,
    IdempotentRun,
    Input,
    PageCursor,
    PageLimit,
    current_request_id,
    idempotent,
    page_answer,
    page_request,
)
from commercekit.platform.security import LimitKind, principal_of, reach_of, requires

__all__ = ["AdminTokens"]

_OWN = (LimitKind.OWN,)
"""Whoever is limited to their own records has the tokens that they made."""


class TokenInput(Input):
    """A token to be made; it may hold only scopes that the caller holds."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Annotated[
        list[Annotated[str, Meta(max_length=80, examples=["orders:read"])]],
        Meta(min_length=1, max_length=100),
    ]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    limit: LimitView | None = None


class IssuedTokenView(Struct, frozen=True, kw_only=True):
    """A new token; ``secret`` is its full text, shown this once."""

    token: StaffToken
    secret: str


class AdminTokens(Controller):
    """Who may call the admin API, and what with."""

    path = "/admin/tokens"

    @get(
        guards=[requires("tokens:read", limited_by=_OWN)],
        operation_id="AdminListTokens",
        summary="List staff tokens",
    )
    async def list_tokens(
        self,
        request: Request[Any, Any, Any],
        identity: IdentityService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[StaffToken]:
        """Newest first, revoked and expired ones included."""
        tokens, after = await identity.list_tokens(
            page_request(request, limit, cursor), reach=reach_of(request)
        )
        return page_answer(request, tokens, after)

    @post(
        guards=[requires("tokens:write", step_up=True, limited_by=_OWN)],
        operation_id="AdminCreateToken",
        summary="Create a staff token",
    )
    async def create_token(
        self, request: Request[Any, Any, Any], data: TokenInput, identity: IdentityService
    ) -> Response[IssuedTokenView]:
        """The answer holds the token's text; nobody can read it again later."""

        async def work(run: IdempotentRun) -> Answer:
            issued = await identity.create_token(
                principal_of(request),
                NewToken(
                    name=data.name,
                    scopes=frozenset(data.scopes),
                    expires_at=data.expires_at,
                    limit=data.limit,
                ),
                token_id=run.id,
                request_id=current_request_id(),
            )
            return Answer(201, IssuedTokenView(token=issued.token, secret=issued.secret))

        return await idempotent(request, scope="tokens", work=work)

    @delete(
        "/{token_id:uuid}",
        guards=[requires("tokens:write", step_up=True, limited_by=_OWN)],
        operation_id="AdminRevokeToken",
        summary="Revoke a staff token",
    )
    async def revoke_token(
        self, request: Request[Any, Any, Any], token_id: UUID, identity: IdentityService
    ) -> None:
        """It stops working at once, everywhere; doing it again changes nothing."""
        await identity.revoke_token(
            principal_of(request),
            token_id,
            request_id=current_request_id(),
            reach=reach_of(request),
        )
