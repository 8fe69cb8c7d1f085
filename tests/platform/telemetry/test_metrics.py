import os
import subprocess
import sys
import textwrap
import time

from prometheus_client import CollectorRegistry, generate_latest

from commercekit.platform.providers.health import Tally
from commercekit.platform.telemetry import (
    MetricsRegistry,
    ShopMetrics,
    forget_dead_processes,
    share_metrics,
)

COUNT = textwrap.dedent("""
    import os
    from commercekit.platform.telemetry import ShopMetrics
    metrics = ShopMetrics()
    metrics.stock_oversell_attempts.inc(2)
    metrics.db_pool_in_use.set(3)
    if input() == "die":
        os.kill(os.getpid(), 9)
""")


def test_one_process_answers_for_all_and_forgets_the_dead(tmp_path, monkeypatch):
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "counter_1.db").write_bytes(b"left over")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    share_metrics(folder)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    processes = [
        subprocess.Popen([sys.executable, "-c", COUNT], stdin=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = ""
    while "commercekit_db_pool_in_use 6.0" not in told:  # the test's own time-out ends it
        time.sleep(0.02)
        told = generate_latest(MetricsRegistry()).decode()
    assert "commercekit_stock_oversell_attempts_total 4.0" in told
    processes[0].communicate("die\n", timeout=10)
    forget_dead_processes()
    told = generate_latest(MetricsRegistry()).decode()
    assert "commercekit_db_pool_in_use 3.0" in told
    assert "commercekit_stock_oversell_attempts_total 4.0" in told
    processes[1].communicate("end\n", timeout=10)


def test_a_process_that_has_not_written_yet_is_waited_for_by_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    (tmp_path / "counter_1.db").touch()
    (tmp_path / "gauge_livesum_2.db").symlink_to(tmp_path / "gone")
    assert generate_latest(MetricsRegistry()).decode() == ""


def test_alone_a_process_answers_for_itself(monkeypatch):
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    metrics = ShopMetrics()
    tally = Tally()
    tally.add(0.02)
    metrics.add_calls(("payments", "sandbox", "create", "ok"), tally.by_bound, tally.seconds)
    metrics.queue_depth.labels("jobs").set(7)
    told = generate_latest(metrics.registry).decode()
    assert (
        'commercekit_provider_seconds_count{family="payments",outcome="ok",provider="sandbox",'
        'verb="create"} 1.0' in told
    )
    assert 'commercekit_queue_depth{queue="jobs"} 7.0' in told
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_any_registry_may_be_given():
    registry = CollectorRegistry()
    ShopMetrics(registry).login_fail.inc()
    assert b"commercekit_login_fail_total 1.0" in generate_latest(registry)
