"""What browsers report of the content security policy: somebody tried, or a page of ours is wrong.

Anybody may send anything here, so a report is worth a line in the log and a number, never a row.
"""

import logging
import time
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from litestar import Request, post
from litestar.types import ControllerRouterHandler
from msgspec import Struct, field
from prometheus_client import CollectorRegistry, Counter

from commercekit.platform.http.problems import UnsupportedMedia
from commercekit.platform.http.query import FORM_PAGE

__all__ = ["report_routes"]

_log = logging.getLogger("commercekit.csp")
_MOST_BYTES: Final = 16 * 1024
_LINES_A_MINUTE: Final = 20
_MEDIA: Final = frozenset({"application/csp-report", "application/reports+json"})
_DIRECTIVES: Final = frozenset(
    (
        "base-uri",
        "connect-src",
        "default-src",
        "font-src",
        "form-action",
        "frame-ancestors",
        "frame-src",
        "img-src",
        "media-src",
        "object-src",
        "script-src",
        "script-src-attr",
        "script-src-elem",
        "style-src",
        "style-src-attr",
        "style-src-elem",
        "worker-src",
    )
)


class _Report(Struct, rename="kebab"):
    """As browsers send it to ``report-uri``."""

    document_uri: str = ""
    effective_directive: str = ""
    violated_directive: str = ""
    blocked_uri: str = ""


class _Old(Struct):
    report: _Report = field(name="csp-report")


class _Body(Struct, rename="camel"):
    """As browsers send it to a reporting endpoint."""

    document_url: str = field(default="", name="documentURL")
    effective_directive: str = ""
    blocked_url: str = field(default="", name="blockedURL")


class _New(Struct):
    type: str = ""
    body: _Body = field(default_factory=_Body)


def report_routes(registry: CollectorRegistry) -> list[ControllerRouterHandler]:
    """``POST /csp-reports``."""
    reports = Counter(
        "commercekit_csp_reports",
        "Reports of browsers that something broke the content security policy, by directive.",
        ("directive",),
        registry=registry,
    )
    told: list[float] = []

    def tell(directive: str, document: str, blocked: str) -> None:
        name = directive.split(" ", maxsplit=1)[0][:40]
        name = name if name in _DIRECTIVES else "other"
        reports.labels(name).inc()
        now = time.monotonic()
        told[:] = [at for at in told if now - at < 60]
        if len(told) < _LINES_A_MINUTE:
            told.append(now)
            extra = {"directive": name, "page": _place(document), "blocked": _place(blocked)}
            _log.warning("a browser reports a broken policy", extra=extra)

    @post("/csp-reports", status_code=204, include_in_schema=False, opt=FORM_PAGE)
    async def csp_report(request: Request[Any, Any, Any]) -> None:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in _MEDIA:
            message = "Send application/csp-report or application/reports+json."
            raise UnsupportedMedia(message)
        body = await request.body()
        if len(body) > _MOST_BYTES:
            return
        try:
            if body.lstrip()[:1] == b"[":
                for each in msgspec.json.decode(body, type=list[_New])[:10]:
                    if each.type == "csp-violation":
                        new = each.body
                        tell(new.effective_directive, new.document_url, new.blocked_url)
            else:
                old = msgspec.json.decode(body, type=_Old).report
                directive = old.effective_directive or old.violated_directive
                tell(directive, old.document_uri, old.blocked_uri)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            reports.labels("other").inc()

    return [csp_report]


def _place(told: str) -> str:
    """Scheme, host and path: a query may carry somebody's token."""
    try:
        parts = urlsplit(told[:500])
    except ValueError:
        return "?"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"[:200] if host else told.partition("?")[0][:40]
