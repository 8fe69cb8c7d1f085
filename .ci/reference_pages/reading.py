"""What the pages are made of: modules by their room, docstrings, the sentences below fields."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"


def module_names(room: str) -> list[str]:
    """Every module of the core that is, or lies in, the room of that name."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        if room in parts:
            found.append(".".join(parts).removesuffix(".__init__"))
    return found


def below(root: type) -> Iterator[type]:
    """Every class below ``root``, those first that were defined first."""
    for child in root.__subclasses__():
        yield child
        yield from below(child)


def first_paragraph(thing: Any) -> str:
    """What a docstring says before its first blank line, on one line."""
    return cell(inspect.cleandoc(thing.__doc__ or "").split("\n\n")[0])


def cell(text: str) -> str:
    """Prose as it may stand in a table: one line, without roles and without bars."""
    return " ".join(prose(text).split()).replace("|", "\\|")


def prose(text: str) -> str:
    """A docstring's text as Markdown."""
    plain = re.sub(r":[a-z]+:`~?([^`<]+)(<[^>]*>)?`", lambda m: f"`{m[1].strip()}`", text)
    return re.sub(r"``([^`]+)``", r"`\1`", plain)


@cache
def field_docs(kind: type) -> dict[str, str]:
    """The sentence below each field of a class, those it inherits too."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if not one.__module__.startswith("commercekit"):
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(one)))
        except (OSError, TypeError):
            continue
        (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef))
        for field, after in pairwise(body):
            target = getattr(field, "target", None) or next(
                iter(getattr(field, "targets", ())), None
            )
            said = getattr(after, "value", None) if isinstance(after, ast.Expr) else None
            if isinstance(target, ast.Name) and isinstance(said, ast.Constant):
                found[target.id] = str(said.value)
    return found


def type_text(annotation: Any) -> str:
    """A type as a reader wants it: ``Money | None``, without module names."""
    if isinstance(annotation, type) and not hasattr(annotation, "__origin__"):
        return annotation.__name__
    text = str(annotation)
    text = re.sub(r"typing\.Annotated\[(.+?), msgspec\.Meta\([^)]*\)\]", r"\1", text)
    text = re.sub(r"<class '([^']+)'>", r"\1", text)
    return re.sub(r"\b(?:[A-Za-z_]\w*\.)+([A-Za-z_]\w*)", r"\1", text)


def between(page: Path, marks: tuple[str, str], content: str) -> str:
    """The page with ``content`` between two marks, which have to be there."""
    return between_text(
        page.read_text(encoding="utf-8"), str(page.relative_to(ROOT)), marks, content
    )


def between_text(text: str, name: str, marks: tuple[str, str], content: str) -> str:
    """The text with ``content`` between two marks, which have to be there."""
    begin, end = marks
    if begin not in text or end not in text:
        message = f"{name} lacks the marks {begin} and {end}"
        raise SystemExit(message)
    return f"{text.partition(begin)[0]}{begin}\n{content}\n{end}{text.partition(end)[2]}"
