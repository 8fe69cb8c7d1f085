"""A plugin's README in its two languages, and what its sections say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

__all__ = ["Document", "Section"]

_FENCE = re.compile(r"^(```+).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_CHINESE_PART = re.compile(r"^##\s+中文\s*$", re.MULTILINE)
_HEADING = re.compile(r"^(#{1,4})[ \t]+(.+?)[ \t]*$", re.MULTILINE)
_HAN = re.compile(r"[\u4e00-\u9fff]")


class Section(NamedTuple):
    """A heading and what stands below it, up to the next one of its rank."""

    title: str
    text: str


@dataclass(frozen=True)
class Document:
    """The English text and the Chinese one; either may be empty."""

    english: str
    chinese: str

    @classmethod
    def read(cls, root: Path) -> Document:
        """``README.md`` and ``README.zh.md``, or both in one under ``## 中文``."""
        english, chinese = root / "README.md", root / "README.zh.md"
        document = cls.of(english.read_text(encoding="utf-8") if english.is_file() else "")
        if chinese.is_file():
            return cls(document.english, chinese.read_text(encoding="utf-8"))
        return document

    @classmethod
    def of(cls, text: str) -> Document:
        """One text with both languages in it."""
        found = _CHINESE_PART.search(text)
        if found is None:
            return cls(text, "")
        return cls(text[: found.start()], text[found.start() :])

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Of the English text."""
        return tuple(_sections(self.english))

    @cached_property
    def chinese_sections(self) -> tuple[Section, ...]:
        """Of the Chinese text."""
        return tuple(_sections(self.chinese))

    def section(self, pattern: str) -> Section | None:
        """The first English section whose title matches."""
        found = (one for one in self.sections if re.search(pattern, one.title, re.IGNORECASE))
        return next(found, None)

    def chinese_section(self, pattern: str) -> Section | None:
        """The first Chinese section whose title matches."""
        found = (one for one in self.chinese_sections if re.search(pattern, one.title))
        return next(found, None)

    @property
    def chinese_length(self) -> int:
        """How many Chinese characters it has."""
        return len(_HAN.findall(self.chinese))


def _sections(text: str) -> Iterator[Section]:
    # A comment in a shell example is no heading: fences are blanked, and lengths kept.
    hidden = _FENCE.sub(lambda fence: re.sub(r"[^\n]", " ", fence.group()), text)
    headings = list(_HEADING.finditer(hidden))
    for index, heading in enumerate(headings):
        rank = len(heading[1])
        later = (one for one in headings[index + 1 :] if len(one[1]) <= rank)
        end = following.start() if (following := next(later, None)) else len(text)
        yield Section(heading[2], text[heading.end() : end].strip())
