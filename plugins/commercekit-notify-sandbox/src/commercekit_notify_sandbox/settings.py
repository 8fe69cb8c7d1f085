"""What a shop may set."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["Account", "Settings"]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.notify-sandbox]``."""

    folder: Annotated[
        Path | None,
        Meta(description="Where messages are written; without it messages/ in the data folder."),
    ] = None
    sender: Annotated[str, Meta(description="The address that e-mails say they come from.")] = (
        "shop@example.com"
    )


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[notifications.accounts.sandbox.<account>]``: nothing to set."""
