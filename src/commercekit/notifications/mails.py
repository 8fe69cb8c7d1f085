"""How notifiers write mails with Python's ``email`` without leaving classes behind."""

from __future__ import annotations

from email.headerregistry import HeaderRegistry
from email.policy import SMTP, EmailPolicy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from email.message import EmailMessage

__all__ = ["mail_policy"]


class _OneClassForEachKind(HeaderRegistry):
    """Python makes a new class for each header of each mail, and classes are freed late.

    A shop that wrote ten mails a second held thousands of them: tens of megabytes that came and went,
    and a collector that took longer each time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[type, type] = {}

    def __getitem__(self, name: str) -> Any:
        kind = self.registry.get(name.lower(), self.default_class)
        made = self._made.get(kind)
        if made is None:
            made = self._made[kind] = super().__getitem__(name)
        return made


_FACTORY = _OneClassForEachKind()


def mail_policy(policy: EmailPolicy[EmailMessage] = SMTP) -> EmailPolicy[EmailMessage]:
    """``policy`` for writing one mail after the other, as a notifier does: ``EmailMessage(policy=...)``.

    The mails are the same, byte for byte. Make it once and keep it.
    """
    return policy.clone(header_factory=_FACTORY)
