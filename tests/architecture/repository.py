"""Rules on the files of the repository, code or not."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import ROOT

# Written in pieces, so that this file does not break its own rule.
MACHINE_PATHS = re.compile(r"(?<![\w.~/-])/(" + "work" + r"|root|home|Users)/[\w.-]+")
REGISTRIES = re.compile(
    r"\b(" + r"pypi\." + r"org|files\." + r"pythonhosted\.org|registry\." + r"npmjs\.org"
    r"|deb\." + r"debian\.org)\b"
)
BINARY = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".woff2", ".gz", ".zip"})
TOP = frozenset(
    {
        ".ci", ".editorconfig", ".gitattributes", ".github", ".gitignore", "CHANGELOG.md",
        "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md", "conftest.py",
        "constraints.txt", "docs", "examples", "plugins", "pyproject.toml", "src", "tests",
    }
)  # fmt: skip


def tracked() -> list[Path]:
    """What belongs to the repository: committed, or about to be; not what git ignores."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout.split("\0")  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        # An unpacked archive has no history; its files are those of the top that we know.
        return [path for top in sorted(TOP) for path in sorted((ROOT / top).rglob("*"))]
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def traces(name: str, text: str) -> Iterator[str]:
    """Paths of one machine, and hosts that only say where one machine gets its packages."""
    for number, line in enumerate(text.splitlines(), start=1):
        for pattern in (MACHINE_PATHS, REGISTRIES):
            found = pattern.search(line)
            if found:
                yield f"{name}:{number} mentions {found.group()}"


def unpinned(lock: str) -> Iterator[str]:
    """Requirements without an exact version or without a hash, and any address."""
    entries = re.split(r"\n(?=[^\s#])", lock.strip())
    for entry in entries:
        requirement = entry.split("\\")[0].strip()
        if "==" not in requirement:
            yield f"{requirement} has no exact version"
        if "--hash=sha256:" not in entry:
            yield f"{requirement} has no hash"
    if "://" in lock:
        yield "an address"


def distributions() -> dict[str, dict[str, object]]:
    """The ``pyproject.toml`` of every distribution here, by folder."""
    found = [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]
    return {
        str(path.parent.relative_to(ROOT)): tomllib.loads(path.read_text(encoding="utf-8"))
        for path in found
    }
