from __future__ import annotations

import pytest

from tests.platform.http.test_problems import assert_problem

ADA = {"Authorization": "Bearer ada"}
BOB = {"Authorization": "Bearer bob"}


async def test_cursor_leads_through_the_whole_list(client):
    seen, query = [], "limit=10"
    for _ in range(3):
        page = (await client.get(f"/admin/letters?{query}", headers=ADA)).json()
        seen += page["items"]
        query = f"limit=10&cursor={page['next_cursor']}"
    assert "".join(seen) == "abcdefghijklmnopqrstuvwxyz"
    assert page["next_cursor"] is None


async def test_limit_may_change_on_the_way(client):
    cursor = (await client.get("/admin/letters?limit=2", headers=ADA)).json()["next_cursor"]
    page = (await client.get(f"/admin/letters?limit=3&cursor={cursor}", headers=ADA)).json()
    assert page["items"] == ["c", "d", "e"]


@pytest.mark.parametrize("edit", ["A" + "B" * 40, "", "%%%", "日本"])
async def test_invented_cursor_is_refused(client, edit):
    response = await client.get("/admin/letters", params={"cursor": edit}, headers=ADA)
    body = assert_problem(response, 400, "validation")
    assert body["errors"][0]["code"] == "invalid-cursor"


async def test_edited_cursor_is_refused(client):
    cursor = (await client.get("/admin/letters?limit=2", headers=ADA)).json()["next_cursor"]
    for position in range(len(cursor) - 1):  # the last character has spare bits
        other = "A" if cursor[position] != "A" else "B"
        edited = cursor[:position] + other + cursor[position + 1 :]
        response = await client.get("/admin/letters", params={"cursor": edited}, headers=ADA)
        assert response.status_code == 400, edited


async def test_cursor_of_another_filter_is_refused(client):
    first = await client.get("/admin/letters?limit=2&vowels=true", headers=ADA)
    cursor = first.json()["next_cursor"]
    response = await client.get(f"/admin/letters?limit=2&cursor={cursor}", headers=ADA)
    assert_problem(response, 400, "validation")


async def test_cursor_of_another_reader_is_refused(client):
    cursor = (await client.get("/admin/letters?limit=2", headers=ADA)).json()["next_cursor"]
    response = await client.get(f"/admin/letters?limit=2&cursor={cursor}", headers=BOB)
    assert_problem(response, 400, "validation")
