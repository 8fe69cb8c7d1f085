"""Look for secrets in what belongs to the repository; `make lint` calls it.

What looks like one and is none stands in `secrets.json` by its digest: a password that a test makes up,
an example in a page. `--record` writes that list anew; look at its difference before it is committed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings, get_settings

ROOT = Path(__file__).resolve().parent.parent
KNOWN = Path(__file__).with_name("secrets.json")
# Digests and recorded answers by the thousand, written by machines out of what is looked at anyway.
SKIPPED = ("constraints.txt", "docs/reference/", "docs/security/asvs.csv", ".ci/secrets.json")
# Each kind costs a second: those of vendors whom nobody here deals with are left out, and keywords, which
# ruff's S105 to S107 find in Python.
LOOKED_FOR = {
    "AWSKeyDetector",
    "Base64HighEntropyString",
    "BasicAuthDetector",
    "GitHubTokenDetector",
    "HexHighEntropyString",
    "JwtTokenDetector",
    "PrivateKeyDetector",
    "StripeDetector",
}
FOLDERS = (".ci", "docs", "examples", "plugins", "src")
PICTURES = (".png", ".jpg", ".webp", ".ico", ".woff2")


def kept_files(root: Path) -> list[str]:
    """What belongs to the repository, tests of the core aside: they forge tokens and keys all day."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - from the PATH
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive has no history
        listed = [
            str(path.relative_to(root)) for top in FOLDERS for path in (root / top).rglob("*")
        ]
    return sorted(
        name
        for name in listed
        if (root / name).is_file()
        and not name.startswith((*SKIPPED, "tests/"))
        and not name.endswith(PICTURES)
        and "__pycache__" not in name
    )


def findings_in(names: list[str]) -> list[tuple[str, str, str, int]]:
    """File, kind, digest and line of all that looks like a secret in these files."""
    with default_settings():
        for plugin in get_settings().plugins.keys() - LOOKED_FOR:
            del get_settings().plugins[plugin]
        return [
            (name, found.type, found.secret_hash, found.line_number)
            for name in names
            for found in scan_file(name)
        ]


def main(arguments: Iterable[str]) -> int:
    """0 when nothing is there that is not known; ``--record`` makes everything that is there known."""
    os.chdir(ROOT)
    files = kept_files(ROOT)
    parts = [files[turn::8] for turn in range(8)]
    with multiprocessing.Pool() as pool:
        found = [each for some in pool.imap_unordered(findings_in, parts) for each in some]
    if "--record" in arguments:
        known = sorted({(name, kind, digest) for name, kind, digest, _ in found})
        KNOWN.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        return 0
    known = {tuple(each) for each in json.loads(KNOWN.read_text(encoding="utf-8"))}
    new = sorted(each for each in found if each[:3] not in known)
    for name, kind, _, line in new:
        print(f"{name}:{line}: looks like a secret ({kind})")
    if new:
        print(
            "Take it out, and replace it where it works. If it is none: .ci/no_secrets.py --record"
        )
    return bool(new)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
