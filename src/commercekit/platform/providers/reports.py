"""What is told of a failure: enough to mend it, and never more than fits a log line."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.platform.providers.health import ProviderHealth

__all__ = ["report", "shown"]

_LONGEST: Final = 500
_FRAMES: Final = 12


def shown(error: BaseException) -> dict[str, Any]:
    """Class, text and where, for the log. The text may be a book, and making it may fail."""
    try:
        text = str(error)[:_LONGEST]
    except Exception:  # noqa: BLE001 - a plugin's own __str__
        text = "?"
    frames = traceback.extract_tb(error.__traceback__, limit=-_FRAMES)
    return {
        "error": f"{type(error).__name__[:100]}: {text}",
        "where": [f"{each.name} ({each.filename}:{each.lineno})" for each in frames],
    }


def report(health: ProviderHealth, verb: str, error: BaseException, at: datetime) -> str:
    """Note the class of what was raised, the plugin's own where the core's stands for it."""
    cause = error.__cause__ or error
    return health.note_error(verb, type(cause).__name__.lstrip("_")[:100], at)
