"""``several_nodes.py`` as somebody runs it in a terminal: rolled, and stopped without leaving anything behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from commercekit.platform.db.embedded import EmbeddedServer
from commercekit.testing.services import free_ports

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "several-nodes" / "several_nodes.py"
PATIENCE = 240.0
MARK = "COMMERCEKIT_TEST_RUN"
"""In the environment of whatever the example starts, directly or not."""


class Terminal:
    """The command, and everything that it started."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "output"
        self.data = folder / "data"
        self.port = free_ports(1)[0]
        self._mark = uuid4().hex
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(EXAMPLE), "--port", str(self.port), "--data", str(self.data)],
                env={**os.environ, MARK: self._mark},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.1)

    def running(self) -> list[str]:
        """What it started and what still lives, itself left out."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid == self.process.pid or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if process.environ().get(MARK) == self._mark:
                    found.append(" ".join(process.cmdline()) or process.name())
        return found

    def ends(self) -> int:
        """Wait for its end; gives the exit code."""
        return self.process.wait(PATIENCE)

    def leaves_nothing(self) -> bool:
        """Guards remove folders when it is over, which takes them a moment."""
        end = time.monotonic() + 30
        while left := self.running():
            if time.monotonic() > end:
                pytest.fail("\n".join(["still there:", *left]))
            time.sleep(0.1)
        return True

    def kill(self) -> None:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == self._mark:
                    process.kill()
        self.process.wait(PATIENCE)
        EmbeddedServer(self.data).stop()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    folder = Path(tempfile.mkdtemp(prefix="commercekit-example-", dir="/var/tmp"))
    folder.chmod(0o755)
    made = Terminal(folder)
    yield made
    made.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.promise("R31")
def test_it_is_rolled_by_a_signal_and_ctrl_c_leaves_nothing_running(terminal: Terminal) -> None:
    terminal.until(lambda: "Ctrl-C stops it." in terminal.said())
    url = f"http://127.0.0.1:{terminal.port}/store/products"
    assert httpx.get(url, timeout=30).status_code == 200
    everything = " ".join(terminal.running())
    for program in ("postgres", "rabbit", "haproxy", "commercekit worker"):
        assert program in everything, everything

    terminal.process.send_signal(signal.SIGHUP)
    terminal.until(lambda: terminal.said().count(" is new") == 4)
    assert httpx.get(url, timeout=30).status_code == 200

    # As a terminal does: to the whole foreground group, to which only the command belongs.
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.ends() == 0, terminal.said()
    assert "Traceback" not in terminal.said()
    assert terminal.leaves_nothing()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, timeout=5)


def test_ctrl_c_while_it_starts_leaves_nothing_running(terminal: Terminal) -> None:
    terminal.until(lambda: "are up" in terminal.said())
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.ends() == 0, terminal.said()
    assert terminal.leaves_nothing()


def test_ctrl_c_again_and_again_leaves_nothing_running(terminal: Terminal) -> None:
    terminal.until(lambda: "Ctrl-C stops it." in terminal.said())
    end = time.monotonic() + PATIENCE
    while terminal.process.poll() is None:
        assert time.monotonic() < end, terminal.said()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(terminal.process.pid, signal.SIGINT)
        time.sleep(0.1)
    # The last one may come when all is done and Python itself ends.
    assert terminal.ends() in {0, -signal.SIGINT}, terminal.said()
    assert "Traceback" not in terminal.said()
    assert terminal.leaves_nothing()
