"""``/admin/webhooks``: where facts of this shop are sent to, and what became of them."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.params import Parameter
from msgspec import Meta, Struct

from commercekit.kernel import Page
from commercekit.platform.http import (
    Answer,
    IdempotentRun,
    Input,
    PageCursor,
    PageLimit,
    current_request_id,
    etag_of,
    idempotent,
    page_request,
    require_match,
    sealed_page,
)
from commercekit.platform.security import (
    LimitKind,
    SignatureScheme,
    principal_of,
    reach_of,
    requires,
)
from commercekit.platform.webhooks.models import (
    Endpoint,
    EndpointChange,
    EventType,
    IssuedEndpoint,
    MessageState,
    NewEndpoint,
    Replay,
    SecretView,
    WebhookAttempt,
    WebhookMessage,
)
from commercekit.platform.webhooks.service import WebhookService

__all__ = ["AdminWebhooks"]

_OWN = (LimitKind.OWN,)
"""Whoever is limited to their own records has the endpoints that they added."""
READ = [requires("webhooks:read", limited_by=_OWN)]
WRITE = [requires("webhooks:write", step_up=True, limited_by=_OWN)]

_Url = Annotated[str, Meta(min_length=1, max_length=2000, examples=["https://erp.example/hooks"])]
_Events = Annotated[
    list[Annotated[str, Meta(max_length=100, examples=["order.*"])]],
    Meta(min_length=1, max_length=100),
]
_Headers = Annotated[
    dict[Annotated[str, Meta(max_length=100)], Annotated[str, Meta(max_length=1000)]],
    Meta(max_length=10, description="Sent with every message; the values are sealed, never shown."),
]
_Description = Annotated[str, Meta(max_length=500)]
_Moment = Annotated[datetime, Meta(tz=True)]
_Message = Annotated[str, Parameter(max_length=60, description="`webhook-id` of the message")]


class EndpointInput(Input):
    """An endpoint to be added."""

    url: _Url
    events: _Events
    description: _Description = ""
    headers: _Headers = {}
    signature: SignatureScheme = SignatureScheme.HMAC_SHA256


class EndpointPatch(Input):
    """What is to be different; what is left out stays."""

    url: _Url | None = None
    events: _Events | None = None
    description: _Description | None = None
    headers: _Headers | None = None


class RotationInput(Input):
    """How the secret is replaced."""

    overlap_seconds: Annotated[
        int, Meta(ge=0, le=604_800, description="How long the old one signs, too.")
    ] = 86_400
    signature: SignatureScheme | None = None


class ReplayInput(Input, kw_only=True):
    """Which messages are sent again: those of facts told in the period."""

    what: Replay = Replay.FAILED
    since: _Moment
    until: _Moment | None = None


class Replayed(Struct, frozen=True):
    """How many messages are on their way again."""

    messages: int


class MessageDetail(Struct, frozen=True):
    """A message with the bytes that are sent."""

    message: WebhookMessage
    body: str


class AdminWebhooks(Controller):
    """Endpoints and their messages."""

    path = "/admin/webhooks"
    tags = ["Webhooks out"]

    @get(guards=READ, operation_id="AdminListWebhooks", summary="Webhook endpoints")
    async def list_endpoints(
        self,
        request: Request[Any, Any, Any],
        webhooks: WebhookService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[Endpoint]:
        """Newest first, disabled ones included."""
        page = page_request(request, limit, cursor)
        return sealed_page(request, await webhooks.page(page, reach=reach_of(request)))

    @get(
        "/event-types",
        guards=READ,
        operation_id="AdminListWebhookEventTypes",
        summary="Facts that endpoints can ask for",
    )
    async def event_types(self, webhooks: WebhookService) -> Page[EventType]:
        """With the JSON Schema of each one's `data`."""
        found = webhooks.event_types()
        return Page(found, None, len(found))

    @post(guards=WRITE, operation_id="AdminCreateWebhook", summary="Add a webhook endpoint")
    async def create_endpoint(
        self, request: Request[Any, Any, Any], data: EndpointInput, webhooks: WebhookService
    ) -> Response[IssuedEndpoint]:
        """The answer holds the secret that its messages are signed with, this once."""

        async def work(run: IdempotentRun) -> Answer:
            issued = await webhooks.create(
                principal_of(request),
                NewEndpoint(
                    url=data.url,
                    events=data.events,
                    description=data.description,
                    headers=data.headers,
                    signature=data.signature,
                ),
                endpoint_id=run.id,
                request_id=current_request_id(),
            )
            return Answer(201, issued, {"ETag": etag_of(issued.endpoint.version)})

        return await idempotent(request, scope="webhooks.create", work=work)

    @get(
        "/{endpoint_id:uuid}",
        guards=READ,
        operation_id="AdminGetWebhook",
        summary="One webhook endpoint",
    )
    async def read_endpoint(
        self, request: Request[Any, Any, Any], endpoint_id: UUID, webhooks: WebhookService
    ) -> Response[Endpoint]:
        """With the ETag that changing it asks for."""
        return _answer(await webhooks.get(endpoint_id, reach=reach_of(request)))

    @patch(
        "/{endpoint_id:uuid}",
        guards=WRITE,
        operation_id="AdminChangeWebhook",
        summary="Change a webhook endpoint",
    )
    async def change_endpoint(
        self,
        request: Request[Any, Any, Any],
        endpoint_id: UUID,
        data: EndpointPatch,
        webhooks: WebhookService,
    ) -> Response[Endpoint]:
        """Messages that wait go to the new address; headers are replaced as a whole."""
        current = await webhooks.get(endpoint_id, reach=reach_of(request))
        require_match(request, current.version)
        changed = await webhooks.change(
            principal_of(request),
            endpoint_id,
            EndpointChange(
                url=data.url,
                events=data.events,
                description=data.description,
                headers=data.headers,
            ),
            expected=current.version,
            request_id=current_request_id(),
        )
        return _answer(changed)

    @delete(
        "/{endpoint_id:uuid}",
        guards=WRITE,
        operation_id="AdminDeleteWebhook",
        summary="Delete a webhook endpoint",
    )
    async def delete_endpoint(
        self, request: Request[Any, Any, Any], endpoint_id: UUID, webhooks: WebhookService
    ) -> None:
        """With its secrets, messages and log."""
        current = await webhooks.get(endpoint_id, reach=reach_of(request))
        require_match(request, current.version)
        await webhooks.delete(
            principal_of(request),
            endpoint_id,
            expected=current.version,
            request_id=current_request_id(),
        )

    @post(
        "/{endpoint_id:uuid}/enable",
        guards=WRITE,
        status_code=200,
        operation_id="AdminEnableWebhook",
        summary="Send to an endpoint again",
    )
    async def enable_endpoint(
        self, request: Request[Any, Any, Any], endpoint_id: UUID, webhooks: WebhookService
    ) -> Response[Endpoint]:
        """What waits is sent now; earlier failures do not count any more."""
        await webhooks.get(endpoint_id, reach=reach_of(request))
        actor = principal_of(request)
        return _answer(await webhooks.enable(actor, endpoint_id, request_id=current_request_id()))

    @post(
        "/{endpoint_id:uuid}/disable",
        guards=WRITE,
        status_code=200,
        operation_id="AdminDisableWebhook",
        summary="Send nothing to an endpoint",
    )
    async def disable_endpoint(
        self, request: Request[Any, Any, Any], endpoint_id: UUID, webhooks: WebhookService
    ) -> Response[Endpoint]:
        """Facts told meanwhile can be sent later: replay `missed`."""
        await webhooks.get(endpoint_id, reach=reach_of(request))
        actor = principal_of(request)
        return _answer(await webhooks.disable(actor, endpoint_id, request_id=current_request_id()))

    @get(
        "/{endpoint_id:uuid}/secrets",
        guards=READ,
        operation_id="AdminListWebhookSecrets",
        summary="What messages are signed with",
    )
    async def list_secrets(
        self, request: Request[Any, Any, Any], endpoint_id: UUID, webhooks: WebhookService
    ) -> Page[SecretView]:
        """Newest first; only public keys are shown."""
        await webhooks.get(endpoint_id, reach=reach_of(request))
        found = await webhooks.secrets(endpoint_id)
        return Page(found, None, len(found))

    @post(
        "/{endpoint_id:uuid}/rotate-secret",
        guards=WRITE,
        operation_id="AdminRotateWebhookSecret",
        summary="Replace the secret of an endpoint",
    )
    async def rotate_secret(
        self,
        request: Request[Any, Any, Any],
        endpoint_id: UUID,
        data: RotationInput,
        webhooks: WebhookService,
    ) -> Response[IssuedEndpoint]:
        """The new one is in the answer, this once; until the overlap ends, both sign."""
        await webhooks.get(endpoint_id, reach=reach_of(request))

        async def work(run: IdempotentRun) -> Answer:
            issued = await webhooks.rotate(
                principal_of(request),
                endpoint_id,
                overlap=timedelta(seconds=data.overlap_seconds),
                signature=data.signature,
                secret_id=run.id,
                request_id=current_request_id(),
            )
            return Answer(201, issued, {"ETag": etag_of(issued.endpoint.version)})

        return await idempotent(request, scope="webhooks.rotate", work=work)

    @post(
        "/{endpoint_id:uuid}/test",
        guards=WRITE,
        operation_id="AdminTestWebhook",
        summary="Send a test message now",
    )
    async def test_endpoint(
        self, request: Request[Any, Any, Any], endpoint_id: UUID, webhooks: WebhookService
    ) -> Response[WebhookAttempt]:
        """Waits for what comes of it; a failure does not count against the endpoint."""
        await webhooks.get(endpoint_id, reach=reach_of(request))

        async def work(run: IdempotentRun) -> Answer:
            attempt = await webhooks.test(
                principal_of(request),
                endpoint_id,
                message_id=run.id,
                request_id=current_request_id(),
            )
            return Answer(201, attempt)

        return await idempotent(request, scope="webhooks.test", work=work)

    @get(
        "/{endpoint_id:uuid}/messages",
        guards=READ,
        operation_id="AdminListWebhookMessages",
        summary="Messages of an endpoint",
    )
    async def list_messages(
        self,
        request: Request[Any, Any, Any],
        endpoint_id: UUID,
        webhooks: WebhookService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        status: Annotated[MessageState | None, Parameter(description="Only these")] = None,
        type: Annotated[str | None, Parameter(max_length=100, description="Only this fact")] = None,
    ) -> Page[WebhookMessage]:
        """Newest first."""
        await webhooks.get(endpoint_id, reach=reach_of(request))
        page = page_request(request, limit, cursor)
        found = await webhooks.messages(endpoint_id, page, state=status, type_name=type)
        return sealed_page(request, found)

    @get(
        "/{endpoint_id:uuid}/messages/{message_id:str}",
        guards=READ,
        operation_id="AdminGetWebhookMessage",
        summary="One message, with its body",
    )
    async def read_message(
        self,
        request: Request[Any, Any, Any],
        endpoint_id: UUID,
        message_id: _Message,
        webhooks: WebhookService,
    ) -> MessageDetail:
        """By the id that the receiver sees."""
        await webhooks.get(endpoint_id, reach=reach_of(request))
        return MessageDetail(*await webhooks.message(endpoint_id, message_id))

    @get(
        "/{endpoint_id:uuid}/attempts",
        guards=READ,
        operation_id="AdminListWebhookAttempts",
        summary="The log of an endpoint",
    )
    async def list_attempts(
        self,
        request: Request[Any, Any, Any],
        endpoint_id: UUID,
        webhooks: WebhookService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        message: Annotated[
            str | None, Parameter(max_length=60, description="Only at this message")
        ] = None,
    ) -> Page[WebhookAttempt]:
        """Every attempt, newest first: what was answered, or why nothing was."""
        await webhooks.get(endpoint_id, reach=reach_of(request))
        page = page_request(request, limit, cursor)
        return sealed_page(request, await webhooks.attempts(endpoint_id, page, message))

    @post(
        "/{endpoint_id:uuid}/messages/{message_id:str}/replay",
        guards=WRITE,
        operation_id="AdminReplayWebhookMessage",
        summary="Send a message again",
    )
    async def replay_message(
        self,
        request: Request[Any, Any, Any],
        endpoint_id: UUID,
        message_id: _Message,
        webhooks: WebhookService,
    ) -> Response[WebhookMessage]:
        """Whatever became of it, under the same id."""
        await webhooks.get(endpoint_id, reach=reach_of(request))

        async def work(_run: IdempotentRun) -> Answer:
            actor = principal_of(request)
            again = await webhooks.replay(
                actor, endpoint_id, message_id, request_id=current_request_id()
            )
            return Answer(200, again)

        return await idempotent(request, scope="webhooks.replay", work=work)

    @post(
        "/{endpoint_id:uuid}/replay",
        guards=WRITE,
        operation_id="AdminReplayWebhook",
        summary="Send the messages of a period again",
    )
    async def replay_period(
        self,
        request: Request[Any, Any, Any],
        endpoint_id: UUID,
        data: ReplayInput,
        webhooks: WebhookService,
    ) -> Response[Replayed]:
        """Those that failed, all of them, or those that were never made because it was disabled."""
        await webhooks.get(endpoint_id, reach=reach_of(request))

        async def work(_run: IdempotentRun) -> Answer:
            count = await webhooks.replay_period(
                principal_of(request),
                endpoint_id,
                data.what,
                since=data.since,
                until=data.until,
                request_id=current_request_id(),
            )
            return Answer(200, Replayed(count))

        return await idempotent(request, scope="webhooks.replay", work=work)


def _answer(endpoint: Endpoint) -> Response[Endpoint]:
    return Response(endpoint, headers={"ETag": etag_of(endpoint.version)})
