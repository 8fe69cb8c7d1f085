"""The page of measurements: only its table is written."""

from __future__ import annotations

import json

from reference_pages.reading import ROOT, between

BENCH_MARKS = ("<!-- bench:begin -->", "<!-- bench:end -->")
MEASUREMENTS = ROOT / "docs/reference/measurements.md"


def measurements() -> str:
    """The page as it is, with the table of the last recorded run between its marks."""
    recorded = ROOT / "tests/benchmarks/latest.json"
    if not recorded.exists():
        return MEASUREMENTS.read_text(encoding="utf-8")
    run = json.loads(recorded.read_text(encoding="utf-8"))
    rows = [
        f"| `{one['name']}` | {one['rps']:,.0f} | {one['p50_ms']:.1f} | {one['p99_ms']:.1f}"
        f" | {one['floor_rps']:,.0f} | {one['ratio']:.2f} |"
        for one in run["workloads"]
    ]
    machine = run["machine"]
    if isinstance(machine, dict):
        machine = ", ".join(f"{name} {value}" for name, value in machine.items())
    table = (
        f"{machine}\n\n"
        "| workload | a second | p50 ms | p99 ms | floor, a second | ratio |\n"
        "|---|---|---|---|---|---|\n" + "\n".join(rows)
    )
    return between(MEASUREMENTS, BENCH_MARKS, table)
