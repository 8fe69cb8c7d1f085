"""What operators ask: is it alive, is it ready, how is it doing. And what a problem type means."""

import asyncio
import html
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler
from prometheus_client import generate_latest

from commercekit.errors import NotFound, Unavailable
from commercekit.platform.http.metrics import RequestMetrics
from commercekit.platform.http.problems import kinds_of_problem, status_of
from commercekit.platform.http.query import ANY_QUERY

__all__ = ["DEGRADED", "ReadyCheck", "operation_routes"]

ReadyCheck = Callable[[], Awaitable[str | None]]
"""Raises when the shop cannot serve requests without the part it looks at.

Gives ``None`` when all is well, and :data:`DEGRADED` for a part that is away and that requests can do without.
"""

DEGRADED: Final = "degraded"

_CHECK_SECONDS: Final = 2.0


def operation_routes(
    checks: Mapping[str, ReadyCheck], metrics: RequestMetrics
) -> list[ControllerRouterHandler]:
    """``/livez``, ``/readyz``, ``/metrics`` and the pages of the problem types."""

    @get("/livez", tags=["Operations"], summary="Whether the process answers")
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    @get("/readyz", tags=["Operations"], summary="Whether the shop can serve requests")
    async def readyz() -> dict[str, str]:
        names = list(checks)
        results = await asyncio.gather(
            *(asyncio.wait_for(checks[name](), _CHECK_SECONDS) for name in names),
            return_exceptions=True,
        )
        failed = [
            name
            for name, result in zip(names, results, strict=True)
            if isinstance(result, BaseException)
        ]
        if failed:
            message = f"Not ready: {', '.join(failed)}."
            raise Unavailable(message, failed=failed, retry_after=2)
        told = {name: str(result or "ok") for name, result in zip(names, results, strict=True)}
        return {"status": DEGRADED if DEGRADED in told.values() else "ok", **told}

    @get("/metrics", tags=["Operations"], media_type="text/plain", summary="Prometheus metrics")
    async def show_metrics() -> bytes:
        return generate_latest(metrics.registry)

    return [livez, readyz, show_metrics, show_problem, list_problems]


@get("/problems", tags=["Operations"], summary="Every type of problem")
async def list_problems() -> list[dict[str, Any]]:
    """All the slugs that `type` may end in."""
    return [_described(slug) for slug in sorted(kinds_of_problem())]


@get(
    "/problems/{slug:str}",
    tags=["Operations"],
    summary="What a type of problem means",
    opt=ANY_QUERY,
)
async def show_problem(slug: str, request: Request[Any, Any, Any]) -> Response[Any]:
    """A page for people, or JSON for machines: whatever the client prefers."""
    if slug not in kinds_of_problem():
        message = "There is no such type of problem."
        raise NotFound(message)
    described = _described(slug)
    headers = {"Cache-Control": "public, max-age=3600", "Vary": "Accept"}
    if "text/html" in request.headers.get("accept", ""):
        return Response(content=_page(described), media_type="text/html", headers=headers)
    return Response(
        content=msgspec.json.encode(described), media_type="application/json", headers=headers
    )


def _described(slug: str) -> dict[str, Any]:
    kind = kinds_of_problem()[slug]
    lines = (kind.__doc__ or "").strip().partition("\n\n")[0].split()
    return {
        "type": f"/problems/{slug}",
        "status": status_of(kind),
        "title": {"en": kind.title, "zh": kind.title_zh},
        "description": " ".join(lines),
    }


def _page(described: Mapping[str, Any]) -> str:
    title, status = described["title"], described["status"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title['en'])}</title></head><body>"
        f'<h1>{html.escape(title["en"])} <small lang="zh">{html.escape(title["zh"])}</small></h1>'
        f"<p>HTTP {status} · <code>{html.escape(described['type'])}</code></p>"
        f"<p>{html.escape(described['description'])}</p></body></html>"
    )
