"""The vendor's side of a notifier's trial: what an author's fake has to be able to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from commercekit.notifications import Message
from commercekit.platform.providers import RawRequest

__all__ = ["Delivered", "Outbox", "Trouble"]


class Trouble(StrEnum):
    """What may go wrong at the vendor's."""

    REFUSED = "refused"
    """There is no such address; nothing is sent, ever."""
    DOWN = "down"
    """Nobody answers the door; nothing is sent now."""
    UNHEARD = "unheard"
    """The message is sent, and the answer is lost."""


class Delivered(Struct, frozen=True, kw_only=True):
    """One message as the reader got it."""

    to: str
    text: str
    subject: str | None = None
    """``None`` where the channel has none."""


class Outbox(ABC):
    """What readers got, and what the vendor is made to do. One for each test, and empty at first."""

    @abstractmethod
    async def delivered(self) -> Sequence[Delivered]:
        """All that went out so far, oldest first; one entry for each reader."""

    async def meet(self, trouble: Trouble, message: Message) -> Message | None:
        """Prepare that carrying the message which is given back meets ``trouble``.

        Give ``message`` itself when the vendor can be told to have a bad moment, or one changed to an
        address that has. ``None`` where neither is possible: then the rules about it say nothing.
        """
        return None

    async def calm(self) -> None:  # noqa: B027 - nothing to end where nothing can be prepared
        """The bad moment is over."""

    async def receipt(self, message: Message) -> RawRequest | None:
        """A genuine receipt for a message that was accepted; ``None`` where the vendor sends none."""
        return None
