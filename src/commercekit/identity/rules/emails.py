"""What an e-mail address looks like. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from commercekit.errors import FieldError, Unprocessable
from commercekit.platform.security import normalise

__all__ = ["check_email"]

_MAX: Final = 254
_EMAIL: Final = re.compile(
    r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]{1,64}@(?:[^\s@.\x00-\x1f\x7f]+\.)+[^\s@.\x00-\x1f\x7f]{2,63}"
)


def check_email(text: str) -> str:
    """The address as it is compared and written to: NFKC, case-folded, without blanks around it.

    Raises :class:`~commercekit.errors.Unprocessable` for what cannot be one. Whether anybody reads it
    only a mail can tell.
    """
    email = normalise(text)
    if (
        len(email) > _MAX
        or _EMAIL.fullmatch(email) is None
        or any(unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp") for each in email)
    ):
        message = "This is no e-mail address."
        raise Unprocessable(message, errors=(FieldError("/email", "invalid", message),))
    return email
