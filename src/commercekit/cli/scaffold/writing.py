"""Templates into files: all of them, or none."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from commercekit.cli.scaffold.answers import Answers, Refused
from commercekit.cli.scaffold.kinds import TEMPLATES

__all__ = ["rendered", "write"]

_SHARED: Final = "_shared"
_SUFFIX: Final = ".j2"
_PACKAGE: Final = "PACKAGE"
_BASES: Final = "_bases"
"""In ``_shared``: what templates extend, and no file of its own."""


def rendered(answers: Answers) -> Mapping[Path, str]:
    """Every file of the new distribution by its path; a kind's own file hides a shared one."""
    environment = Environment(  # noqa: S701 - Python, TOML and Markdown, none of them HTML  # nosec B701
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["toml"] = lambda text: json.dumps(text, ensure_ascii=False)
    environment.filters["imports"] = _sorted_imports
    words = {
        "kind": answers.kind,
        "name": answers.name,
        "title": answers.title,
        "distribution": answers.distribution,
        "package": answers.package,
        "plugin": answers.plugin,
        "camel": answers.camel,
        "bounds": answers.bounds,
        "author": answers.author,
        "email": answers.email,
        "licence": answers.licence,
        "description": answers.description,
        "description_zh": answers.description_zh,
    }
    files: dict[Path, str] = {}
    for folder in (_SHARED, answers.kind.code):
        for source in sorted((TEMPLATES / folder).rglob(f"*{_SUFFIX}")):
            inside = source.relative_to(TEMPLATES / folder)
            if inside.parts[0] == _BASES:
                continue
            named = [answers.package if part == _PACKAGE else part for part in inside.parts]
            target = Path(*named[:-1], named[-1].removesuffix(_SUFFIX))
            template = environment.get_template(source.relative_to(TEMPLATES).as_posix())
            files[target] = template.render(words)
    return files


def write(files: Mapping[Path, str], target: Path) -> None:
    """Put ``files`` under ``target``, which comes into being whole.

    They are written beside it and moved there at the end. Raises :class:`Refused`, with nothing
    written, for a target that is there and not an empty folder.
    """
    _refuse_taken(target)
    staging = Path(mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        for path, text in files.items():
            place = staging / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8", newline="\n")
        staging.chmod(0o777 & ~_umask())
        staging.rename(target)
    except OSError:
        _refuse_taken(target)  # somebody else was faster
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _refuse_taken(target: Path) -> None:
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        message = f"{target} exists and is not an empty folder; nothing was written"
        raise Refused(message)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sorted_imports(block: str) -> str:
    """Lines of imports as the linter wants them, whatever the package is called."""
    return "\n".join(sorted(block.strip().splitlines())) + "\n"
