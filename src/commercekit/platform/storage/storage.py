"""What every place for files can do."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import ClassVar

from commercekit.errors import Malformed
from commercekit.platform.plugins import since

__all__ = ["Storage", "check_name"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}\.[a-z0-9]{1,8}")


def check_name(name: str) -> str:
    """``name`` if it can be one: lower case, one dot, no folder; ``Malformed`` for anything else.

    Names are made by us, never taken from whoever sends a file.
    """
    if not _NAME.fullmatch(name):
        message = "That is no name of a stored file."
        raise Malformed(message)
    return name


@since("0.1")
class Storage(ABC):
    """Keeps files by name. A name is written once, with one content, and may be cached for ever."""

    code: ClassVar[str]
    """What ``[media] storage`` names."""

    @abstractmethod
    async def put(self, name: str, content: bytes) -> None:
        """Keep ``content``; whole or not at all, and the same again does no harm.

        :param name: as :func:`check_name` takes it.
        :param content: at most a few megabytes.
        :raises Unavailable: when there is no room, or the place cannot be reached.
        """

    @abstractmethod
    async def get(self, name: str) -> bytes | None:
        """The content, or ``None`` when nothing has that name.

        :param name: as :func:`check_name` takes it; anything else is ``None`` too.
        :returns: the bytes as they were put.
        """

    @abstractmethod
    async def delete(self, name: str) -> None:
        """Forget a file; one that is not there is fine.

        :param name: as :func:`check_name` takes it.
        """
