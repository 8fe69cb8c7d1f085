"""Answers that were recorded once, so that later versions are held to them.

A recording is only ever added to: a rule that must answer otherwise needs a new code, or a setting.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Raw, Struct

__all__ = ["RECORD", "Replay", "is_recording", "read_replays", "record_replays"]

RECORD: Final = "COMMERCEKIT_RECORD_REPLAYS"
"""The variable of the environment that has new answers recorded."""


class Replay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was asked and what was answered, each as it was written then."""

    settings: Raw
    given: Raw
    answer: Raw


def is_recording() -> bool:
    """Whether whoever runs the tests wants what is new to be recorded."""
    return os.environ.get(RECORD, "") not in {"", "0"}


def read_replays(path: Path) -> list[Replay]:
    """All that were recorded; none when there is no file yet."""
    if not path.exists():
        return []
    return msgspec.json.decode(path.read_bytes(), type=list[Replay])


def record_replays(path: Path, made: Iterable[Replay]) -> None:
    """Add those that ask something new."""
    kept = read_replays(path)
    known = {(bytes(each.settings), bytes(each.given)) for each in kept}
    kept += [each for each in made if (bytes(each.settings), bytes(each.given)) not in known]
    rows = b",\n".join(msgspec.json.encode(each) for each in kept)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"[\n" + rows + b"\n]\n")
