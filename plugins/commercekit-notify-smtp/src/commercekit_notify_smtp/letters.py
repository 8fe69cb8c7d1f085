"""From a message to the bytes of an e-mail. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import NamedTuple

from commercekit.notifications import Message, mail_policy
from commercekit_notify_smtp.settings import Account

__all__ = ["Letter", "compose", "reader"]

_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_MOST_LOCAL, _MOST = 64, 254
_ASCII, _UTF8 = mail_policy(SMTP), mail_policy(SMTPUTF8)


class Letter(NamedTuple):
    """One e-mail, ready to hand over."""

    to: str
    """As the envelope names it: the host in ASCII."""
    international: bool
    """The part before the @ is not ASCII: only a server that knows SMTPUTF8 takes it."""


def reader(given: str) -> Letter | None:
    """Whom an address names; ``None`` unless it is exactly one, of a kind that can be written to.

    What a shopper typed is never parsed as a list of addresses: commas, brackets, quotes and line breaks
    are in no address.
    """
    local, at, host = given.rpartition("@")
    if not at or len(local) > _MOST_LOCAL or not _LOCAL.fullmatch(local):
        return None
    try:
        ascii_host = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    to = f"{local}@{ascii_host}"
    if len(to) > _MOST or not _HOST.fullmatch(ascii_host):
        return None
    return Letter(to, international=not local.isascii())


def compose(account: Account, message: Message, letter: Letter, at: datetime) -> bytes:
    """The whole mail. The same message gives the same ``Message-ID``, whenever it is made again."""
    mail = EmailMessage(policy=_UTF8 if letter.international else _ASCII)
    host = account.sender.rpartition("@")[2]
    mail["Message-ID"] = f"<{message.message_id}@{host}>"
    mail["Date"] = at
    mail["From"] = Address(account.sender_name, addr_spec=account.sender)
    mail["To"] = letter.to
    if account.reply_to is not None:
        mail["Reply-To"] = account.reply_to
    mail["Subject"] = " ".join(message.subject.split())
    # A machine wrote it: holiday notices and other machines do not answer.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html")
    # Last: setting the content takes headers about content away.
    mail["Content-Language"] = _language(message.locale)
    return mail.as_bytes()


def _language(locale: str) -> str:
    return locale if re.fullmatch(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", locale) else "en"
