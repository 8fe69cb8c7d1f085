"""Which settings of a shop another version of the core does not know."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from commercekit.cli.upgrades.judging import Finding
from commercekit.cli.upgrades.model import PublicApi

__all__ = ["judge_settings"]


def judge_settings(file: Path, now: PublicApi, target: PublicApi) -> Iterator[Finding]:
    """One finding for each setting of ``file`` that is known now and not in the target."""
    text = file.read_text(encoding="utf-8")
    for path in _leaves(tomllib.loads(text)):
        if _known(path, now.settings) and not _known(path, target.settings):
            yield Finding(
                plugin="",
                what="setting",
                file=str(file),
                line=_line(text, path),
                told=f"the setting {'.'.join(path)} is gone",
                breaks=True,
            )


def _leaves(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key)


def _known(path: tuple[str, ...], settings: Mapping[str, str]) -> bool:
    """Whether a setting stands there, or above: what is below a table of free keys is not ours."""
    for known in settings:
        parts = known.split(".")
        if len(parts) <= len(path) and all(
            want in {"<name>", have} for want, have in zip(parts, path, strict=False)
        ):
            return True
    return False


def _line(text: str, path: tuple[str, ...]) -> int:
    """Where its key stands: below the header of its table, if it has one."""
    key = re.escape(path[-1])
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if (header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)) is not None:
            table = [part.strip(" \"'") for part in header[1].split(".")]
            if tuple(table) == path:
                return number
        elif re.match(rf"\s*[\"']?{key}[\"']?\s*[=.]", line) and tuple(table) == path[:-1]:
            return number
    return 1
