"""What each process of a worker runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from commercekit.cli.exits import exit_code_of
from commercekit.cli.serving.parent import die_with
from commercekit.errors import CommerceKitError
from commercekit.platform.telemetry import forget_dead_processes

if TYPE_CHECKING:
    from commercekit.app import Shop

__all__ = ["ALIVE", "HURRY", "READY", "Orders", "work"]

ALIVE: Final = "alive"
"""The folder in which each process leaves signs that its loop runs."""
READY: Final = "ready"
"""The folder in which each process leaves signs that it can work."""
HURRY: Final = signal.SIGUSR1
"""Tells a process to give back what is under way, now."""
_LOOK: Final = 0.2
"""Seconds after which work that another process made is seen."""
_SIGN: Final = 1.0


@dataclass(frozen=True, slots=True)
class Orders:
    """What the processes of one worker have to do."""

    parent: int
    folder: Path
    """Where they leave their signs and count."""
    consumers: bool = True
    jobs: bool = True
    kinds: tuple[str, ...] = ()


def work(orders: Orders) -> None:
    """Do it until SIGTERM; for a process of its own, with the settings that its environment names."""
    for each in (signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # a terminal tells the parent, who tells us
    die_with(orders.parent)
    forget_dead_processes()
    try:
        _work(orders)
    except CommerceKitError as error:
        sys.stderr.write(f"commercekit: {error.detail}\n")
        sys.stderr.flush()
        os._exit(exit_code_of(error))


def _work(orders: Orders) -> None:
    import uvloop

    from commercekit.app import Shop, database_of, load_configuration
    from commercekit.platform.telemetry import configure_logging

    configuration = load_configuration()
    configure_logging(configuration.settings.telemetry)
    with (
        database_of(configuration) as dsn,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_stay(orders, Shop(configuration, dsn, poll=_LOOK)))


async def _stay(orders: Orders, shop: Shop) -> None:
    from commercekit.app import attended
    from commercekit.platform.loops import Loop, running

    stopping = asyncio.Event()

    def stop() -> None:
        stopping.set()
        shop.stop_working()

    def hurry() -> None:
        stopping.set()
        shop.stop_working(now=True)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(HURRY, hurry)
    ready = orders.folder / READY / str(os.getpid())

    async def give_sign() -> bool:
        await shop.ready()
        if not stopping.is_set():
            ready.touch()
        return False

    work_of_this = shop.working(consumers=orders.consumers, jobs=orders.jobs, kinds=orders.kinds)
    alive = orders.folder / ALIVE / str(os.getpid())
    try:
        async with work_of_this, attended(shop, sign=alive):
            async with running([Loop("ready", give_sign, poll=_SIGN)]):
                await stopping.wait()
            _unlink(ready)
            if stopping.is_set():  # a word to stop may have come before there was anything to stop
                shop.stop_working()
    finally:
        _unlink(ready)


def _unlink(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
