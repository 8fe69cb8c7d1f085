"""``[identity]``: how long a session lasts, and what a password costs."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field

from commercekit.identity.models.factors import CaptchaKind, CaptchaMode, SecondFactor

__all__ = [
    "CaptchaSettings",
    "CustomerRealmSettings",
    "IdentitySettings",
    "PasswordSettings",
    "RealmSettings",
]


class RealmSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How somebody logs in, and how long that lasts."""

    idle: Annotated[
        timedelta, Meta(description="A session that nobody used for so long is over.")
    ] = timedelta(minutes=30)
    absolute: Annotated[
        timedelta, Meta(description="A session is over after so long, however much it was used.")
    ] = timedelta(hours=12)
    second_factor: Annotated[
        SecondFactor,
        Meta(description="required, or optional: then only who has set one up is asked for it."),
    ] = SecondFactor.REQUIRED
    captcha: Annotated[
        CaptchaMode, Meta(description="When a captcha is due: never, after_failures or always.")
    ] = CaptchaMode.AFTER_FAILURES
    captcha_after: Annotated[
        int, Meta(ge=1, le=5, description="So many wrong ones in a row, with after_failures.")
    ] = 3


class CustomerRealmSettings(RealmSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Customers stay longer, and set a second factor up if they like."""

    idle: Annotated[
        timedelta, Meta(description="A session that nobody used for so long is over.")
    ] = timedelta(days=14)
    absolute: Annotated[
        timedelta, Meta(description="A session is over after so long, however much it was used.")
    ] = timedelta(days=90)
    second_factor: Annotated[
        SecondFactor,
        Meta(description="required, or optional: then only who has set one up is asked for it."),
    ] = SecondFactor.OPTIONAL


class CaptchaSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What captchas are like."""

    kinds: Annotated[
        tuple[CaptchaKind, ...],
        Meta(min_length=1, description="Which there are: altcha works by itself, picture is read."),
    ] = (CaptchaKind.ALTCHA, CaptchaKind.PICTURE)
    lifetime: Annotated[timedelta, Meta(description="How long one can be answered.")] = timedelta(
        minutes=10
    )
    work: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="What one try costs a browser at altcha, in rounds of PBKDF2; 256 are needed.",
        ),
    ] = 5_000


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
    customers: Annotated[CustomerRealmSettings, Meta(description="Sessions of customers.")] = field(
        default_factory=CustomerRealmSettings
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
    step_up: Annotated[
        tuple[str, ...],
        Meta(
            description="More permissions for which a session must have proven a second factor within "
            "five minutes, such as products:write."
        ),
    ] = ()
    captcha: CaptchaSettings = field(default_factory=CaptchaSettings)
    reset_lifetime: Annotated[
        timedelta, Meta(description="How long a link to a new password works.")
    ] = timedelta(minutes=30)
    proof_lifetime: Annotated[
        timedelta, Meta(description="How long a link that proves an e-mail address works.")
    ] = timedelta(hours=24)
    invitation_lifetime: Annotated[
        timedelta, Meta(description="How long an invited member of staff may take.")
    ] = timedelta(days=7)
