"""``[identity]``: how long a session lasts, and what a password costs."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field

__all__ = ["IdentitySettings", "PasswordSettings", "RealmSettings"]


class RealmSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long somebody stays logged in."""

    idle: Annotated[
        timedelta, Meta(description="A session that nobody used for so long is over.")
    ] = timedelta(minutes=30)
    absolute: Annotated[
        timedelta, Meta(description="A session is over after so long, however much it was used.")
    ] = timedelta(hours=12)


class PasswordSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a password must be, and what one guess costs: argon2id, then sealed with the shop's key."""

    min_length: Annotated[
        int, Meta(ge=8, le=64, description="Characters; 8 is the least that is taken.")
    ] = 8
    memory_kib: Annotated[
        int, Meta(ge=8, le=4_194_304, description="Memory of one hash; 19456 KiB is OWASP's least.")
    ] = 19456
    passes: Annotated[int, Meta(ge=1, le=64, description="Passes over that memory.")] = 2
    workers: Annotated[
        int,
        Meta(
            ge=1,
            le=32,
            description="Passwords that each process judges at once; they step back for pages.",
        ),
    ] = 1
    waiting: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="How many may wait for it; who comes then gets 503 and is asked to come back.",
        ),
    ] = 16
    breached: Annotated[
        Path | None,
        Meta(
            description="A sorted file of SHA-1 digests of leaked passwords, as Have I Been Pwned gives "
            "it: what is in it is refused. It is read from the disk, never asked for over the network."
        ),
    ] = None


class IdentitySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accounts of staff and of customers."""

    staff: Annotated[RealmSettings, Meta(description="Sessions of staff.")] = field(
        default_factory=RealmSettings
    )
    customers: Annotated[RealmSettings, Meta(description="Sessions of customers.")] = field(
        default_factory=lambda: RealmSettings(idle=timedelta(days=14), absolute=timedelta(days=90))
    )
    passwords: PasswordSettings = field(default_factory=PasswordSettings)
    customer_pages: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s?#]+|/[^\s?#]*)[^/\s?#]$",
            description="Where links in mails to customers lead: an address, or a path below "
            "web.base_url. Behind it come /new-password, /prove-email and /change-email, then # and what "
            "the page sends to the shop.",
        ),
    ] = "/account"
    staff_pages: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s?#]+|/[^\s?#]*)[^/\s?#]$",
            description="The same for staff: /new-password and /join.",
        ),
    ] = "/console"
    reset_lifetime: Annotated[
        timedelta, Meta(description="How long a link to a new password works.")
    ] = timedelta(minutes=30)
    proof_lifetime: Annotated[
        timedelta, Meta(description="How long a link that proves an e-mail address works.")
    ] = timedelta(hours=24)
    invitation_lifetime: Annotated[
        timedelta, Meta(description="How long an invited member of staff may take.")
    ] = timedelta(days=7)
