"""What a vendor has to be able to do before anybody can talk to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

__all__ = ["Delivery", "FakeVendor"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notification that is due."""

    key: str
    """Names it among the vendor's; the same when it is sent again."""
    request: httpx.Request
    """Signed at the moment of :meth:`FakeVendor.due`, with everything the vendor really sends."""


class FakeVendor(ABC):
    """Answers as the vendor documents it, and refuses as the vendor does.

    One call is made at a time, whoever asks. A fake that accepts what the vendor would refuse proves
    nothing: signatures, required fields, idempotency, states and error codes are its purpose.
    """

    @abstractmethod
    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, to the interface or to a page.

        :param request: as it arrived; ``request.content`` holds the whole body.
        :returns: what the vendor would answer; a 404 of its own for what it does not serve.
        """

    @abstractmethod
    def settings(self) -> str:
        """Say which settings make a shop talk to this fake.

        :returns: TOML for a shop's settings: its account with fresh keys, and ways to pay with labels.
        """

    def due(self) -> Sequence[Delivery]:
        """Name the notifications that should leave now; each is sent and then told by :meth:`delivered`.

        :returns: oldest first; empty for a vendor that tells nothing.
        """
        return ()

    def delivered(self, key: str, answer: httpx.Response | None) -> None:  # noqa: B027 - optional
        """Hear how a delivery went, and plan the next attempt as the vendor does.

        :param key: that of the :class:`Delivery`.
        :param answer: what the shop said; ``None`` when it could not be reached in the vendor's time.
        """

    def remember(self) -> bytes:
        """Give the books as bytes, for :meth:`recall`; nothing to remember is ``b""``."""
        return b""

    def recall(self, books: bytes) -> None:  # noqa: B027 - optional
        """Go on where an earlier run of the same fake ended.

        :param books: what :meth:`remember` gave, perhaps by an older version.
        :raises ValueError: they cannot be read; the fake then begins anew.
        """
