"""The web's manners: problems, strict input, idempotency, pages, entity tags, and the application."""

from commercekit.platform.http.access import is_logged, log_answer, method_of
from commercekit.platform.http.answers import Answer
from commercekit.platform.http.application import ShopApplication, build_litestar
from commercekit.platform.http.edge import (
    LOGGED_ELSEWHERE,
    REFUSED,
    HttpSettings,
    current_request_id,
)
from commercekit.platform.http.etags import etag_of, require_match
from commercekit.platform.http.forwarded import behind_proxies, networks_of
from commercekit.platform.http.idempotency import (
    LEASE,
    SEALED,
    Claim,
    Idempotency,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    IdempotentRun,
    KeyInFlight,
    claim_of,
    idempotent,
    to_the_end,
)
from commercekit.platform.http.inputs import Input, decode, first_error
from commercekit.platform.http.lane import Asked, LaneRequest, LaneRoute
from commercekit.platform.http.metrics import RequestMetrics
from commercekit.platform.http.openapi import document_of, refuses
from commercekit.platform.http.operations import DEGRADED, ReadyCheck
from commercekit.platform.http.outbound import (
    Answered,
    OutboundClient,
    PostFailed,
    Reach,
    Resolver,
    UrlNotAllowed,
    check_reach,
    check_url,
    outbound_client,
    post,
)
from commercekit.platform.http.pages import (
    Cursors,
    PageCursor,
    PageLimit,
    binding,
    page_answer,
    page_request,
    sealed_page,
)
from commercekit.platform.http.problems import (
    PROBLEM_MEDIA_TYPE,
    InvalidInput,
    PreconditionFailed,
    PreconditionRequired,
    Throttled,
    TooLarge,
    UnsupportedMedia,
    status_of,
)
from commercekit.platform.http.query import ANY_BODY, ANY_QUERY, EXTENSION_FILTERS, FORM_PAGE
from commercekit.platform.http.staff_door import Serves, StaffDoor

__all__ = [
    "ANY_BODY",
    "ANY_QUERY",
    "DEGRADED",
    "EXTENSION_FILTERS",
    "FORM_PAGE",
    "LEASE",
    "LOGGED_ELSEWHERE",
    "PROBLEM_MEDIA_TYPE",
    "REFUSED",
    "SEALED",
    "Answer",
    "Answered",
    "Asked",
    "Claim",
    "Cursors",
    "HttpSettings",
    "Idempotency",
    "IdempotencyKeyRequired",
    "IdempotencyKeyReused",
    "IdempotentRun",
    "Input",
    "InvalidInput",
    "KeyInFlight",
    "LaneRequest",
    "LaneRoute",
    "OutboundClient",
    "PageCursor",
    "PageLimit",
    "PostFailed",
    "PreconditionFailed",
    "PreconditionRequired",
    "Reach",
    "ReadyCheck",
    "RequestMetrics",
    "Resolver",
    "Serves",
    "ShopApplication",
    "StaffDoor",
    "Throttled",
    "TooLarge",
    "UnsupportedMedia",
    "UrlNotAllowed",
    "behind_proxies",
    "binding",
    "build_litestar",
    "check_reach",
    "check_url",
    "claim_of",
    "current_request_id",
    "decode",
    "document_of",
    "etag_of",
    "first_error",
    "idempotent",
    "is_logged",
    "log_answer",
    "method_of",
    "networks_of",
    "outbound_client",
    "page_answer",
    "page_request",
    "post",
    "refuses",
    "require_match",
    "sealed_page",
    "status_of",
    "to_the_end",
]
