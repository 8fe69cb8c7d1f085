"""A cookie for whoever is not logged in yet, so that a captcha is answered where it was given."""

import hashlib
import re
import secrets
from typing import Any, Final

from litestar import Request

from commercekit.platform.security import SESSIONS

__all__ = ["new_visit", "visit_of"]

_NAME: Final = "ck_visit"
_FITS: Final = re.compile(r"[A-Za-z0-9_-]{22,64}")
_MAX_AGE: Final = 3600


def visit_of(request: Request[Any, Any, Any]) -> str:
    """What stands for the visit; empty when the browser sent no cookie of one."""
    value = request.cookies.get(_name(request), "")
    return hashlib.sha256(value.encode()).hexdigest() if _FITS.fullmatch(value) else ""


def new_visit(request: Request[Any, Any, Any]) -> tuple[str, str]:
    """What stands for a new visit, and the ``Set-Cookie`` header field that begins it."""
    value = secrets.token_urlsafe(24)
    secure = "; Secure" if _is_secure(request) else ""
    header = f"{_name(request)}={value}; Path=/; Max-Age={_MAX_AGE}; HttpOnly; SameSite=Lax{secure}"
    return hashlib.sha256(value.encode()).hexdigest(), header


def _name(request: Request[Any, Any, Any]) -> str:
    return f"__Host-{_NAME}" if _is_secure(request) else _NAME


def _is_secure(request: Request[Any, Any, Any]) -> bool:
    return bool(request.app.state[SESSIONS].secure)
