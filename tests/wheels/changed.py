"""Which plugins were changed since the last landed state, as well as that can be known."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

__all__ = ["changed_plugins"]

_MAINS = ("origin/HEAD", "origin/main", "main")


def changed_plugins(root: Path) -> set[str]:
    """Folders of ``plugins/`` that differ from where main and this work part, or that git has not seen.

    On main itself the last change counts. Where nobody can say, without git or in a clone without
    history, all of them: testing too much costs minutes, too little costs more.
    """
    every = {path.parent.name for path in root.glob("plugins/*/pyproject.toml")}
    base = _base(root)
    if base is None:
        return every
    differing = _git(root, "diff", "--name-only", "-z", base, "--", "plugins")
    unseen = _git(root, "ls-files", "-z", "--others", "--exclude-standard", "--", "plugins")
    if differing is None or unseen is None:
        return every
    return every & set(_folders(f"{differing}\0{unseen}".split("\0")))


def _base(root: Path) -> str | None:
    """The commit to compare with."""
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(top.strip()).resolve() != root.resolve():
        return None  # an unpacked archive, perhaps inside of somebody's repository
    head = _git(root, "rev-parse", "HEAD")
    for name in _MAINS:
        base = _git(root, "merge-base", "HEAD", name)
        if base is not None and base != head:
            return base.strip()
    before = _git(root, "rev-parse", "--verify", "--quiet", "HEAD~1")
    return before.strip() if before else None


def _folders(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        parts = Path(name).parts
        if len(parts) > 2:
            yield parts[1]


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
