"""What a run saw: one entry for each test, kept until the test is run again."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

__all__ = ["Record"]

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass
class _Seen:
    promises: list[str]
    passed: int = 0
    failed: int = 0
    seconds: float = 0.0
    figures: dict[str, float | str] = field(default_factory=dict)


class Record:
    """Collects the tests of one run; those with parameters count as one."""

    def __init__(self, profile: str) -> None:
        self._profile = profile
        self._seen: dict[str, _Seen] = {}

    def add(
        self,
        nodeid: str,
        promises: list[str],
        *,
        passed: bool,
        seconds: float,
        figures: dict[str, float | str],
    ) -> None:
        """Note that a test ended."""
        seen = self._seen.setdefault(nodeid.partition("[")[0], _Seen(promises))
        seen.passed += passed
        seen.failed += not passed
        seen.seconds += seconds
        seen.figures |= figures

    def write(self, path: Path) -> None:
        """Into the record at ``path``; what this run did not try stays as it was last seen."""
        tests: dict[str, Any] = {}
        if path.exists():
            tests = json.loads(path.read_text(encoding="utf-8"))["tests"]
        run = {
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "commit": _commit(),
            "profile": self._profile,
        }
        for name, seen in self._seen.items():
            tests[name] = {
                **run,
                "promises": sorted(set(seen.promises)),
                "passed": seen.passed,
                "failed": seen.failed,
                "seconds": round(seen.seconds, 1),
                "figures": seen.figures,
            }
        recorded = {"machine": _machine(), "tests": dict(sorted(tests.items()))}
        path.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _commit() -> str:
    """What was tried; with a plus where something was not committed yet."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, granian {version('granian')}"
    )
