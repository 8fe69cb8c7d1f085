from __future__ import annotations

from tests.platform.http.conftest import client

__all__ = ["client"]
