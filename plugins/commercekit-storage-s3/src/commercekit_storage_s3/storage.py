"""Files as objects of a bucket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import obstore
from obstore.exceptions import (
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from commercekit.errors import Malformed, Unavailable
from commercekit.platform.storage import Storage, check_name

if TYPE_CHECKING:
    from commercekit_storage_s3.settings import Settings

__all__ = ["S3Storage"]

T = TypeVar("T")
_ABSENT = (NotFoundError, FileNotFoundError)
"""The library answers with Python's own error where there is one, and with its own elsewhere."""
_REFUSED = (PermissionDeniedError, UnauthenticatedError, PermissionError)
_FAILED = (BaseError, OSError)
"""A time-out is an ``OSError`` too."""
_TYPES = {"webp": "image/webp", "jpg": "image/jpeg"}


class S3Storage(Storage):
    """A bucket at any vendor who speaks S3.

    An object is written by one request, so it is there whole or not at all. What the vendor answers for a
    moment (5xx, a broken connection) is tried again; a put that came through unheard is put again, which
    does no harm because a name has one content.
    """

    code = "s3"

    def __init__(self, settings: Settings) -> None:
        config: dict[str, Any] = {
            "region": settings.region,
            "virtual_hosted_style_request": settings.bucket_in_host,
        }
        if settings.endpoint is not None:
            config["endpoint"] = settings.endpoint
        if settings.access_key is not None and settings.secret_key is not None:
            config["access_key_id"] = settings.access_key
            config["secret_access_key"] = settings.secret_key.reveal()
        self._whole = settings.timeout.total_seconds() * 3
        self._store = S3Store(
            settings.bucket,
            prefix=settings.prefix or None,
            client_options={
                "timeout": settings.timeout,
                "connect_timeout": settings.timeout,
                # Vendors in the same house, as on a developer's machine, may do without TLS.
                "allow_http": (settings.endpoint or "").startswith("http://"),
            },
            retry_config={
                "max_retries": settings.retries,
                "retry_timeout": timedelta(seconds=self._whole),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=50),
                    "max_backoff": timedelta(seconds=2),
                    "base": 2,
                },
            },
            **config,
        )

    async def put(self, name: str, content: bytes) -> None:
        """Write the object with a type and a year to keep it, for whoever serves the bucket itself."""
        attributes = {
            "Content-Type": _TYPES.get(
                check_name(name).rpartition(".")[2], "application/octet-stream"
            ),
            "Cache-Control": "public, max-age=31536000, immutable",
        }
        try:
            await self._asked(
                obstore.put_async(
                    self._store, name, content, attributes=attributes, use_multipart=False
                )
            )
        except _ABSENT as error:
            message = "The object storage has no such bucket; see plugins.storage-s3."
            raise Unavailable(message) from error

    async def get(self, name: str) -> bytes | None:
        """Read the object; a bucket that is missing is as good as one without it."""
        try:
            check_name(name)
        except Malformed:
            return None

        async def read() -> bytes:
            answer = await obstore.get_async(self._store, name)
            return bytes(await answer.bytes_async())

        try:
            return await self._asked(read())
        except _ABSENT:
            return None

    async def delete(self, name: str) -> None:
        """Remove the object."""
        try:
            await self._asked(obstore.delete_async(self._store, check_name(name)))
        except _ABSENT:
            return

    async def _asked(self, request: Awaitable[T]) -> T:
        """The answer, or why there is none; the vendor's own words stay in the log, keys and all."""
        try:
            async with asyncio.timeout(self._whole):
                return await request
        except _ABSENT:
            raise
        except _REFUSED as error:
            message = "The object storage refuses the shop's key; see plugins.storage-s3."
            raise Unavailable(message) from error
        except _FAILED as error:
            message = "The object storage does not answer."
            raise Unavailable(message, retry_after=5) from error
