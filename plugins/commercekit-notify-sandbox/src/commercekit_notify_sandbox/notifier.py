"""Messages into files."""

from __future__ import annotations

import asyncio
import os
import re
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING, ClassVar
from uuid import uuid4

import msgspec
from msgspec import Struct

from commercekit.notifications import (
    Channel,
    Message,
    Notifier,
    Outcome,
    ReceiptNotification,
    mail_policy,
)
from commercekit.platform.providers import (
    ProviderContext,
    ProviderUnavailable,
    RawRequest,
    SignatureInvalid,
)
from commercekit_notify_sandbox.settings import Account, Settings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SandboxNotifier"]

_POLICY = mail_policy(default.clone(utf8=True))
_ADDRESSES = {
    Channel.EMAIL: re.compile(r"[^\s@,;:<>]+@[^\s@,;:<>]+"),
    Channel.SMS: re.compile(r"\+[0-9]{5,15}"),
}


class SandboxNotifier(Notifier):
    """Writes ``<message id>.eml`` for an e-mail and ``<message id>.json`` for a text message.

    A message that is there already is not written again, and one to no address, or to several, is refused.
    Some local parts have bad days: ``rejected@``
    is refused, ``down@`` finds no vendor, ``unknown@`` is written and nobody says so the first time.
    """

    code: ClassVar[str] = "sandbox"
    config_type: ClassVar[type[Struct]] = Account
    channels: ClassVar[frozenset[Channel]] = frozenset(Channel)

    def __init__(self, settings: Settings, data: Path) -> None:
        """``data`` is the shop's data folder, for when the settings name none of their own."""
        self._sender = settings.sender
        self._folder = settings.folder or data / "messages"

    async def send(self, ctx: ProviderContext, message: Message) -> Outcome:
        """Write the file, unless it is there."""
        whom = message.to.partition("@")[0]
        if whom == "rejected" or not _ADDRESSES[message.channel].fullmatch(message.to):
            return Outcome.REJECTED
        if whom == "down":
            raise ProviderUnavailable(detail="the sandbox is down for this address")
        written = await asyncio.to_thread(self._write, ctx, message)
        return Outcome.UNKNOWN if whom == "unknown" and written else Outcome.SENT

    async def parse_receipt(self, ctx: ProviderContext, req: RawRequest) -> ReceiptNotification:
        """Files send no receipts, so whatever arrives was not sent by us."""
        message = "the sandbox sends no receipts"
        raise SignatureInvalid(message)

    def _write(self, ctx: ProviderContext, message: Message) -> bool:
        """Whole or not at all, and once: a crash in the middle leaves only a file to sweep."""
        folder = self._folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        suffix = "eml" if message.channel is Channel.EMAIL else "json"
        target = folder / f"{message.message_id}.{suffix}"
        content = self._email(ctx, message) if suffix == "eml" else _json(message)
        unfinished = folder / f".{message.message_id}.{uuid4().hex}"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        return _claim(unfinished, target)

    def _email(self, ctx: ProviderContext, message: Message) -> bytes:
        mail = EmailMessage(policy=_POLICY)
        mail["Message-ID"] = f"<{message.message_id}@sandbox.invalid>"
        mail["Date"] = ctx.now()
        mail["From"] = self._sender
        mail["To"] = message.to
        mail["Subject"] = " ".join(message.subject.split())
        mail["X-CommerceKit-Template"] = message.template
        mail["Content-Language"] = message.locale
        mail.set_content(message.text)
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html")
        return mail.as_bytes()


def _claim(unfinished: Path, target: Path) -> bool:
    """Give the file its name unless somebody was first; hard links never overwrite."""
    try:
        os.link(unfinished, target)
    except FileExistsError:
        return False
    finally:
        unfinished.unlink()
    return True


def _json(message: Message) -> bytes:
    shown = {
        "message_id": message.message_id,
        "channel": message.channel,
        "to": message.to,
        "template": message.template,
        "locale": message.locale,
        "text": message.text,
    }
    return msgspec.json.format(msgspec.json.encode(shown), indent=2) + b"\n"
