"""What the tests of the documentation need: pages, their links, their anchors, their code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import click

from commercekit.cli import cli

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(
    r"^(?P<fence>```+)(?P<info>[^\n]*)\n(?P<code>.*?)^(?P=fence)\s*$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block of code and the line on which its fence stands."""

    language: str
    code: str
    line: int


@dataclass(frozen=True)
class Page:
    """One Markdown file; ``path`` is where it lies, which links are relative to."""

    path: Path
    text: str

    @property
    def blocks(self) -> list[Block]:
        return [
            Block(
                language=found["info"].strip(),
                code=found["code"],
                line=self.text.count("\n", 0, found.start()) + 1,
            )
            for found in _FENCE.finditer(self.text)
        ]

    @property
    def prose(self) -> str:
        return _FENCE.sub("", self.text)

    @property
    def links(self) -> list[str]:
        return [found["target"] for found in _LINK.finditer(self.prose)]

    @property
    def anchors(self) -> set[str]:
        return {anchor(found["title"]) for found in _HEADING.finditer(self.prose)}


def anchor(title: str) -> str:
    """The fragment that leads to a heading."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")


def pages() -> list[Page]:
    """Every page that people read: at the top, under docs, beside plugins and examples."""
    paths = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("plugins/*.md"),
        *ROOT.glob("plugins/*/*.md"),
        *ROOT.glob("examples/**/*.md"),
    ]
    return [Page(path, path.read_text(encoding="utf-8")) for path in sorted(paths)]


def dead_links(page: Page) -> list[str]:
    """Links that lead to no file, or to no heading of the file."""
    dead = []
    for target in page.links:
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        path = page.path.parent / name
        if name and not path.exists():
            dead.append(target)
        elif fragment and (not name or path.suffix == ".md"):
            other = Page(path, path.read_text(encoding="utf-8")) if name else page
            if fragment not in other.anchors:
                dead.append(target)
    return dead


def known_command(words: list[str]) -> bool:
    """Whether ``commercekit`` has the command; words after a command are its arguments."""
    command: click.Command = cli
    for word in words:
        if not isinstance(command, click.Group):
            return True
        inner = command.get_command(click.Context(command), word)
        if inner is None:
            return False
        command = inner
    return True
