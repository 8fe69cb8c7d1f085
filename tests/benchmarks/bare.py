"""A bare ASGI application under the same server: the floor of the read workloads.

Its bodies are the shop's own answers, in the file that ``BENCH_BODIES`` names: path to header fields and
body, both as the shop sent them.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

__all__ = ["app"]

_known = json.loads(Path(os.environ["BENCH_BODIES"]).read_text(encoding="utf-8"))
_answers = {
    path: (
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(name.encode(), value.encode()) for name, value in headers],
        },
        {"type": "http.response.body", "body": base64.b64decode(body)},
    )
    for path, (headers, body) in _known.items()
}


async def app(
    scope: dict[str, Any],
    _receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    """Send what is known for the path and the query."""
    if scope["type"] != "http":
        return
    query = scope["query_string"].decode()
    start, body = _answers[scope["path"] + (f"?{query}" if query else "")]
    await send(start)
    await send(body)
