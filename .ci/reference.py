"""Write the reference pages from the code; the pages are made in ``reference_pages``.

A fact that changed more than its version allows stops it before anything is written. With ``--check``
nothing is written at all; the exit code is 1 when a page lacks something that the code has,
or has something that the code lacks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from reference_pages.asyncapi import RECORD as ASYNCAPI
from reference_pages.asyncapi import asyncapi, refused, without_words
from reference_pages.commands import commands
from reference_pages.facts import facts
from reference_pages.hooks import hooks
from reference_pages.measured import MEASUREMENTS, measurements
from reference_pages.permissions import permissions
from reference_pages.plugins import false_claims, plugins, readmes, settings
from reference_pages.problems import problems
from reference_pages.promises import promises, promises_zh
from reference_pages.providers import conformance, contexts, provider_pages
from reference_pages.quality import quality_pages
from reference_pages.reading import ROOT

NOTE = "<!-- Written by `make reference` from the code. Change it there. -->\n"
WHOLE: dict[str, Callable[[], str]] = {
    "docs/explanation/promises.md": promises,
    "docs/explanation/zh/promises.md": promises_zh,
    "docs/reference/commands.md": commands,
    "docs/reference/conformance.md": conformance,
    "docs/reference/contexts.md": contexts,
    "docs/reference/facts.md": facts,
    "docs/reference/hooks.md": hooks,
    "docs/reference/permissions.md": permissions,
    "docs/reference/problems.md": problems,
    "docs/reference/settings.md": settings,
    "plugins/README.md": plugins,
}
"""Pages that are written whole; of others only what stands between marks."""
FOLDERS: dict[str, Callable[[], dict[str, str]]] = {
    "docs/plugins/quality": quality_pages,
    "docs/reference/providers": provider_pages,
}
"""Folders that hold written pages and nothing else."""


def pages() -> Iterator[tuple[str, str]]:
    """Each page by its path, as it should be; READMEs first, because tiers are read from them."""
    yield from readmes().items()
    yield str(MEASUREMENTS.relative_to(ROOT)), measurements()
    yield str(ASYNCAPI.relative_to(ROOT)), asyncapi()
    for name, write in WHOLE.items():
        yield name, _noted(write())
    for write_all in FOLDERS.values():
        for name, text in write_all().items():
            yield name, _noted(text)


def _noted(text: str) -> str:
    heading, _, rest = text.partition("\n")
    return f"{heading}\n\n{NOTE}{rest}".rstrip("\n") + "\n"


def seen(name: str, text: str) -> list[str]:
    """What a page lists: its headings and the first cell of each row; the wording may lag behind.

    Of the plugins every word counts: a tier that changed is news.
    """
    if name == "plugins/README.md":
        return [text]
    if name.endswith(".json"):
        return [without_words(text)]
    lines = [line for line in text.splitlines() if line.startswith(("#", "| "))]
    return [line.split(" | ")[0] for line in lines]


def strays(written: set[str]) -> list[str]:
    """Pages of things that are gone."""
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.md"))]
    return [name for path in found if (name := str(path.relative_to(ROOT))) not in written]


def main() -> int:
    """Write the pages, or say which of them are out of date."""
    if too_much := refused():
        print(*too_much, sep="\n", file=sys.stderr)
        return 1
    stale, written = [], set()
    checks = "--check" in sys.argv[1:]
    for name, text in pages():
        written.add(name)
        path = ROOT / name
        if not checks:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or seen(name, path.read_text(encoding="utf-8")) != seen(name, text):
            stale.append(name)
    for name in strays(written):
        if checks:
            stale.append(name)
        else:
            (ROOT / name).unlink()
    if stale:
        print(f"Out of date, `make reference` writes them: {', '.join(stale)}", file=sys.stderr)
    lies = false_claims()
    for lie in lies:
        print(lie, file=sys.stderr)
    return 1 if stale or lies else 0


if __name__ == "__main__":
    sys.exit(main())
