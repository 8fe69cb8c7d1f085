"""How a simulation ends when the shop was wrong."""

from __future__ import annotations

__all__ = ["Broken"]


class Broken(Exception):
    """The shop did what it must never do; says what, in the diary's words."""
