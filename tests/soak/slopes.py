"""Whether something grows, from samples that jump up and down."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["Sample", "Verdict", "judge", "slope"]

WARM_UP = 0.4
"""This share of the time memory may grow: caches fill, pools open, allocators settle."""
MEGABYTES_AN_HOUR = 1.0
NOISE_MEGABYTES = 4.0
"""A growth within what one look differs from the next proves nothing."""


@dataclass(frozen=True)
class Sample:
    """All processes of the shop at one moment."""

    seconds: float
    megabytes: float
    files: int
    connections: int
    facts_waiting: int


@dataclass
class Verdict:
    """What is printed, and what is wrong."""

    megabytes_an_hour: float
    lines: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def slope(samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    """Growth a second; the median of all pairs (Theil and Sen), which outliers do not move."""
    steps = [
        (of(later) - of(earlier)) / (later.seconds - earlier.seconds)
        for place, earlier in enumerate(samples)
        for later in samples[place + 1 :]
        if later.seconds > earlier.seconds
    ]
    return statistics.median(steps) if steps else 0.0


def judge(samples: Sequence[Sample]) -> Verdict:
    """Look at the later part: what grows there grows for ever."""
    late = [sample for sample in samples if sample.seconds >= samples[-1].seconds * WARM_UP]
    an_hour = slope(late, lambda sample: sample.megabytes) * 3600
    grown = an_hour / 3600 * (late[-1].seconds - late[0].seconds)
    verdict = Verdict(an_hour)
    first, last = samples[0], samples[-1]
    verdict.lines = [
        f"memory             {first.megabytes:.0f} MB, {late[0].megabytes:.0f} warm, {last.megabytes:.0f}"
        f" at the end: {an_hour:+.2f} MB an hour",
        f"files              {first.files}, {late[0].files} warm, {last.files} at the end",
        f"connections        {max(sample.connections for sample in samples)} at most, {last.connections} at the end",
        f"facts waiting      {max(sample.facts_waiting for sample in samples)} at most, {last.facts_waiting} at the end",
    ]
    if an_hour > MEGABYTES_AN_HOUR and grown > NOISE_MEGABYTES:
        verdict.wrong.append("memory grows")
    quiet_files = statistics.median(sample.files for sample in late[: len(late) // 2 + 1])
    if last.files > quiet_files + 10:
        verdict.wrong.append("files grow")
    if last.connections > max(sample.connections for sample in late[: len(late) // 2 + 1]):
        verdict.wrong.append("connections grow")
    if last.facts_waiting:
        verdict.wrong.append("facts wait")
    return verdict
