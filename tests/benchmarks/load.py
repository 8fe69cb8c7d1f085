"""Driving a server with wrk, which costs a fraction of what it measures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

__all__ = ["Sample", "drive", "need_wrk"]

SCRIPTS = Path(__file__).parent / "wrk"
CONNECTIONS = 32


class _Report(msgspec.Struct):
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    broken: int


@dataclass(frozen=True)
class Sample:
    """One stretch of load: rate and latency of the requests that succeeded."""

    rps: float
    p50_ms: float
    p99_ms: float


def need_wrk() -> None:
    """Have wrk: from Debian's packages when we may, else end with one sentence."""
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "wrk"], check=True, stdout=subprocess.DEVNULL
        )
    if not shutil.which("wrk"):
        sys.exit("The benchmark needs wrk: install your distribution's package wrk and repeat.")


def drive(
    url: str,
    script: str,
    requests: Path,
    *arguments: str,
    seconds: float,
    connections: int = CONNECTIONS,
    may_refuse: bool = False,
) -> Sample:
    """Load ``url`` for ``seconds``; an answer that is no success ends the run.

    Unless the server ``may_refuse``: then only its successes count.
    """
    command = [
        "wrk",
        "--threads",
        "1",
        "--connections",
        str(connections),
        "--duration",
        f"{max(1, round(seconds))}s",
        "--timeout",
        "10s",
        "--latency",
        "--script",
        str(SCRIPTS / script),
        url,
        "--",
        str(requests),
        *arguments,
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    report = msgspec.json.decode(done.stdout.strip().splitlines()[-1], type=_Report)
    if report.broken or (report.refused and not may_refuse):
        sys.exit(f"{script} on {url}: {report.refused} refused, {report.broken} broken answers")
    done_well = report.requests - report.refused
    return Sample(done_well / report.seconds, report.p50_ms, report.p99_ms)
