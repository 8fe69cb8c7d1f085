"""A public page as bytes, with the header fields that say what it is and how long it holds."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

__all__ = ["VARIES", "Rendered", "rendered"]

VARIES: Final = "Accept-Language, X-Market"

_encoder: Final = msgspec.json.Encoder()
_HEADERS: Final = (
    (b"content-type", b"application/json"),
    # Caches may keep it but must ask each time: a price may change at any moment, and a 304 is cheap.
    (b"cache-control", b"public, no-cache"),
    (b"vary", VARIES.encode()),
)


class Rendered(NamedTuple):
    """Bytes once encoded, and the entity tag that stands for them."""

    body: bytes
    etag: str
    language: str

    def is_known_to(self, if_none_match: str) -> bool:
        """Whether a reader who sent this ``If-None-Match`` has it already (weakly compared)."""
        tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return self.etag in tags or "*" in tags

    def headers(self, *, with_body: bool) -> list[tuple[bytes, bytes]]:
        """The fields of the answer; one without a body does not say what a body would be."""
        named = [(b"etag", self.etag.encode()), (b"content-language", self.language.encode())]
        if with_body:
            return [*named, *_HEADERS, (b"content-length", str(len(self.body)).encode())]
        return [*named, *_HEADERS[1:]]


def rendered(content: Any, language: str) -> Rendered:
    """``content`` as JSON, tagged by its bytes."""
    body = _encoder.encode(content)
    return Rendered(body, f'"{blake2b(body, digest_size=12).hexdigest()}"', language)
