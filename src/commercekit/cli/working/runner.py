"""From a settings file to a worker that works, and back to order when it ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from commercekit.cli.output import say
from commercekit.cli.place import Place
from commercekit.cli.serving.port import claim_port
from commercekit.cli.serving.server_file import run_folder
from commercekit.cli.shop import configuration_of, database_at, run_async, upgraded
from commercekit.cli.working.crew import Crew, folder_of_run
from commercekit.cli.working.member import ALIVE, Orders
from commercekit.platform.telemetry import share_metrics

if TYPE_CHECKING:
    from pathlib import Path

    from commercekit.app import ShopConfiguration

__all__ = ["Working", "work_until_told"]

_SAFE_MODE: Final = "COMMERCEKIT_PLUGINS__SAFE_MODE"
_TEXTS: Final = {
    "both": {"en": "facts and jobs", "zh": "事件与任务"},
    "consumers": {"en": "facts", "zh": "事件"},
    "jobs": {"en": "jobs", "zh": "任务"},
    "working": {
        "en": "The worker runs: {what}, processes: {count}. Ctrl-C stops it.",
        "zh": "后台进程已启动：处理{what}，进程数 {count}。按 Ctrl-C 停止。",
    },
    "signs": {
        "en": "Health: {address}/readyz   {address}/metrics",
        "zh": "健康检查：{address}/readyz   {address}/metrics",
    },
    "stopped": {"en": "The worker stopped.", "zh": "后台进程已停止。"},
}


@dataclass(frozen=True, slots=True)
class Working:
    """How to work."""

    place: Place
    lang: str
    processes: int | None = None
    only: str | None = None
    """``consumers`` or ``jobs``; both without it."""
    kinds: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int | None = None
    safe_mode: bool = False


def work_until_told(wanted: Working) -> int:
    """Work until a signal ends it; gives the exit code."""
    os.environ.update(wanted.place.environ)
    if wanted.safe_mode:
        os.environ[_SAFE_MODE] = "true"  # the processes have to start so, too
    configuration = configuration_of(wanted.place)
    port = None if wanted.port is None else claim_port(wanted.host, wanted.port)
    with database_at(configuration) as dsn:
        run_async(upgraded(configuration, dsn, lambda _step: None))
        with _folder(configuration) as folder:
            return _work(wanted, configuration, folder, port)


@contextlib.contextmanager
def _folder(configuration: ShopConfiguration) -> Iterator[Path]:
    folder = folder_of_run(run_folder(configuration.data))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _work(wanted: Working, configuration: ShopConfiguration, folder: Path, port: int | None) -> int:
    from commercekit.cli.serving.processes import end_the_stuck
    from commercekit.cli.working.signs import showing

    settings = configuration.settings
    share_metrics(folder / "metrics")
    end_the_stuck(folder / ALIVE, settings.telemetry.stuck_after)
    processes = wanted.processes or settings.jobs.processes
    address: list[str] = []

    def on_ready() -> None:
        what = _TEXTS[wanted.only or "both"][wanted.lang]
        say(_TEXTS["working"][wanted.lang].format(count=processes, what=what))
        for each in address:
            say(_TEXTS["signs"][wanted.lang].format(address=each))
        sys.stderr.flush()

    crew = Crew(
        orders=Orders(
            parent=os.getpid(),
            folder=folder,
            consumers=wanted.only != "jobs",
            jobs=wanted.only != "consumers",
            kinds=wanted.kinds,
        ),
        count=processes,
        grace=settings.jobs.grace,
        on_ready=on_ready,
    )
    with contextlib.ExitStack() as stack:
        if port is not None:
            address.append(stack.enter_context(showing(wanted.host, port, crew.health)))
        code = crew.run()
    say(_TEXTS["stopped"][wanted.lang])
    return code
