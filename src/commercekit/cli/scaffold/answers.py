"""What a new plugin is called, in all the ways in which it is."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from typing import Final

from commercekit.cli.exits import Failed
from commercekit.cli.scaffold.kinds import Kind
from commercekit.platform.plugins import installed_plugins

__all__ = ["LONGEST_NAME", "LONGEST_TITLE", "Answers", "Refused"]

LONGEST_NAME: Final = 24
LONGEST_DISTRIBUTION: Final = 48
LONGEST_TITLE: Final = 32
LONGEST_AUTHOR: Final = 120

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_AUTHOR = re.compile(r"(?P<name>[^<>@]+?)(?:\s*<(?P<email>[^\s<>@]+@[^\s<>@]+)>)?")


class Refused(Failed):
    """The plugin cannot be begun like this; nothing was written."""


@dataclass(frozen=True, slots=True)
class Answers:
    """All that the templates want to know."""

    kind: Kind
    name: str
    """The code of what is registered, such as ``acme-pay``."""
    title: str
    """What people call the vendor."""
    distribution: str
    author: str
    email: str
    licence: str
    core: str
    """The version of the core that writes it."""

    @classmethod
    def of(
        cls,
        kind: Kind,
        name: str,
        *,
        title: str,
        distribution: str,
        author: str,
        licence: str,
        core: str,
    ) -> Answers:
        """Answers that fit together. Empty ones are made from the name; raises :class:`Refused`."""
        refuse_name(name)
        chosen = distribution or f"{kind.prefix}{name}"
        _refuse_distribution(chosen)
        who = _author(author)
        return cls(
            kind=kind,
            name=name,
            title=_line("title", title, LONGEST_TITLE) or title_of(name),
            distribution=chosen,
            author=who[0],
            email=who[1],
            licence=licence,
            core=core,
        )

    @property
    def package(self) -> str:
        """What is imported."""
        return self.distribution.replace("-", "_")

    @property
    def plugin(self) -> str:
        """The plugin's own code: its entry point, its section of the settings and its routes."""
        return self.distribution.removeprefix("commercekit-")

    @property
    def camel(self) -> str:
        """How its classes begin."""
        return "".join(part.capitalize() for part in self.name.split("-"))

    @property
    def bounds(self) -> str:
        """The versions of the core that keep their promises to what is written now."""
        major, minor = (int(part) for part in re.findall(r"\d+", f"{self.core}.0")[:2])
        above = f"0.{minor + 1}" if major == 0 else f"{major + 1}"
        return f">={major}.{minor},<{above}"

    @property
    def description(self) -> str:
        """One line for the package index."""
        return self.kind.description.replace("TITLE", self.title)

    @property
    def description_zh(self) -> str:
        """The same in Chinese."""
        return self.kind.description_zh.replace("TITLE", self.title)


def title_of(name: str) -> str:
    """``acme-pay`` as people write it: Acme Pay."""
    return " ".join(part.capitalize() for part in name.split("-"))


def refuse_name(name: str) -> None:
    """Raise :class:`Refused` for a name that cannot be a code."""
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        message = (
            f"{name!r} is no name for a plugin: up to {LONGEST_NAME} small letters, digits and single "
            "hyphens, the first of them a letter, such as acme-pay"
        )
        raise Refused(message)


def _refuse_distribution(distribution: str) -> None:
    if len(distribution) > LONGEST_DISTRIBUTION or not _NAME.fullmatch(distribution):
        message = (
            f"{distribution!r} is no name for a distribution: up to {LONGEST_DISTRIBUTION} small "
            "letters, digits and single hyphens, the first of them a letter"
        )
        raise Refused(message)
    package = distribution.replace("-", "_")
    if package == "commercekit" or package in sys.stdlib_module_names or keyword.iskeyword(package):
        message = (
            f"A distribution {distribution!r} would be imported as {package}, which is taken; choose "
            "another with --distribution"
        )
        raise Refused(message)
    for plugin in installed_plugins():
        if distribution in {plugin.distribution, f"commercekit-{plugin.code}"}:
            message = (
                f"{plugin.origin[0].upper()}{plugin.origin[1:]} is installed and would be replaced; "
                "choose another name, or uninstall it"
            )
            raise Refused(message)


def _line(what: str, text: str, longest: int) -> str:
    """One line that may stand in a docstring, in TOML and in Markdown."""
    line = text.strip()
    if len(line) > longest or not line.isprintable() or set(line) & set('"\\`{}<>|'):
        message = f"The {what} {text!r} is no plain line of up to {longest} characters"
        raise Refused(message)
    return line


def _author(author: str) -> tuple[str, str]:
    if not author.strip():
        return "", ""
    found = _AUTHOR.fullmatch(author.strip())
    if found is None:
        message = f"The author {author!r} is not written like: Ada Lovelace <ada@example.com>"
        raise Refused(message)
    return _line("author", found["name"], LONGEST_AUTHOR), found["email"] or ""
