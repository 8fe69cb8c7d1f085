"""Second factors over HTTP: the same calls for staff and for customers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post
from msgspec import Meta, Struct

from commercekit.identity.api.cookies import client_of, session_header
from commercekit.identity.models import IssuedSession, Realm
from commercekit.identity.models.factors import Enrolled, FactorKind, Factors, Proof, TotpSetup
from commercekit.identity.rules import factor_advice
from commercekit.identity.service import IdentityService
from commercekit.kernel import parse_accept_language
from commercekit.platform.http import Input, current_request_id
from commercekit.platform.security import has_session, principal_of

__all__ = ["AdminFactors", "StoreFactors"]

CodeField = Annotated[str, Meta(min_length=1, max_length=200)]
CredentialField = Annotated[
    dict[str, Any],
    Meta(description="What the browser's credential gives with toJSON()."),
]


class SentFactorInput(Input):
    """Where codes are to be sent."""

    kind: FactorKind
    to: Annotated[str, Meta(min_length=3, max_length=254)]


class ConfirmInput(Input):
    """The first code."""

    code: CodeField


class PasskeyInput(Input):
    """A new passkey."""

    credential: CredentialField
    label: Annotated[str, Meta(max_length=100)] = ""


class AskInput(Input):
    """What is to be proven."""

    kind: FactorKind


class ProofInput(Input):
    """What proves it: ``code`` for all kinds but passkeys, which give ``credential``."""

    kind: FactorKind
    code: CodeField | None = None
    credential: CredentialField | None = None


class BegunView(Struct, frozen=True, kw_only=True):
    """A code is on its way; confirm with it."""

    factor_id: UUID
    advice: str | None = None
    """To be shown beside it: what this kind of factor does not protect from, in the reader's language."""


class EnrolledView(Struct, frozen=True, kw_only=True):
    """The factor counts; the cookie is a new one."""

    recovery_codes: list[str]
    """With the first factor: ten, shown this once."""
    expires_at: datetime


class AskedView(Struct, frozen=True, kw_only=True):
    """A code is on its way, or here is what the browser asks a passkey for."""

    options: dict[str, Any] | None


class ProvenView(Struct, frozen=True, kw_only=True):
    """The session is complete and fresh; the cookie is a new one."""

    expires_at: datetime


class CodesView(Struct, frozen=True, kw_only=True):
    """Shown this once."""

    recovery_codes: list[str]


def _controller(realm: Realm, root: str, name: str, tag: str) -> type[Controller]:
    """The routes of one realm; everything in them is about whoever is logged in."""
    whole = [has_session(realm.kind)]
    begun = [has_session(realm.kind, pending=True)]
    fresh = [has_session(realm.kind, step_up=True)]

    class FactorController(Controller):
        path = root
        tags = [tag]

        @get(
            "/factors",
            guards=whole,
            operation_id=f"{name}ListFactors",
            summary="Which second factors I have",
        )
        async def list_factors(
            self, request: Request[Any, Any, Any], identity: IdentityService
        ) -> Factors:
            """What is set up, and how many recovery codes are left."""
            return await identity.factors.overview(principal_of(request))

        @post(
            "/factors/totp",
            guards=begun,
            operation_id=f"{name}BeginTotp",
            summary="Set up an authenticator app",
        )
        async def begin_totp(
            self, request: Request[Any, Any, Any], identity: IdentityService
        ) -> TotpSetup:
            """It counts once a code of it was sent to ``confirm``."""
            return await identity.factors.begin_totp(principal_of(request))

        @post(
            "/factors/codes",
            guards=begun,
            operation_id=f"{name}BeginCodes",
            summary="Set up codes by text message or mail",
        )
        async def begin_codes(
            self, request: Request[Any, Any, Any], data: SentFactorInput, identity: IdentityService
        ) -> BegunView:
            """A code is sent there; it counts once that was sent to ``confirm``."""
            found = await identity.factors.begin_sent(principal_of(request), data.kind, data.to)
            languages = parse_accept_language(request.headers.get("accept-language", ""))
            return BegunView(factor_id=found, advice=factor_advice(data.kind, languages))

        @post(
            "/factors/{factor_id:uuid}/confirm",
            guards=begun,
            status_code=200,
            operation_id=f"{name}ConfirmFactor",
            summary="Send the first code of a factor",
        )
        async def confirm(
            self,
            request: Request[Any, Any, Any],
            factor_id: UUID,
            data: ConfirmInput,
            identity: IdentityService,
        ) -> Response[EnrolledView]:
            """A session that owed a factor is complete after it."""
            enrolled = await identity.factors.confirm(
                principal_of(request), factor_id, data.code, address=client_of(request).address
            )
            return _enrolled(request, identity, enrolled)

        @post(
            "/factors/passkeys",
            guards=begun,
            operation_id=f"{name}BeginPasskey",
            summary="Set up a passkey",
        )
        async def begin_passkey(
            self, request: Request[Any, Any, Any], identity: IdentityService
        ) -> dict[str, Any]:
            """What goes to ``navigator.credentials.create``."""
            return await identity.factors.begin_passkey(principal_of(request))

        @post(
            "/factors/passkeys/confirm",
            guards=begun,
            status_code=200,
            operation_id=f"{name}ConfirmPasskey",
            summary="Send a new passkey",
        )
        async def confirm_passkey(
            self, request: Request[Any, Any, Any], data: PasskeyInput, identity: IdentityService
        ) -> Response[EnrolledView]:
            """A session that owed a factor is complete after it."""
            enrolled = await identity.factors.confirm_passkey(
                principal_of(request),
                data.credential,
                data.label,
                address=client_of(request).address,
            )
            return _enrolled(request, identity, enrolled)

        @delete(
            "/factors/{factor_id:uuid}",
            guards=fresh,
            operation_id=f"{name}RemoveFactor",
            summary="Take a second factor away",
        )
        async def remove(
            self, request: Request[Any, Any, Any], factor_id: UUID, identity: IdentityService
        ) -> None:
            """Where one is required, the last one stays; every other session ends."""
            await identity.factors.remove(
                principal_of(request), factor_id, request_id=current_request_id()
            )

        @post(
            "/factors/recovery-codes",
            guards=fresh,
            operation_id=f"{name}RenewRecoveryCodes",
            summary="Make new recovery codes",
        )
        async def renew_codes(
            self, request: Request[Any, Any, Any], identity: IdentityService
        ) -> CodesView:
            """The old ones work no more."""
            codes = await identity.factors.renew_recovery_codes(
                principal_of(request), request_id=current_request_id()
            )
            return CodesView(recovery_codes=codes)

        @post(
            "/prove/ask",
            guards=begun,
            status_code=200,
            operation_id=f"{name}AskForProof",
            summary="Have a code sent, or a passkey asked",
        )
        async def ask(
            self, request: Request[Any, Any, Any], data: AskInput, identity: IdentityService
        ) -> AskedView:
            """Apps and recovery codes need no asking."""
            options = await identity.proofs.ask(principal_of(request), data.kind)
            return AskedView(options=options)

        @post(
            "/prove",
            guards=begun,
            status_code=200,
            operation_id=f"{name}Prove",
            summary="Prove a second factor",
        )
        async def prove(
            self, request: Request[Any, Any, Any], data: ProofInput, identity: IdentityService
        ) -> Response[ProvenView]:
            """Completes a login, and makes a session fresh again for what asks ``step-up-required``."""
            session = await identity.proofs.prove(
                principal_of(request),
                Proof(kind=data.kind, code=data.code or "", credential=data.credential),
                address=client_of(request).address,
                request_id=current_request_id(),
            )
            return Response(
                content=ProvenView(expires_at=session.expires_at),
                headers=_cookie(request, identity, session),
            )

    FactorController.__name__ = FactorController.__qualname__ = f"{name or 'Store'}Factors"
    return FactorController


def _enrolled(
    request: Request[Any, Any, Any], identity: IdentityService, enrolled: Enrolled
) -> Response[EnrolledView]:
    view = EnrolledView(
        recovery_codes=enrolled.recovery_codes, expires_at=enrolled.session.expires_at
    )
    return Response(content=view, headers=_cookie(request, identity, enrolled.session))


def _cookie(
    request: Request[Any, Any, Any], identity: IdentityService, session: IssuedSession
) -> dict[str, str]:
    return {"Set-Cookie": session_header(request, session, identity.now())}


StoreFactors = _controller(Realm.CUSTOMER, "/store/auth", "", "Customer accounts")
AdminFactors = _controller(Realm.STAFF, "/admin/auth", "Admin", "Staff accounts")
