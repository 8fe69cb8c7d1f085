"""RabbitMQ and the cache for tests: private, stoppable in every way, and never left behind."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import aio_pika
import aiormq
import psutil
import pytest
import valkey.asyncio
import valkey.exceptions

from commercekit.testing.services import (
    CacheServer,
    MissingPrograms,
    RabbitServer,
    installed_versions,
)
from commercekit.testing.services.process import wait_until

DURABLE = aio_pika.DeliveryMode.PERSISTENT


async def publish(url, queue, body, *, arguments=None):
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await channel.declare_queue(queue, durable=True, arguments=arguments)
        await channel.default_exchange.publish(
            aio_pika.Message(body, delivery_mode=DURABLE), routing_key=queue
        )


async def take(url, queue):
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        declared = await channel.declare_queue(queue, passive=True)
        # A quorum queue elects its leader first when its node has just come up.
        for _ in range(50):
            message = await declared.get(no_ack=True, fail=False)
            if message is not None:
                return message.body
            await asyncio.sleep(0.1)
        return None


async def ping(url):
    client = valkey.asyncio.Valkey.from_url(url, socket_timeout=0.2, socket_connect_timeout=0.2)
    try:
        return await client.ping()
    finally:
        await client.aclose()


def family(pid):
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def nobody_lives(processes):
    return not any(
        each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes
    )


async def test_a_quorum_queue_takes_a_message_in_a_virtual_host_of_the_tests_own(rabbit_url):
    await publish(rabbit_url, "orders", b"placed", arguments={"x-queue-type": "quorum"})

    assert await take(rabbit_url, "orders") == b"placed"


async def test_another_test_sees_nothing_of_it(rabbit_url):
    with pytest.raises(aiormq.ChannelNotFoundEntity):
        await take(rabbit_url, "orders")


async def test_a_virtual_host_is_gone_with_its_queues_when_it_is_deleted(rabbit_server):
    url = rabbit_server.create_vhost("short-lived")
    await publish(url, "orders", b"placed")

    rabbit_server.delete_vhost("short-lived")
    rabbit_server.delete_vhost("short-lived")

    assert rabbit_server.evaluate('rabbit_vhost:exists(<<"short-lived">>).') == "false"
    rabbit_server.create_vhost("short-lived")
    with pytest.raises(aiormq.ChannelNotFoundEntity):
        await take(url, "orders")
    rabbit_server.delete_vhost("short-lived")


def test_a_virtual_host_has_no_name_that_would_be_erlang(rabbit_server):
    with pytest.raises(ValueError, match="letters, digits"):
        rabbit_server.create_vhost('x">>), init:stop().')


def test_an_expression_that_erlang_refuses_is_told(rabbit_server):
    with pytest.raises(RuntimeError, match="could not evaluate no_such_module"):
        rabbit_server.evaluate("no_such_module:nothing().")

    assert rabbit_server.evaluate("1 + 1.") == "2"


async def test_two_rabbitmqs_do_not_meet_and_each_keeps_what_is_durable(rabbit_server):
    with RabbitServer() as server:
        await publish(rabbit_server.url, "theirs", b"1")
        with pytest.raises(aiormq.ChannelNotFoundEntity):
            await take(server.url, "theirs")
        assert server.evaluate("nodes().") == rabbit_server.evaluate("nodes().") == "[]"
        with pytest.raises(aiormq.AMQPConnectionError):
            await aio_pika.connect(server.url.replace(str(server.port), str(rabbit_server.port)))

        await publish(server.url, "orders", b"placed", arguments={"x-queue-type": "quorum"})
        address, processes = server.url, family(server.pid)
        server.settle()

        server.kill()

        assert server.pid is None
        assert nobody_lives(processes)
        with pytest.raises(aiormq.AMQPConnectionError):
            await aio_pika.connect(address)

        server.start()
        assert server.url == address
        assert await take(server.url, "orders") == b"placed"

        await publish(server.url, "orders", b"paid", arguments={"x-queue-type": "quorum"})
        server.restart()
        assert await take(server.url, "orders") == b"paid"
        processes = family(server.pid)
    assert nobody_lives(processes)


async def test_a_paused_rabbitmq_keeps_its_connections_and_answers_nothing(rabbit_server):
    connection = await aio_pika.connect(rabbit_server.url)
    async with connection:
        channel = await connection.channel()
        rabbit_server.pause()
        try:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(channel.declare_queue("later", exclusive=True), 0.3)
        finally:
            rabbit_server.resume()
    connection = await aio_pika.connect(rabbit_server.url)
    await connection.close()


def test_servers_run_as_an_ordinary_user_in_a_folder_of_their_own(rabbit_server, cache_server):
    for server in (rabbit_server, cache_server):
        folder = server._process.folder
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for process in family(server.pid):
            assert process.uids().effective != 0 or os.geteuid() != 0 or process.name() == "sh"
            assert process.uids().effective == folder.stat().st_uid


def test_no_password_stands_in_the_arguments_of_a_process(rabbit_server, cache_server):
    for server in (rabbit_server, cache_server):
        for process in family(server.pid):
            assert server._password not in " ".join(process.cmdline())


def test_servers_listen_on_this_machine_only(rabbit_server, cache_server):
    for server in (rabbit_server, cache_server):
        heard = {
            connection.laddr.ip
            for process in family(server.pid)
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert heard <= {"127.0.0.1", "::1"}


async def test_two_caches_at_once_do_not_meet(cache_server):
    with CacheServer() as other:
        assert other.port != cache_server.port
        one = valkey.asyncio.Valkey.from_url(cache_server.url)
        two = valkey.asyncio.Valkey.from_url(other.url)
        await one.set("price", "1999")
        assert await two.get("price") is None
        await one.aclose()
        await two.aclose()
        # Nor by mistake: each asks for a password of its own.
        wrong = other.url.replace(str(other.port), str(cache_server.port))
        with pytest.raises(valkey.exceptions.AuthenticationError):
            await ping(wrong)


async def test_a_cache_is_found_again_after_kill_and_stop_empty(cache_server):
    with CacheServer() as server:
        client = valkey.asyncio.Valkey.from_url(server.url)
        await client.set("price", "1999")
        address = server.url
        server.kill()
        with pytest.raises(valkey.exceptions.ConnectionError):
            await client.get("price")
        server.start()
        assert server.url == address
        assert await client.get("price") is None
        server.stop()
        server.stop()
        assert server.pid is None
        with pytest.raises(valkey.exceptions.ConnectionError):
            await client.get("price")
        await client.aclose()


async def test_a_paused_cache_lets_callers_wait(cache_server):
    cache_server.pause()
    try:
        with pytest.raises(valkey.exceptions.TimeoutError):
            await ping(cache_server.url)
    finally:
        cache_server.resume()
    assert await ping(cache_server.url) is True


async def test_each_test_has_an_empty_database_of_its_own(cache_server, cache_url):
    client = valkey.asyncio.Valkey.from_url(cache_url)
    assert await client.dbsize() == 0
    await client.set("price", "1999")
    assert cache_url != cache_server.url
    elsewhere = valkey.asyncio.Valkey.from_url(cache_server.url_of(0))
    cache_server.flush(0)
    assert await client.get("price") == b"1999"
    await elsewhere.aclose()
    cache_server.flush()
    assert await client.get("price") is None
    await client.aclose()


def test_starting_twice_is_one_server(cache_server):
    first = cache_server.pid
    cache_server.start()
    assert cache_server.pid == first


def test_a_server_that_was_never_started_has_no_address():
    server = CacheServer()
    try:
        with pytest.raises(RuntimeError, match="start the server"):
            _ = server.url
        server.kill()
        server.stop()
    finally:
        server.close()
        server.close()


def test_a_server_that_cannot_start_says_what_it_said(monkeypatch, tmp_path):
    server = CacheServer()
    try:
        server.databases = -1
        with pytest.raises(RuntimeError, match="ended while it started") as raised:
            server.start()
        assert any("databases" in note for note in raised.value.__notes__)
        assert server.pid is None
    finally:
        server.close()


@pytest.mark.parametrize(
    "server", ["CacheServer", pytest.param("RabbitServer", marks=pytest.mark.slow)]
)
def test_a_parent_killed_at_once_leaves_no_server_and_no_folder_behind(server):
    story = textwrap.dedent(
        f"""
        import time
        from commercekit.testing.services import {server}
        server = {server}()
        server.start()
        server.pause()  # not even a frozen one stays
        print(server.pid, server._process.folder, flush=True)
        time.sleep(100)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", story], stdout=subprocess.PIPE, text=True)
    pid, folder = parent.stdout.readline().split()
    processes = family(int(pid))
    assert Path(folder).is_dir()
    assert not nobody_lives(processes)

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    wait_until(lambda: nobody_lives(processes), 10, "the server outlived its parent")
    wait_until(lambda: not Path(folder).exists(), 10, "the folder outlived its server")


def test_without_the_programs_one_sentence_names_debians_packages(monkeypatch):
    monkeypatch.setattr("commercekit.testing.services.programs._which", lambda name: None)

    with pytest.raises(MissingPrograms, match=r"^RabbitMQ is not installed: .*rabbitmq-server"):
        RabbitServer()
    with pytest.raises(MissingPrograms, match=r"^neither Valkey nor Redis .*redis-server"):
        CacheServer()
    assert installed_versions() == []


def test_valkey_comes_before_redis(tmp_path, monkeypatch):
    for name in ("valkey-server", "redis-server"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name} v=8.1.3 sha=0"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert "Valkey 8.1.3" in installed_versions()


def test_only_what_rabbitmq_needs_lies_on_its_path(rabbit_server):
    """With all its plugins there, which nobody enabled, it takes twice the time to start."""
    libraries = {
        path.name.rpartition("-")[0]
        for path in (rabbit_server._process.folder / "home" / "plugins").iterdir()
    }
    assert {"rabbit", "rabbit_common", "rabbitmq_prelaunch", "ra", "osiris"} <= libraries
    assert "rabbitmq_management" not in libraries
