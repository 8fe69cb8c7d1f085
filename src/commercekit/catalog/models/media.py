"""Uploaded pictures."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

__all__ = [
    "Media",
    "MediaSize",
]


class MediaSize(Struct, frozen=True, kw_only=True):
    """One size of an uploaded picture; both addresses show the same and may be cached for ever."""

    width: int
    height: int
    webp: str
    jpeg: str


class Media(Struct, frozen=True, kw_only=True):
    """An uploaded picture, decoded and written anew in several sizes."""

    id: UUID
    digest: str
    """The same picture has the same, so that it is kept once."""
    stem: str
    """What the names of its files begin with."""
    filename: str
    """What it was called where it came from, to recognise it by; nothing is stored under it."""
    media_type: str
    """Of what was sent, by its content."""
    width: int
    height: int
    sizes: tuple[MediaSize, ...]
    """Smallest first."""
    uploaded_by: str
    created_at: datetime

    @property
    def url(self) -> str:
        """Where its largest size is."""
        return self.sizes[-1].webp
