"""What a shop sets for a mail server. Wrong settings stop the start, all of them at once."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from commercekit.platform.settings import Secret

__all__ = ["Account", "Encryption"]


class Encryption(StrEnum):
    """How the way to the mail server is kept from readers."""

    STARTTLS = "starttls"
    """Begins in clear and changes over before anything is said; a server that cannot is not used."""
    TLS = "tls"
    """From the first byte."""
    NONE = "none"
    """Not at all: for a mail server on the same machine."""

    @property
    def port(self) -> int:
        """Where servers usually listen for it."""
        return {Encryption.STARTTLS: 587, Encryption.TLS: 465, Encryption.NONE: 25}[self]


_ADDRESS = "^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*$"


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[notifications.accounts.smtp.<account>]``."""

    host: Annotated[
        str, Meta(pattern="^[A-Za-z0-9.:-]+$", description="The mail server: a name or an address.")
    ]
    sender: Annotated[str, Meta(pattern=_ADDRESS, description="The address that mails come from.")]
    sender_name: Annotated[
        str,
        Meta(
            pattern="^[^\\x00-\\x1f\\x7f]*$",
            max_length=100,
            description="The name beside it; empty: the address alone.",
        ),
    ] = ""
    reply_to: Annotated[
        str | None,
        Meta(pattern=_ADDRESS, description="Where answers go; without it, to the sender."),
    ] = None
    encryption: Annotated[
        Encryption,
        Meta(description="starttls, tls, or none for a server on the same machine."),
    ] = Encryption.STARTTLS
    port: Annotated[
        int | None,
        Meta(ge=1, le=65535, description="Without it 587, 465 or 25, as the encryption has it."),
    ] = None
    username: Annotated[
        str | None, Meta(min_length=1, description="Without it the server is not signed in to.")
    ] = None
    password: Annotated[Secret | None, Meta(description="What belongs to the username.")] = None
    ca_file: Annotated[
        Path | None,
        Meta(
            description="Certificates (PEM) to trust instead of the system's, for a server of one's own."
        ),
    ] = None
    timeout: Annotated[
        timedelta, Meta(description="For each answer of the server; all together get 5 s.")
    ] = timedelta(seconds=4)

    def __post_init__(self) -> None:
        if self.username is not None and not self.password:
            message = "username needs a password"
            raise ValueError(message)
        if self.username is not None and self.encryption is Encryption.NONE:
            message = "a password is not sent in clear: set encryption to starttls or tls"
            raise ValueError(message)
