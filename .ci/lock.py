"""Write constraints.txt: every dependency of every distribution here, pinned, with hashes.

The core, the plugins, their extras, the tools of the `dev` group and the build backends are
resolved together, for all platforms and all Pythons we support. The file names no index: where
packages come from is the business of the machine that installs them. Arguments are passed on to
`uv pip compile`, such as `--upgrade`, or the address of an index that only this machine knows.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "constraints.txt"
OURS = re.compile(r"commercekit(?![A-Za-z0-9])|commercekit-", re.IGNORECASE)


def requirements() -> set[str]:
    """What all distributions of this repository ask for, less the distributions themselves."""
    wanted: set[str] = set()
    for path in (ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))):
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
        project = declared["project"]
        wanted.update(project.get("dependencies", ()))
        for extra in project.get("optional-dependencies", {}).values():
            wanted.update(extra)
        for group in declared.get("dependency-groups", {}).values():
            wanted.update(group)
        wanted.update(declared["build-system"]["requires"])
    return {line for line in wanted if not OURS.match(line)}


def main() -> int:
    """Resolve and write; the exit code is the resolver's."""
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "-",
        "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-header", "--no-annotate",
        "--no-emit-index-url", "--no-emit-find-links", "--emit-build-options",
        "--allow-unsafe", "--quiet", "--output-file", str(LOCK), *sys.argv[1:],
    ]  # fmt: skip
    wanted = "\n".join(sorted(requirements()))
    done = subprocess.run(command, input=wanted, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        return done.returncode
    text = LOCK.read_text(encoding="utf-8")
    if "://" in text:
        print("constraints.txt names an address; nothing there may depend on one", file=sys.stderr)
        return 1
    print(f"{sum(not line.startswith(' ') for line in text.splitlines())} packages pinned")
    return 0


if __name__ == "__main__":
    sys.exit(main())
