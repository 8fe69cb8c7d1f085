"""A value that may be used and never shown."""

from __future__ import annotations

import hmac
from typing import Any, ClassVar, Final, Never

__all__ = ["MASK", "Secret"]

MASK: Final = "********"
"""What stands wherever a secret would."""


class Secret:
    """Text that no ``repr``, ``str``, format, pickle or encoder gives away.

    Only :meth:`reveal` does, so that a search for it finds whatever handles the plain value.
    msgspec refuses to encode it; ``masked`` turns a whole tree of settings into a printable one.
    """

    in_plain_words: ClassVar[str] = 'a secret: text, or { file = "…" }'
    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The plain value; keep it out of messages, logs and exceptions."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, _spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, _protocol: Any) -> Never:
        message = "A Secret is not pickled: pass the settings file on, not the value"
        raise TypeError(message)
