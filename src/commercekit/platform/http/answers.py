"""An answer as a value: what a handler gives, what an idempotency key keeps, what a replay repeats."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response
from msgspec import Struct

__all__ = ["Answer"]


class Answer(Struct, frozen=True):
    """A status, a body and header fields. ``content`` is anything msgspec encodes, or bytes as they are."""

    status: int = 200
    content: Any = None
    headers: Mapping[str, str] = {}

    @property
    def body(self) -> bytes:
        """The bytes on the wire; none for ``None``."""
        if self.content is None:
            return b""
        if isinstance(self.content, bytes):
            return self.content
        return msgspec.json.encode(self.content)

    def to_response(self, **headers: str) -> Response[Any]:
        """As Litestar sends it."""
        return Response(
            content=self.body,
            status_code=self.status,
            headers={**self.headers, **headers},
            media_type="application/json" if self.content is not None else None,
        )
