"""One value: from a TOML value or from the text of a variable to what the type asks for."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from commercekit.platform.settings.durations import parse_duration
from commercekit.platform.settings.fields import choices_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NotThis", "check", "scalar", "shown"]

_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})
_LONGEST: Final = 60
_SECRETIVE = re.compile(r"secret|password|passwd|token|dsn|credential|(^|[._-])key", re.IGNORECASE)
_USERINFO = re.compile(r"(://[^/:@\s]*):[^@\s]*@")


class NotThis(Exception):
    """The value is not of the type; ``choices`` are those that would have been, if few."""

    def __init__(self, choices: Sequence[str] = ()) -> None:
        super().__init__("not of this type")
        self.choices = choices


def scalar(kind: Any, raw: Any, *, from_text: bool, base: Path) -> Any:
    """``raw`` as ``kind``; text of a variable is parsed, a TOML value has its type already."""
    if kind is Any:
        return raw
    if choices := choices_of(kind):
        chosen = _one_of(choices, raw, from_text=from_text)
        return kind(chosen) if isinstance(kind, type) else chosen
    if kind is bool:
        return _boolean(raw, from_text=from_text)
    if kind in (int, float):
        return _number(kind, raw, from_text=from_text)
    if kind in {str, timedelta, Path}:
        return _written(kind, raw, base=Path() if from_text else base)
    return _other(kind, raw, from_text=from_text)


def _written(kind: type[str | timedelta | Path], raw: Any, *, base: Path) -> Any:
    if not isinstance(raw, str):
        raise NotThis
    if kind is Path:
        return base / Path(raw).expanduser()
    if kind is str:
        return raw
    try:
        return parse_duration(raw)
    except ValueError as no:
        raise NotThis from no


def _one_of(choices: Sequence[Any], raw: Any, *, from_text: bool) -> Any:
    for choice in choices:
        if type(choice) is type(raw) and choice == raw:
            return choice
        if from_text and str(choice) == raw:
            return choice
    raise NotThis([str(choice) for choice in choices])


def _boolean(raw: Any, *, from_text: bool) -> bool:
    if isinstance(raw, bool):
        return raw
    if from_text and raw.strip().lower() in _TRUE | _FALSE:
        return raw.strip().lower() in _TRUE
    raise NotThis


def _number(kind: type[int | float], raw: Any, *, from_text: bool) -> int | float:
    if isinstance(raw, bool):
        raise NotThis
    if isinstance(raw, kind) or (kind is float and isinstance(raw, int)):
        return kind(raw)
    if from_text:
        try:
            return kind(raw.strip())
        except ValueError as no:
            raise NotThis from no
    raise NotThis


def _other(kind: Any, raw: Any, *, from_text: bool) -> Any:
    """Dates, decimals, UUIDs: what msgspec already knows how to read."""
    try:
        return msgspec.convert(raw, kind, strict=not from_text)
    except (msgspec.ValidationError, TypeError) as no:
        raise NotThis from no


def check(value: Any, meta: msgspec.Meta) -> bool:
    """Whether the constraints of one ``Meta`` hold."""
    limits = (
        (meta.ge, lambda limit: value >= limit),
        (meta.gt, lambda limit: value > limit),
        (meta.le, lambda limit: value <= limit),
        (meta.lt, lambda limit: value < limit),
        (meta.multiple_of, lambda factor: value % factor == 0),
        (meta.min_length, lambda least: len(value) >= least),
        (meta.max_length, lambda most: len(value) <= most),
        (meta.pattern, lambda pattern: re.search(pattern, value) is not None),
    )
    return all(holds(limit) for limit, holds in limits if limit is not None)


def shown(path: str, value: Any) -> str:
    """The value for a message: short, and hidden where the name says that it is secret."""
    if _SECRETIVE.search(path):
        return "a value not shown here"
    text = _USERINFO.sub(r"\1:…@", f'"{value}"' if isinstance(value, str) else repr(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
