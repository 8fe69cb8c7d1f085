"""Which passwords are too weak: short, known, or made of what everybody knows about the shop.

There are no rules about digits and signs, and nobody has to change a password that has not leaked.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from commercekit.errors import FieldError
from commercekit.identity.errors import WeakPassword

__all__ = ["MAX_LENGTH", "BreachedFile", "check_password", "prepare"]

MAX_LENGTH: Final = 256
"""Characters of a password; whoever keeps theirs in a program may have as many."""
_LEAST_SCORE: Final = 2
"""Of 0 to 4, as zxcvbn gives it: 2 takes more than a million guesses."""
_LOOKED_AT: Final = 72
"""Characters that zxcvbn looks at: it takes its time with long ones, which need no judging."""
_SHORTEST_WORD: Final = 4


def prepare(password: str) -> str:
    """As it is hashed: NFKC, so that one password is one however a keyboard puts it together."""
    return unicodedata.normalize("NFKC", password)


def check_password(
    password: str,
    *,
    least: int,
    known: Iterable[str] = (),
    breached: BreachedFile | None = None,
) -> None:
    """Raise :class:`~commercekit.identity.errors.WeakPassword` with the reason, or accept.

    ``known`` is what a guesser tries first: the shop's name, the e-mail address. Takes milliseconds,
    up to a hundred for the most regular ones.
    """
    weakness = _weakness(prepare(password), least, _words(known), breached)
    if weakness is not None:
        code, message = weakness
        raise WeakPassword(message, errors=(FieldError("/password", code, message),))


def _weakness(
    password: str, least: int, words: list[str], breached: BreachedFile | None
) -> tuple[str, str] | None:
    from zxcvbn import zxcvbn  # type: ignore[import-untyped] # noqa: PLC0415 - untyped; reads 90,000 words at import

    if len(password) < least:
        return "too-short", f"Choose at least {least} characters."
    folded = password.casefold()
    if any(folded == word or _stripped(folded) == word for word in words):
        return "guessable", "It is what everybody tries first here; choose another."
    if breached is not None and password in breached:
        return "breached", "This password has leaked somewhere; choose another."
    judged = zxcvbn(password[:_LOOKED_AT], user_inputs=words)
    if judged["score"] < _LEAST_SCORE:
        advice = judged["feedback"]["warning"] or "Add another word or two."
        return "guessable", f"This password is easily guessed. {advice}"
    return None


class BreachedFile:
    """Leaked passwords on the disk: lines that begin with a SHA-1 digest in hex, sorted.

    Looked up by halving, some thirty short reads for a billion lines; nothing is loaded.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __contains__(self, password: object) -> bool:
        # The format of the list; nothing is protected by this digest.
        digest = hashlib.sha1(str(password).encode(), usedforsecurity=False).hexdigest().upper()
        wanted = digest.encode()
        with self._path.open("rb") as file:
            low, high = 0, file.seek(0, 2)
            while low < high:
                middle = (low + high) // 2
                file.seek(middle)
                if middle:
                    file.readline()  # the rest of a line that began before
                line = file.readline()[:40].upper()
                if not line or line >= wanted:
                    high = middle
                else:
                    low = middle + 1
            file.seek(low)
            if low:
                file.readline()
            found = file.readline()[:40].upper() == wanted
            if not found and low:
                # The very first line begins at no line's end.
                file.seek(0)
                found = file.readline()[:40].upper() == wanted
            return found


def _words(known: Iterable[str]) -> list[str]:
    words: list[str] = []
    for text in known:
        folded = prepare(text).casefold()
        parts = [folded, *folded.replace("@", " ").replace(".", " ").replace("-", " ").split()]
        words += [part for part in parts if len(part) >= _SHORTEST_WORD]
    return words


def _stripped(folded: str) -> str:
    """Without the digits and signs that people put around a word to get past a rule."""
    return folded.strip("0123456789 !?.,_-+*#$%&@")
