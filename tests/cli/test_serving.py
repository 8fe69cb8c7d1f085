import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from granian.server import Server

from commercekit.cli.place import Place
from commercekit.cli.serving.banner import _TEXTS as BANNER
from commercekit.cli.serving.port import claim_port
from commercekit.cli.serving.processes import Drain, ShopServer
from commercekit.cli.serving.runner import _address
from commercekit.cli.serving.server_file import ServerFile
from commercekit.cli.serving.worker import in_reserve
from commercekit.errors import ConfigurationError


def running(**more) -> ServerFile:
    given = {
        "pid": os.getpid(),
        "started_at": psutil.Process().create_time(),
        "base_url": "http://127.0.0.1:8000",
    }
    return ServerFile(**(given | more))


# -- the file ------------------------------------------------------------------------------------


def test_what_runs_is_remembered_and_readable_by_its_owner_only(tmp_path):
    told = running(token="ck_x", config="/shop/commercekit.toml")
    told.write(tmp_path)
    assert ServerFile.read(tmp_path) == told
    mode = stat.S_IMODE((tmp_path / "run/server.json").stat().st_mode)
    assert mode == 0o600
    assert told.is_alive()


def test_a_pid_that_is_somebody_elses_by_now_is_not_the_shop():
    assert not running(started_at=psutil.Process().create_time() - 60).is_alive()


def test_a_pid_that_is_gone_is_not_the_shop():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not running(pid=child.pid).is_alive()


def test_after_an_orderly_end_no_token_is_left(tmp_path):
    running(token="ck_x", token_id="1").stopped().write(tmp_path)
    left = ServerFile.read(tmp_path)
    assert left is not None
    assert (left.running, left.token, left.token_id) == (False, "", "")
    assert not left.is_alive()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}'])
def test_a_file_that_is_not_legible_is_no_file(tmp_path, content):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/server.json").write_bytes(content)
    assert ServerFile.read(tmp_path) is None


# -- the port ------------------------------------------------------------------------------------


@pytest.fixture
def listener():
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken


def test_a_port_in_use_is_refused_even_when_its_holder_would_share_it(listener):
    port = listener.getsockname()[1]
    with pytest.raises(ConfigurationError, match=rf"Port {port} of 127\.0\.0\.1 cannot be used"):
        claim_port("127.0.0.1", port)


def test_a_dying_holder_is_waited_for(listener):
    port = listener.getsockname()[1]
    listener.close()
    assert claim_port("127.0.0.1", port, patience=1) == port


def test_zero_takes_a_free_port():
    port = claim_port("127.0.0.1", 0)
    assert claim_port("127.0.0.1", port) == port


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("shop.example", "http://shop.example:80"),
    ],
)
def test_a_machine_reaches_itself_wherever_it_listens(host, address):
    assert _address(host, 80) == address


# -- parents -------------------------------------------------------------------------------------


def test_a_server_process_ends_with_the_command_that_was_killed(tmp_path):
    child = textwrap.dedent("""
        import os, time
        from commercekit.cli.serving.parent import die_with
        die_with(os.getppid())
        print(os.getpid(), flush=True)
        time.sleep(60)
    """)
    parent = textwrap.dedent(f"""
        import subprocess, sys, time
        subprocess.Popen([sys.executable, "-c", {child!r}])
        time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        orphan = psutil.Process(int(process.stdout.readline()))
        process.send_signal(signal.SIGKILL)
        process.wait()
        until = time.monotonic() + 10
        while orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < until
            time.sleep(0.02)


# -- taking leave of a balancer ----------------------------------------------------------------


@pytest.fixture
def server(monkeypatch):
    """The parent of server processes, which notes when it would stop them."""
    stopped = threading.Event()
    monkeypatch.setattr(Server, "signal_handler_interrupt", lambda *_: stopped.set())

    def make(drain):
        made = ShopServer("shop:app", interface="asgi", factory=True, drain=drain)
        made.stopped = stopped
        return made

    return make


def test_a_service_that_is_stopped_tells_its_balancer_first(server, tmp_path):
    drain = Drain(tmp_path / "run" / "draining", timedelta(seconds=0.2))
    shop = server(drain)

    shop.signal_handler_interrupt(signal.SIGTERM, None)

    assert drain.sign.exists()
    assert not shop.stopped.is_set()
    assert shop.stopped.wait(5)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_a_draining_shop_at_once(server, tmp_path, second):
    shop = server(Drain(tmp_path / "draining", timedelta(minutes=10)))
    shop.signal_handler_interrupt(signal.SIGTERM, None)
    assert not shop.stopped.is_set()

    shop.signal_handler_interrupt(second, None)

    assert shop.stopped.is_set()


def test_ctrl_c_does_not_drain(server, tmp_path):
    drain = Drain(tmp_path / "draining", timedelta(minutes=10))
    shop = server(drain)

    shop.signal_handler_interrupt(signal.SIGINT, None)

    assert shop.stopped.is_set()
    assert not drain.sign.exists()


@pytest.mark.usefixtures("hangup")
def test_a_terminal_that_is_closed_stops_the_shop_at_once(server, tmp_path):
    drain = Drain(tmp_path / "draining", timedelta(minutes=10))
    shop = server(drain)

    shop.signal_handler_reload(signal.SIGHUP, None)

    assert shop.stopped.is_set()
    assert not shop.reload_signal
    assert not drain.sign.exists()


def test_under_nohup_a_terminal_may_be_closed(server, tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        shop = server(Drain(tmp_path / "draining", timedelta(minutes=10)))
    finally:
        signal.signal(signal.SIGHUP, before)

    shop.signal_handler_reload(signal.SIGHUP, None)

    assert not shop.stopped.is_set()
    assert not shop.reload_signal


def test_without_a_balancer_sigterm_stops_at_once(server, tmp_path):
    drain = Drain(tmp_path / "draining")
    shop = server(drain)

    shop.signal_handler_interrupt(signal.SIGTERM, None)

    assert shop.stopped.is_set()
    assert not drain.sign.exists()


def test_the_sign_of_a_run_that_was_killed_while_it_drained_is_forgotten(tmp_path):
    drain = Drain(tmp_path / "run" / "draining")
    drain.forget()
    drain.begin()
    drain.begin()
    drain.forget()
    assert not drain.sign.exists()


# -- processes that die ---------------------------------------------------------------------------


class Worker:
    """A server process that was not really started."""

    def __init__(self, load):
        self.load, self.birth, self.idx, self.alive, self.started = load, 0.0, 0, False, False
        self.inner = self

    def start(self):
        self.alive = True

    def is_alive(self):
        return self.alive

    def _watch(self):
        self.started = True


@pytest.fixture
def parent(monkeypatch, tmp_path):
    """Of server processes that are only noted down, with its next reserve asked for by hand."""
    monkeypatch.setattr(Server, "_spawn_worker", lambda _self, _idx, _target, load: Worker(load))
    monkeypatch.setattr(Server, "_respawn_workers", lambda *_: None)
    (tmp_path / "reserve").mkdir()
    (tmp_path / "reserve" / "left").touch()
    made = ShopServer("shop:app", interface="asgi", factory=True, reserve=tmp_path / "reserve")
    made.asked = []
    monkeypatch.setattr(made, "keep_a_reserve", made.asked.append)
    return made


def load():
    return "the shop"


def words(parent):
    return {file.name for file in parent._folder.iterdir()}


def test_only_the_reserve_waits_for_a_word_whoever_is_started_with_it(parent):
    assert words(parent) == set(), "what a run left that was killed"
    first = parent._spawn_worker(0, "target", load)
    parent._start_reserve()
    reserve, word = parent._reserve
    assert first.load is load
    assert (reserve.load.func, reserve.load.args) == (in_reserve, (str(word), load))
    assert not [name for name in os.environ if "STANDBY" in name]


def test_a_reserve_that_is_called_keeps_its_word_however_late_it_hears_it(parent):
    parent._spawn_worker(0, "target", load)
    parent._start_reserve()
    called = parent._spawn_worker(1, "target", load)
    assert parent.asked, "another one is asked for"
    called.start()
    word = Path(called.load.args[0])
    assert called.started
    assert called.idx == 1
    parent._start_reserve()
    assert words(parent) == {word.name}
    assert parent._reserve[1] != word


def test_for_a_reserve_that_died_there_is_another_one(parent):
    parent._spawn_worker(0, "target", load)
    parent._start_reserve()
    reserve, word = parent._reserve
    word.with_suffix(".ready").touch()
    reserve.alive = False
    assert parent._spawn_worker(1, "target", load).load is load
    assert len(parent.asked) == 1
    assert words(parent) == set()
    parent._start_reserve()
    assert parent._reserve[0] is not reserve


def test_who_dies_while_others_are_replaced_is_replaced_next(parent):
    parent.wrks = [Worker(load), Worker(load)]
    parent.interrupt_children.append(0)
    dead = list(parent.interrupt_children)
    parent.interrupt_children.append(1)
    parent.interrupt_children.clear()
    parent.main_loop_interrupt.clear()
    parent._respawn_workers(dead, "target", load)
    assert parent.main_loop_interrupt.is_set()
    assert list(parent.interrupt_children) == [1]


def test_a_process_in_reserve_loads_when_its_word_is_there(tmp_path):
    """In a process of its own, as granian has it."""
    word = tmp_path / "word"
    told = textwrap.dedent(f"""
        from commercekit.cli.serving import worker
        worker.in_reserve({str(word)!r}, worker._stand_by)
        print("loaded", flush=True)
    """)
    with subprocess.Popen([sys.executable, "-c", told], stdout=subprocess.PIPE) as process:
        until = time.monotonic() + 30
        while not (tmp_path / "word.ready").exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        assert process.poll() is None
        word.touch()
        assert process.stdout is not None
        assert process.stdout.read() == b"loaded\n"
    assert list(tmp_path.iterdir()) == []


# -- the place -----------------------------------------------------------------------------------


@pytest.fixture
def open_at(at, monkeypatch):
    """In a folder that everybody may enter, unlike pytest's own."""
    monkeypatch.setattr("commercekit.platform.db.embedded.reachable_folder", lambda folder: folder)
    return at


def test_what_is_named_counts_most(at, monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_DATA", "elsewhere")
    place = Place.find(Path("shop.toml"), Path("shop"))
    assert place == Place(at / "shop.toml", at / "shop")
    assert place.environ["COMMERCEKIT_CONFIG"] == str(at / "shop.toml")
    assert place.environ["COMMERCEKIT_DATA"] == str(at / "shop")


def test_then_the_environment_then_this_folder(open_at, monkeypatch):
    at = open_at
    (at / "commercekit.toml").touch()
    assert Place.find(None, None) == Place(at / "commercekit.toml", None)
    monkeypatch.setenv("DATA", "shop")
    monkeypatch.setenv("COMMERCEKIT_CONFIG", "other.toml")
    assert Place.find(None, None) == Place(at / "other.toml", at / "shop")


def test_a_data_folder_remembers_its_settings_file(open_at):
    at = open_at
    running(config=str(at / "far/commercekit.toml")).write(at / ".data")
    assert Place.find(None, None) == Place(at / "far/commercekit.toml", at / ".data")


@pytest.fixture
def closed(monkeypatch):
    """As root in a folder that nobody else may enter."""
    elsewhere = Path("/var/lib/commercekit/closed")
    monkeypatch.setattr(
        "commercekit.platform.db.embedded.reachable_folder", lambda _folder: elsewhere
    )
    return elsewhere


def test_the_default_data_is_where_the_embedded_database_can_reach_it(at, closed):
    assert Place.find(None, None).data == closed


def test_data_that_was_chosen_stays_where_it_is(at, closed, monkeypatch):
    assert Place.find(None, at / ".data").data == at / ".data"
    (at / "commercekit.toml").write_text('data = "chosen"', encoding="utf-8")
    assert Place.find(None, None).data is None


def test_a_shop_with_a_server_of_its_own_stays_too(at, closed, monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_DATABASE__DSN", "postgresql://db/shop")
    assert Place.find(None, None).data is None


def test_where_nothing_is_nothing_is_found(open_at):
    assert Place.find(None, None) == Place(None, None)


def test_the_banner_speaks_both_languages():
    assert all(set(texts) == {"en", "zh"} for texts in BANNER.values())
