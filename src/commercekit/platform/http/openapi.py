"""The OpenAPI 3.1 document, complete enough for a client generator, and its offline pages.

Litestar describes parameters, bodies and answers; what it cannot know is added here: the problem
answers of every operation, who may call it, and which header fields it reads.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

import litestar_offline_docs
import msgspec
from litestar import MediaType, Request, Response, Router, get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute

from commercekit.errors import NotFound
from commercekit.platform.http.idempotency import KEY_PATTERN
from commercekit.platform.http.openapi_schemas import close_inputs, mend_choices
from commercekit.platform.http.problems import PROBLEM_MEDIA_TYPE
from commercekit.platform.security import PUBLIC, door_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from litestar import Litestar
    from litestar.handlers import HTTPRouteHandler
    from litestar.types import ControllerRouterHandler, Method

    from commercekit.platform.security import Door

__all__ = ["document_of", "documentation_routes", "openapi_config", "refuses"]

_STATIC: Final = Path(litestar_offline_docs.__file__).parent / "static"
_ASSETS: Final[Mapping[str, str]] = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
_START: Final = (
    "SwaggerUIBundle({url: '/openapi.json', dom_id: '#docs', deepLinking: true,"
    " validatorUrl: null, persistAuthorization: false});\n"
)
_CSP: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_DOCUMENT: Final = "commercekit_openapi"
_REFUSES: Final = "refuses"
_ETAG: Final[Mapping[str, Any]] = {"minLength": 1, "maxLength": 300}
_UNSAFE: Final = frozenset({"post", "put", "patch", "delete"})
_SENTENCES: Final[Mapping[str, str]] = {
    "400": "The request is malformed; `errors` names the place",
    "401": "Nobody is logged in, or what was shown is worth nothing",
    "403": "Whoever asks may not do this",
    "404": "It is not there, or not yours",
    "409": "Not in the present state",
    "410": "The link was used, is too old, or was overtaken",
    "412": "Changed since it was read",
    "413": "The body is too large",
    "415": "The body is not JSON",
    "422": "Understood, and refused",
    "428": "`If-Match` is missing",
    "429": "Too often; `Retry-After` says when",
    "500": "Our fault; the request id finds it in the log",
    "503": "Not now; `Retry-After` says when",
}
_PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457; further members depend on the type.",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer into the body; `?name` for a query parameter",
                    },
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
    "additionalProperties": True,
}
_SCHEMES: Final[dict[str, Any]] = {
    "staffToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "ck_live_<id>_<secret>",
        "description": "A scoped staff token: `commercekit token create`.",
    },
    "staffSession": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-ck_staff",
        "description": "Of who logged in at `/admin/auth/login`; `ck_staff` over plain HTTP.",
    },
    "customerSession": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-ck_session",
        "description": "Of who logged in at `/store/auth/login`; `ck_session` over plain HTTP.",
    },
    "cartToken": {"type": "apiKey", "in": "header", "name": "X-Cart-Token"},
    "orderToken": {"type": "apiKey", "in": "header", "name": "X-Order-Token"},
}


def refuses(*statuses: int) -> dict[str, Any]:
    """A part of a handler's ``opt``: refusals that the document cannot guess, such as ``refuses(410)``.

    It knows by itself what guards, bodies, parameters, keys and preconditions may be refused with.
    """
    return {_REFUSES: statuses}


def openapi_config(title: str, version: str) -> OpenAPIConfig:
    """How Litestar makes its part of the document."""
    return OpenAPIConfig(
        title=title,
        version=version,
        description="Money is in integer minor units. Every error is application/problem+json.",
        openapi_router=_NoRouter("/docs", route_handlers=[], include_in_schema=False),
        render_plugins=[JsonRenderPlugin()],
        operation_id_creator=_operation_id,
        use_handler_docstrings=True,
    )


def documentation_routes() -> Sequence[ControllerRouterHandler]:
    """``/openapi.json`` and what the page at ``/docs`` loads."""
    return (show_docs, show_document, show_asset)


def document_of(app: Litestar) -> dict[str, Any]:
    """The whole document of ``app``."""
    raw = msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema()))
    document: dict[str, Any] = raw
    components = document.setdefault("components", {})
    mend_choices(document)
    close_inputs(components.get("schemas", {}))
    components.setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
    components["securitySchemes"] = _SCHEMES
    components["responses"] = {
        f"Problem{status}": {
            "description": sentence,
            "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, sentence in _SENTENCES.items()
    }
    handlers = _handlers(app)
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            handler = handlers.get((path, method.upper()))
            if handler is not None:
                _complete(operation, path, method, handler)
    tags = sorted(
        {tag for item in document["paths"].values() for o in item.values() for tag in o["tags"]}
    )
    document["tags"] = [{"name": tag} for tag in tags]
    document["servers"] = [{"url": "/"}]
    return document


def _complete(operation: dict[str, Any], path: str, method: str, handler: HTTPRouteHandler) -> None:
    parts = [part for part in path.split("/") if part]
    if not operation.get("tags"):
        operation["tags"] = [" ".join(parts[:2]) if parts[:1] != ["webhooks"] else "webhooks"]
    operation.setdefault("summary", handler.handler_name.replace("_", " "))
    statuses = {"400", "429", "500", "503"}
    parameters = operation.get("parameters", ())
    if any(known["in"] != "header" or known["name"] == "X-Market" for known in parameters):
        statuses.add("404")
    if method in _UNSAFE:
        statuses |= {"403", "409", "413", "415", "422"}
    if "requestBody" in operation:
        statuses.add("404")  # a body may name what is not there
    door = door_of(handler)
    schemes = _schemes(door, store=parts[:1] == ["store"])
    operation["security"] = schemes
    if {} not in schemes and schemes:
        statuses |= {"401", "403"}
    if door is not None and door.permission:
        operation["x-required-scope"] = door.permission
    statuses |= {str(status) for status in handler.opt.get(_REFUSES, ())}
    if _uses(handler, "idempotent", "claim_of"):
        _add_header(
            operation,
            "Idempotency-Key",
            "Makes a retry harmless; any unique text such as a UUID",
            {"minLength": 1, "maxLength": 255, "pattern": KEY_PATTERN},
        )
        statuses |= {"409", "422"}
    if _uses(handler, "require_match"):
        _add_header(operation, "If-Match", "The ETag of what is changed", _ETAG)
        statuses |= {"412", "428"}
    responses = operation.setdefault("responses", {})
    responses.get("204", {}).pop("content", None)
    for status in sorted(statuses):
        responses[status] = {"$ref": f"#/components/responses/Problem{status}"}


def _schemes(door: Door | None, *, store: bool) -> list[dict[str, list[str]]]:
    """What opens the door, one of them being enough; ``{}`` is nothing at all."""
    customer: dict[str, list[str]] = {"customerSession": []}
    match door.access if door is not None else PUBLIC:
        case "staff":
            return [{"staffToken": []}, {"staffSession": []}]
        case "session":
            return [{"staffSession": []}]
        case "customer":
            return [customer]
    return [{}, {"cartToken": []}, {"orderToken": []}, customer] if store else []


def _add_header(
    operation: dict[str, Any], name: str, description: str, bounds: Mapping[str, Any]
) -> None:
    parameters = operation.setdefault("parameters", [])
    if any(known["name"].lower() == name.lower() for known in parameters):
        return
    parameters.append(
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": description,
            "schema": {"type": "string", **bounds},
        }
    )


def _handlers(app: Litestar) -> dict[tuple[str, str], HTTPRouteHandler]:
    return {
        (route.path_format or "/", method): handler
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
    }


def _operation_id(_handler: HTTPRouteHandler, method: Method, parts: list[Any]) -> str:
    """Method and path, so that a name is as stable as its address: ``AdminTokensIdDelete``.

    A handler that names its operation itself keeps that name.
    """
    names = [part if isinstance(part, str) else part.name for part in parts]
    words = [word for name in names for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    verb = str(getattr(method, "value", method)).lower()
    return "".join(word[:1].upper() + word[1:] for word in [*words, verb])


def _uses(handler: HTTPRouteHandler, *names: str) -> bool:
    """Whether a handler calls one of ``names``, by itself or through functions of its own module.

    So that what a handler does and what the document says of it cannot come apart.
    """
    module = handler.fn.__module__
    pending: list[CodeType] = [handler.fn.__code__]
    seen: set[CodeType] = set()
    while pending:
        code = pending.pop()
        if code in seen:
            continue
        seen.add(code)
        if not set(names).isdisjoint(code.co_names):
            return True
        pending.extend(constant for constant in code.co_consts if isinstance(constant, CodeType))
        for name in code.co_names:
            called = handler.fn.__globals__.get(name)
            if isinstance(called, FunctionType) and called.__module__ == module:
                pending.append(called.__code__)
    return False


class _NoRouter(Router):
    """Takes none of the pages that Litestar makes: they load from a CDN and know no problems."""

    def register(self, value: Any) -> list[Any]:
        return []


@get("/docs", include_in_schema=False, media_type=MediaType.HTML)
async def show_docs(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The page that shows the document; everything it loads comes from this shop."""
    title = html.escape(request.app.openapi_schema.info.title)
    content = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/docs/assets/swagger-ui.css"></head><body>'
        '<div id="docs"></div>'
        '<script src="/docs/assets/swagger-ui-bundle.js"></script>'
        '<script src="/docs/assets/start.js"></script></body></html>'
    )
    return Response(
        content=content.encode(),
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": _CSP, "Cache-Control": "public, max-age=3600"},
    )


@get("/openapi.json", include_in_schema=False)
async def show_document(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The OpenAPI document, made once per process."""
    state = request.app.state
    document: bytes | None = state.get(_DOCUMENT)
    if document is None:
        document = msgspec.json.encode(document_of(request.app))
        state[_DOCUMENT] = document
    return Response(
        content=document,
        media_type="application/json",
        headers={"Cache-Control": "public, max-age=60"},
    )


@get("/docs/assets/{name:str}", include_in_schema=False, media_type=MediaType.TEXT)
async def show_asset(name: str) -> Response[bytes]:
    """A file of the documentation page."""
    headers = {"Cache-Control": "public, max-age=86400"}
    if name == "start.js":
        return Response(content=_START.encode(), media_type="text/javascript", headers=headers)
    if name not in _ASSETS:
        message = "There is no such file."
        raise NotFound(message)
    content = _asset(name)
    return Response(content=content, media_type=_ASSETS[name], headers=headers)


_loaded: dict[str, bytes] = {}


def _asset(name: str) -> bytes:
    if name not in _loaded:
        _loaded[name] = (_STATIC / name).read_bytes()
    return _loaded[name]
