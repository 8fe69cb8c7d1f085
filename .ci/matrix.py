"""Record in docs/security/matrix.csv who may call what; `make matrix` calls this.

A test compares the record with the routes and roles of the code: whatever opens or closes a door for some
role shows in the difference, and is committed by somebody who has read it. With ``--check`` nothing is
written; the exit code is 1 when the record is not what the code does.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "docs/security/matrix.csv"


def current() -> str:
    """The table of a shop without plugins; nothing is connected for it."""
    from commercekit.app import Shop, application, build_application, load_configuration
    from commercekit.web import access_matrix, build_web, matrix_csv

    made: list[Any] = []

    def building(**setup: Any) -> Any:
        made.append(build_web(**setup))
        return made[-1]

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "commercekit.toml"
        file.write_text("[plugins]\nenabled = []\n", encoding="utf-8")
        environ = {"COMMERCEKIT_DATA": str(Path(folder) / "data"), "PATH": os.environ["PATH"]}
        shop = Shop(load_configuration(file, environ), "postgresql://nobody@127.0.0.1:1/nothing")
        with mock.patch.object(application, "build_web", building):
            build_application(shop)
        roles = list(shop.surface.roles)
        return matrix_csv(access_matrix(made[0], roles), roles)


def main() -> int:
    """Write or check."""
    text = current()
    there = RECORD.read_text(encoding="utf-8") if RECORD.exists() else ""
    if "--check" in sys.argv[1:]:
        if there != text:
            sys.stderr.write("docs/security/matrix.csv is not what the code does: make matrix\n")
        return int(there != text)
    if there != text:
        RECORD.parent.mkdir(parents=True, exist_ok=True)
        RECORD.write_text(text, encoding="utf-8")
        sys.stdout.write("docs/security/matrix.csv changed: read the difference\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
