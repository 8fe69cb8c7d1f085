"""One line for each answer, with what an operator asks for and nothing that names a person."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import Any, Final

from commercekit.platform.http.exceptions import instance_of
from commercekit.platform.http.security_events import security_event_of

__all__ = ["is_logged", "log_answer"]

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PROBE: Final = "/readyz"
_log: Final = logging.getLogger("commercekit.access")


def is_logged() -> bool:
    """Whether anybody reads along; ask before gathering what to tell."""
    return _log.isEnabledFor(logging.INFO)


def log_answer(
    scope: Any,
    *,
    request_id: str,
    route: str,
    status: int,
    seconds: float,
    size: int,
    user_agent: bytes,
    lane: str | None = None,
) -> None:
    """Tell of an answer; ``lane`` says how the read lane came by it, if it was its.

    Balancers ask whether a node is ready several times a second: only a no is worth a line.
    """
    if route == _PROBE and status == HTTPStatus.OK:
        return
    method = method_of(scope)
    extra = {
        "request_id": request_id,
        "method": method[:16],
        "path": _printable(instance_of(scope)),
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 2),
        "bytes": size,
        "user_agent": _printable(user_agent.decode("latin-1")),
        "problem": scope.get("commercekit.problem"),
        "security": security_event_of(scope.get("commercekit.problem")),
    }
    if lane is not None:
        extra["lane"] = lane
    _log.info("%s %s %d", method[:16], route, status, extra=extra)


def method_of(scope: Any) -> str:
    """The method, unless somebody made it up of signs."""
    method: str = scope["method"]
    return method if method.isalpha() else "OTHER"


def _printable(text: str) -> str:
    """``text`` on one line: what would break a line is written as an escape."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text[:300])
