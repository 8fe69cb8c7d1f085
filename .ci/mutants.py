"""Change the rules of money a little, one change at a time, and see whether a test notices.

``mutmut`` makes the changes and runs the tests that `pyproject.toml` names. Every change that no test
notices has to stand in `tests/mutants/survivors.toml` with the reason why that is right; one that stands
there and is noticed now has to go. Run by ``make mutants``; takes minutes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LISTED = ROOT / "tests/mutants/survivors.toml"
WORK = ROOT / "mutants"
_SURVIVED = {0: "no test fails", 5: "no test runs it", 33: "no test runs it"}


class Change(NamedTuple):
    """One change that nobody noticed. Without the number mutmut gives it, which any edit moves."""

    function: str
    before: str
    after: str


def run() -> None:
    """Make the changes anew and try each."""
    shutil.rmtree(WORK, ignore_errors=True)
    children = str(os.cpu_count() or 1)
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", children]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
        sys.exit(done.returncode)


def survivors() -> Iterator[tuple[Change, str]]:
    """Every change that no test noticed, and whether any ran it."""
    from mutmut.__main__ import get_diff_for_mutant

    os.chdir(ROOT)
    for meta in sorted(WORK.rglob("*.py.meta")):
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        path = meta.relative_to(WORK).with_suffix("")
        for name, code in codes.items():
            if code is None:
                sys.exit(f"{name} was not tried; run it again")
            if code in _SURVIVED:
                diff = get_diff_for_mutant(name, path=path)
                yield _change(name, diff), _SURVIVED[code]


def _change(name: str, diff: str) -> Change:
    function = re.sub(r"__mutmut_\d+$", "", name)
    function = re.sub(r"\.x_|\.xǁ", ".", function).replace("ǁ", ".")
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    before = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    after = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    return Change(function, before, after)


def listed() -> dict[Change, str]:
    """What may survive, and why."""
    found = tomllib.loads(LISTED.read_text(encoding="utf-8")).get("survivor", [])
    return {Change(each["function"], each["before"], each["after"]): each["why"] for each in found}


def main() -> int:
    """Compare; 0 when every survivor is explained and every explanation is needed."""
    if "--look" not in sys.argv:
        run()
    left, known = dict(survivors()), listed()
    unknown = [change for change in left if change not in known]
    gone = [change for change in known if change not in left]
    for change in unknown:
        print(f"# {left[change]}")
        print("[[survivor]]")
        for field, text in zip(change._fields, change, strict=True):
            print(f"{field} = {json.dumps(text, ensure_ascii=False)}")
        print('why = ""\n')
    for change in gone:
        print(
            f"{change.function}: {change.after!r} is noticed now, or gone; take it out of the list"
        )
    print(f"{len(left)} changes survive, {len(unknown)} of them without an explanation")
    return 1 if unknown or gone else 0


if __name__ == "__main__":
    sys.exit(main())
