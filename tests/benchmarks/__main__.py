"""``python -m tests.benchmarks``: measure, print a table, write ``latest.json``.

Each workload and its floor run in turns, several rounds, and the medians count: these machines are
noisy, but what disturbs one disturbs the other. Two server processes, 32 connections, 1,000 products of
4 variants, on an embedded PostgreSQL with ``fsync`` and ``synchronous_commit`` on.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import msgspec

from commercekit.kernel import new_id
from commercekit.platform.db.embedded import reachable_folder
from tests.benchmarks.broker import BROKER, SATURATED, broker_bench
from tests.benchmarks.crowds import CROWD, notification_10k
from tests.benchmarks.guard import ALLOWED, guard_cost
from tests.benchmarks.guard import NAME as GUARD
from tests.benchmarks.importing import import_products
from tests.benchmarks.load import CONNECTIONS, Sample, drive, need_wrk
from tests.benchmarks.logins import LOGINS, SESSIONS, list_during_logins, session_check
from tests.benchmarks.messages import MESSAGES, message_bench
from tests.benchmarks.notifications import NotificationWorkload
from tests.benchmarks.orders import NAME as ORDERS
from tests.benchmarks.orders import WITHIN, orders_1m
from tests.benchmarks.rows import Result, Rounds
from tests.benchmarks.shop import BenchShop
from tests.benchmarks.sizes import SIZED, compare, sized_shops
from tests.benchmarks.starting import ALLOWED_MS, measure_starts
from tests.benchmarks.starting import NAME as STARTS
from tests.benchmarks.workloads import (
    ColdWorkload,
    DisturbedWorkload,
    OverloadWorkload,
    ReadWorkload,
    SharedWorkload,
    Workload,
    WriteWorkload,
    all_workloads,
    orders_to_pay,
    selling,
)

__all__ = ["main"]

INVALIDATION = "invalidation_delay"
ACROSS = "freshness_across_nodes"
ACROSS_MS = 250
IMPORT = "import_products"
RESULTS = Path(__file__).parent / "latest.json"


class _Table(msgspec.Struct):
    machine: dict[str, str | int]
    workloads: list[Result]


def main() -> None:
    """Parse, measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--products", type=int, default=1000)
    parser.add_argument("--only", action="append", help="a workload's name; may be repeated")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument(
        "--update",
        action="store_true",
        help="with --only: put these rows into the file, keep others",
    )
    parser.add_argument("--strict", action="store_true", help="fail below a threshold")
    options = parser.parse_args()
    need_wrk()
    # Not tempfile's own folders: they are closed to the account that root's PostgreSQL runs as.
    folder = Path(tempfile.gettempdir()) / f"commercekit-bench-{secrets.token_hex(4)}"
    folder = reachable_folder(folder)
    folder.mkdir(parents=True)
    try:
        results = _one_shop(folder, options) + _two_sizes(folder, options)
        if not options.only or ORDERS in options.only:
            results += _orders(folder, options.rounds, options.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # In a shop and on a server of its own: 100,000 variants would slow the others down.
    if not options.only or IMPORT in options.only:
        results.append(_importing())
    if not options.only or STARTS in options.only:
        results.append(_starting(options.rounds))
    if not options.only or GUARD in options.only:
        results.append(_guard())
    results += _messages(options) + _broker(options)
    machine = _machine()
    if not options.only or options.update:
        _write(options.out, machine, results, keep=bool(options.only))
    _print(machine, results)
    short = [r.name for r in results if r.at_least is not None and r.ratio < r.at_least]
    if short:
        print(f"\nBelow their thresholds: {', '.join(short)}")
        sys.exit(1 if options.strict else 0)


def _write(out: Path, machine: dict[str, str | int], results: list[Result], *, keep: bool) -> None:
    """Write the table; with ``keep`` the rows that were not measured now stay as they were."""
    rows: dict[str, Result] = {}
    if keep and out.exists():
        before = msgspec.json.decode(out.read_bytes(), type=_Table)
        rows = {row.name: row for row in before.workloads}
    rows |= {row.name: row for row in results}
    table = _Table(machine, list(rows.values()))
    out.write_bytes(msgspec.json.format(msgspec.json.encode(table), indent=2) + b"\n")


def _one_shop(folder: Path, options: argparse.Namespace) -> list[Result]:
    """What is measured on a shop of one size."""
    if options.only and set(options.only) <= {
        *SIZED,
        *MESSAGES,
        *BROKER,
        ORDERS,
        IMPORT,
        STARTS,
        GUARD,
    }:
        return []
    with BenchShop(folder, products=options.products) as shop:
        results = [
            _measure(shop, workload, options.rounds, options.seconds)
            for workload in all_workloads(shop)
            if not options.only or workload.name in options.only
        ]
        if not options.only or CROWD in options.only:
            results.append(notification_10k(shop, orders_to_pay(shop)))
        if not options.only or INVALIDATION in options.only:
            results.append(_invalidation(shop))
        if not options.only or ACROSS in options.only:
            results.append(_across_nodes(shop))
        if not options.only or SESSIONS in options.only:
            results.append(session_check(shop))
        if not options.only or LOGINS in options.only:
            results.append(list_during_logins(shop, options.rounds, options.seconds))
    return results


def _two_sizes(folder: Path, options: argparse.Namespace) -> list[Result]:
    """How much slower a large shop reads than a small one: its floor is the small one's latency."""
    wanted = [name for name in SIZED if not options.only or name in options.only]
    if not wanted:
        return []
    results = []
    with sized_shops(folder) as shops:
        for name in wanted:
            print(f"{name} ...", end="", flush=True)
            seen = Rounds(*compare(*shops, name, rounds=options.rounds, seconds=options.seconds))
            results.append(seen.result(name, 1 / 1.3, by_p50=True))
            print(
                f" {results[-1].p50_ms:.1f} ms, {1 / results[-1].ratio:.2f} times the small shop's"
            )
    return results


def _measure(shop: BenchShop, workload: Workload, rounds: int, seconds: float) -> Result:
    print(f"{workload.name} ...", end="", flush=True)
    seen = _rounds(*_sides(shop, workload), rounds, seconds)
    result = seen.result(workload.name, workload.at_least)
    print(f" {result.rps:,.0f}/s, {result.ratio:.2f} of the floor")
    return result


def _rounds(
    ours: Callable[[float], Sample],
    floor: Callable[[float], Sample],
    rounds: int,
    seconds: float,
) -> Rounds:
    ours(1.0), floor(1.0)
    seen = Rounds([], [])
    for number in range(rounds):
        # Who goes first alternates, so that neither always meets the warmer machine.
        order = ((ours, seen.ours), (floor, seen.floor))
        for side, samples in order if number % 2 else reversed(order):
            samples.append(side(seconds))
        print(".", end="", flush=True)
    return seen


def _invalidation(shop: BenchShop) -> Result:
    """How long after a change's COMMIT no process serves the old page; polling is part of it."""
    taken = [seconds * 1000 for seconds in asyncio.run(shop.delays(shop.slugs[0], 50))]
    print(f"{INVALIDATION} ... {statistics.median(taken):.1f} ms")
    return Result(
        name=INVALIDATION,
        rps=0,
        p50_ms=round(statistics.median(taken), 2),
        p99_ms=round(max(taken), 2),
        floor_rps=0,
        ratio=0,
    )


def _across_nodes(shop: BenchShop) -> Result:
    """From a change's COMMIT until the last process of another node is fresh, while one sells.

    Fifty checkouts a second; the ratio is of what is allowed to what 99 of 100 changes took.
    """
    node = shop.sharing_node()
    with selling(shop):
        seconds = sorted(asyncio.run(shop.delays(shop.slugs[0], 100, url=node)))
    p50, p99 = statistics.median(seconds) * 1000, seconds[98] * 1000
    print(f"{ACROSS} ... p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    return Result(
        name=ACROSS,
        rps=0,
        p50_ms=round(p50, 2),
        p99_ms=round(p99, 2),
        floor_rps=0,
        ratio=round(ACROSS_MS / p99, 3),
        at_least=1.0,
    )


def _orders(folder: Path, rounds: int, seconds: float) -> list[Result]:
    """The ratio is of medians: how much longer an answer takes from the large table, upside down."""
    results = []
    for seen in orders_1m(folder, rounds=rounds, seconds=seconds):
        result = Rounds(seen.many, seen.few).result(seen.name, round(1 / WITHIN, 3))
        result.ratio = round(seen.ratio, 3)
        print(
            f"{result.name} ... {result.rps:,.0f}/s, p50 {1 / seen.ratio:.2f} times the small table's"
        )
        results.append(result)
    return results


def _messages(options: argparse.Namespace) -> list[Result]:
    """Facts through RabbitMQ; a second stands for a request, and the latency is of one message."""
    wanted = [name for name in MESSAGES if not options.only or name in options.only]
    if not wanted:
        return []
    folder = reachable_folder(
        Path(tempfile.gettempdir()) / f"commercekit-bench-{secrets.token_hex(4)}"
    )
    folder.mkdir(parents=True)
    results = []
    try:
        with message_bench(folder) as bench:
            for name in wanted:
                print(f"{name} ...", end="", flush=True)
                seen = _rounds(*bench.sides(name), options.rounds, options.seconds)
                results.append(seen.result(name, MESSAGES[name]))
                print(f" {results[-1].rps:,.0f}/s, {results[-1].ratio:.2f} of the floor")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return results


def _broker(options: argparse.Namespace) -> list[Result]:
    """Checkouts with RabbitMQ; the floor is a shop that delivers in process."""
    wanted = [name for name in BROKER if not options.only or name in options.only]
    if not wanted:
        return []
    folder = reachable_folder(
        Path(tempfile.gettempdir()) / f"commercekit-bench-{secrets.token_hex(4)}"
    )
    folder.mkdir(parents=True)
    results = []
    try:
        with broker_bench(folder, products=options.products) as bench:
            for name in wanted:
                print(f"{name} ...", end="", flush=True)
                seen = _rounds(*bench.sides(name), options.rounds, options.seconds)
                result = seen.result(name, BROKER[name])
                if name != SATURATED:
                    ratios = [
                        b.p99_ms / a.p99_ms for a, b in zip(seen.ours, seen.floor, strict=True)
                    ]
                    result.ratio = round(statistics.median(ratios), 3)
                results.append(result)
                print(f" {result.rps:,.0f}/s, p99 {result.p99_ms:.1f} ms, {result.ratio:.2f}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return results


def _guard() -> Result:
    """Microseconds stand where other rows have requests; the ratio is allowed over measured."""
    cost = guard_cost()
    print(f"{GUARD} ... {cost.more:.1f} µs of CPU more than {cost.direct:.1f} µs")
    return Result(
        name=GUARD,
        rps=round(1e6 / cost.guarded, 1),
        p50_ms=round(cost.guarded / 1000, 4),
        p99_ms=0,
        floor_rps=round(1e6 / cost.direct, 1),
        ratio=round(ALLOWED / cost.more, 3),
        at_least=1.0,
    )


def _importing() -> Result:
    """Variants a second, once: it takes minutes, in which what disturbs a moment evens out."""
    done = import_products()
    rate, floor = done.variants / done.seconds, done.variants / done.floor_seconds
    print(f"{IMPORT} ... {rate:,.0f}/s, {done.ratio:.2f} of the floor, {done.peak_mb:,.0f} MB")
    return Result(
        name=IMPORT,
        rps=round(rate, 1),
        p50_ms=0,
        p99_ms=0,
        floor_rps=round(floor, 1),
        ratio=round(done.ratio, 3),
        at_least=0.15,
    )


def _starting(rounds: int) -> Result:
    """Milliseconds of processor time that plugins add to a start; the floor is a start without any."""
    seen = measure_starts(rounds=rounds)
    print(f"{STARTS} ... {seen.extra_ms:+.0f} ms on {statistics.median(seen.bare):,.0f} ms")
    return Result(
        name=STARTS,
        rps=0,
        p50_ms=round(seen.extra_ms, 2),
        p99_ms=round(max(seen.full) - min(seen.bare), 2),
        floor_rps=0,
        ratio=round(ALLOWED_MS / max(seen.extra_ms, 1.0), 3),
        at_least=1.0,
    )


def _anew(workload: OverloadWorkload) -> list[str]:
    """The script's arguments with keys that were not used before."""
    return [workload.arguments[0], new_id().hex]


def _sides(
    shop: BenchShop, workload: Workload
) -> tuple[Callable[[float], Sample], Callable[[float], Sample]]:
    if isinstance(workload, ReadWorkload):
        bare = shop.bare_server(workload.paths)
        return (
            lambda s: drive(shop.url, "get.lua", workload.file, seconds=s),
            lambda s: drive(bare, "get.lua", workload.file, seconds=s),
        )
    if isinstance(workload, SharedWorkload):
        sharing, fetching = shop.sharing_servers(workload.paths)
        return (
            lambda s: drive(sharing, "get.lua", workload.file, seconds=s),
            lambda s: drive(fetching, "get.lua", workload.file, seconds=s),
        )
    if isinstance(workload, ColdWorkload):
        cold = shop.cold_server(workload.kind, workload.names, workload.paths)
        return (
            lambda s: drive(shop.uncached, "get.lua", workload.file, seconds=s),
            lambda s: drive(cold, "get.lua", workload.file, seconds=s),
        )
    if isinstance(workload, DisturbedWorkload):

        def disturbed(seconds: float) -> Sample:
            with workload.disturb():
                return drive(shop.url, "get.lua", workload.file, seconds=seconds)

        return disturbed, lambda s: drive(shop.url, "get.lua", workload.file, seconds=s)
    if isinstance(workload, OverloadWorkload):
        load, crowd = partial(drive, shop.url, "post.lua", workload.file), 3 * CONNECTIONS
        return (
            lambda s: load(*_anew(workload), seconds=s, connections=crowd, may_refuse=True),
            lambda s: load(*_anew(workload), seconds=s),
        )
    if isinstance(workload, NotificationWorkload):
        return workload.run_ours, workload.run_floor
    assert isinstance(workload, WriteWorkload)
    return (
        lambda s: drive(shop.url, "post.lua", workload.file, *workload.arguments(), seconds=s),
        workload.run_floor,
    )


def _machine() -> dict[str, str | int]:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    cores = int(subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout)
    return {
        "cpu": cpu,
        "cores": cores,
        "python": platform.python_version(),
        "granian": version("granian"),
        "litestar": version("litestar"),
    }


def _print(machine: dict[str, str | int], results: list[Result]) -> None:
    print(f"\n{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}\n")
    print("| workload | a second | p50 ms | p99 ms | floor | ratio |")
    print("|---|---|---|---|---|---|")
    for r in results:
        print(
            f"| {r.name} | {r.rps:,.0f} | {r.p50_ms:.1f} | {r.p99_ms:.1f} "
            f"| {r.floor_rps:,.0f} | {r.ratio:.2f} |"
        )


if __name__ == "__main__":
    main()
