"""Rows of the table, and what they are made of."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import msgspec

from tests.benchmarks.load import Sample

__all__ = ["Result", "Rounds"]


class Result(msgspec.Struct):
    """One row of the table; rates are requests, or transactions of the floor, a second."""

    name: str
    rps: float
    p50_ms: float
    p99_ms: float
    floor_rps: float
    ratio: float
    at_least: float | None = None


@dataclass
class Rounds:
    """What was seen of one workload."""

    ours: list[Sample]
    floor: list[Sample]

    def result(self, name: str, at_least: float | None, *, by_p50: bool = False) -> Result:
        """Medians; the ratio, of rates or of median latencies, is the median of the rounds' ratios."""
        ratios = [
            b.p50_ms / a.p50_ms if by_p50 else a.rps / b.rps
            for a, b in zip(self.ours, self.floor, strict=True)
        ]
        return Result(
            name=name,
            rps=round(statistics.median(s.rps for s in self.ours), 1),
            p50_ms=round(statistics.median(s.p50_ms for s in self.ours), 2),
            p99_ms=round(statistics.median(s.p99_ms for s in self.ours), 2),
            floor_rps=round(statistics.median(s.rps for s in self.floor), 1),
            ratio=round(statistics.median(ratios), 3),
            at_least=at_least,
        )
