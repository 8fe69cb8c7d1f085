"""Second factors: which code is right, and what new ones look like. Pure, but for fresh randomness."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import pyotp

from commercekit.errors import FieldError, Unprocessable
from commercekit.kernel import pick

__all__ = [
    "CODE_DIGITS",
    "RECOVERY_CODES",
    "check_number",
    "factor_advice",
    "match_totp",
    "new_code",
    "new_recovery_codes",
    "new_seed",
    "plain_recovery_code",
    "shown_target",
    "totp_address",
]

CODE_DIGITS: Final = 6
RECOVERY_CODES: Final = 10
_STEP: Final = 30
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 characters that nobody takes for one another: five bits each."""
_GROUPS, _GROUP = 4, 4
_ADVICE: Final = {
    "sms": {
        "en": "Whoever takes over your telephone number gets these codes, and text messages can be read on "
        "the way. An authenticator app or a passkey protects you better; set one up as well.",
        "zh": "手机号被他人接管,或短信在途中被截获,验证码就会泄露。认证器应用或通行密钥更安全,建议同时设置。",
    },
    "email": {
        "en": "Whoever reads your mail gets these codes, and can ask for a new password as well. An "
        "authenticator app or a passkey protects you better; set one up as well.",
        "zh": "能读到您邮件的人就能拿到验证码,还能重设密码。认证器应用或通行密钥更安全,建议同时设置。",
    },
}


def factor_advice(kind: str, languages: Sequence[str]) -> str | None:
    """What whoever sets up codes that are sent should know; ``None`` for kinds that send none."""
    words = _ADVICE.get(kind)
    return None if words is None else pick(words, languages)


def new_seed() -> str:
    """160 random bits in base 32, as authenticator apps want them."""
    return pyotp.random_base32(32)


def totp_address(seed: str, *, account: str, issuer: str) -> str:
    """The ``otpauth://`` address that an authenticator app reads from a QR code."""
    return pyotp.TOTP(seed).provisioning_uri(name=account, issuer_name=issuer)


def match_totp(seed: str, code: str, at: datetime, last: int) -> int | None:
    """The time step that ``code`` belongs to; ``None`` when it is wrong.

    The present step and the one on either side count, because clocks differ. A step up to ``last`` was
    used before and never counts again, nor does one before it.
    """
    if len(code) != CODE_DIGITS or not code.isascii() or not code.isdigit():
        return None
    totp = pyotp.TOTP(seed)
    now = int(at.timestamp()) // _STEP
    found = None
    for step in (now - 1, now, now + 1):
        # All three are always worked out: how long it takes says nothing.
        if hmac.compare_digest(totp.generate_otp(step), code) and step > last and found is None:
            found = step
    return found


def new_code() -> str:
    """Six digits, to be sent to somebody."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def new_recovery_codes() -> list[str]:
    """Ten codes of 80 bits, as people write them down: ``7KQM-…``."""
    return [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
        for _ in range(RECOVERY_CODES)
    ]


def plain_recovery_code(typed: str) -> str | None:
    """The code without what people put in between; ``None`` for what cannot be one."""
    plain = "".join(typed.split()).replace("-", "").upper()
    fits = len(plain) == _GROUP * _GROUPS and all(each in _LETTERS for each in plain)
    return plain if fits else None


def shown_target(target: str) -> str:
    """A number or address as its owner recognises it and nobody learns it: ``+86•••••••0000``."""
    local, at, host = target.partition("@")
    if at:
        return f"{local[:1]}•••@{host}"
    return f"{target[:3]}{'•' * max(0, len(target) - 7)}{target[-4:]}"


def check_number(typed: str) -> str:
    """A telephone number as it is dialled from anywhere, E.164: ``+8613…``, without what people put between.

    Raises :class:`~commercekit.errors.Unprocessable` for what cannot be one.
    """
    number = re.sub(r"[\s().-]", "", typed)
    if _NUMBER.fullmatch(number):
        return number
    message = "Write the number with its country, such as +86 and then the number."
    raise Unprocessable(message, errors=(FieldError("/to", "phone", message),))
