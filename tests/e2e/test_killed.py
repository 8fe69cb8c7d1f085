"""Two processes, killed with SIGKILL at each failpoint there is: asked again with the same key, once is once."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import Server, serving
from tests.faults.failpoints import in_the_code, staged
from tests.faults.journeys import (
    JOURNEYS,
    ON_ONE_SHELF,
    PRODUCTS,
    SETTINGS,
    Journey,
    Walker,
    buy_and_receive,
    pause,
    send_money_back,
)

QUICK = ("checkout.placed", "orders.shipment-created", "orders.refund-approved")


async def _walk(server: Server, journeys: Sequence[Journey]) -> None:
    # One connection for each request: a process that was killed takes its connections along.
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=server.url, timeout=30, limits=limits) as client:
        for journey in journeys:
            await journey(Walker(client, server.token, pause))


def _audited(server: Server) -> None:
    audit: subprocess.CompletedProcess[str] = server.audit()
    assert audit.returncode == 0, audit.stdout


@pytest.mark.promise("R1")
@pytest.mark.timeout(400)
def test_killed_at_the_gaps_of_placing_shipping_and_refunding(tmp_path: Path) -> None:
    with serving(SETTINGS, PRODUCTS) as server:
        server.start(",".join(f"{name}=kill-once:{tmp_path}" for name in QUICK))
        asyncio.run(_walk(server, (buy_and_receive, send_money_back)))
        assert {mark.name for mark in tmp_path.iterdir()} == set(QUICK)
        _audited(server)


@pytest.mark.faults
@pytest.mark.promise("R1")
@pytest.mark.timeout(1800)
def test_killed_at_every_failpoint_there_is(tmp_path: Path) -> None:
    with serving(SETTINGS, PRODUCTS) as server:
        server.start(f"*=kill-once:{tmp_path}")
        asyncio.run(_walk(server, JOURNEYS))
        killed = {mark.name for mark in tmp_path.iterdir()}
        assert set(QUICK) <= killed
        known = {*killed, *staged()}
        spared = [name for name in in_the_code() if not any(re.fullmatch(name, k) for k in known)]
        assert spared == []
        _audited(server)


@pytest.mark.faults
@pytest.mark.promise("R1")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("turn", range(3))
def test_killed_anywhere_in_all_journeys_at_once(tmp_path: Path, turn: int) -> None:
    """Several walk at the same time, so that those who are killed are in the middle of other things."""

    async def crowd(server: Server) -> None:
        half = len(JOURNEYS) // 2
        order = (*JOURNEYS[turn % half :], *JOURNEYS[: turn % half])
        # Journeys that read the shelf of one SKU before and after cannot share it.
        together = [journey for journey in order if journey not in ON_ONE_SHELF]
        await asyncio.gather(*(_walk(server, (journey,)) for journey in together * 2))

    with serving(SETTINGS, PRODUCTS) as server:
        server.start(f"*=kill-once:{tmp_path}")
        asyncio.run(crowd(server))
        assert len(list(tmp_path.iterdir())) >= 5
        _audited(server)
