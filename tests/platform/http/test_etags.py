from __future__ import annotations

import pytest

from tests.platform.http.conftest import client_of
from tests.platform.http.sample import Ledger, sample
from tests.platform.http.test_problems import assert_problem

ADA = {"Authorization": "Bearer ada"}
LINE = {"sku": "A", "quantity": 1}


async def put(ledger, **headers):
    async with client_of(sample(ledger)) as client:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.put("/admin/things", json=LINE, headers=ADA | headers)


async def test_change_without_if_match_is_428():
    ledger = Ledger()
    assert_problem(await put(ledger), 428, "precondition-required")
    assert ledger.done == []


@pytest.mark.parametrize("tag", ['"6"', 'W/"7"', "7", '"6", "8"', ""])
async def test_change_of_another_version_is_412(tag):
    ledger = Ledger()
    body = assert_problem(await put(ledger, If_Match=tag), 412, "precondition-failed")
    assert body["current"] == '"7"'
    assert ledger.done == []


@pytest.mark.parametrize("tag", ['"7"', '"6", "7"', "*"])
async def test_change_of_the_version_that_was_read_is_done(tag):
    ledger = Ledger()
    assert (await put(ledger, If_Match=tag)).status_code == 200
    assert ledger.done == ["change"]
