from __future__ import annotations

import logging

import pytest

from commercekit.platform.http import PROBLEM_MEDIA_TYPE
from commercekit.platform.http.exceptions import instance_of

STANDARD = {"type", "title", "status", "detail", "instance", "request_id"}


def assert_problem(response, status, slug):
    assert response.status_code == status
    assert response.headers["content-type"] == PROBLEM_MEDIA_TYPE
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert body.keys() >= STANDARD
    assert body["type"] == f"/problems/{slug}"
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    return body


async def test_unknown_address_is_a_problem(client):
    body = assert_problem(await client.get("/store/nothing"), 404, "not-found")
    assert body["instance"] == "/store/nothing"
    assert body["title"] == "Not found"


async def test_title_follows_the_reader(client):
    headers = {"Accept-Language": "zh-CN,en;q=0.5"}
    body = assert_problem(await client.get("/store/nothing", headers=headers), 404, "not-found")
    assert body["title"] == "未找到"


async def test_english_wins_where_it_is_preferred(client):
    headers = {"Accept-Language": "fr, en;q=0.8, zh;q=0.5"}
    assert (await client.get("/store/nothing", headers=headers)).json()["title"] == "Not found"


@pytest.mark.parametrize("method", ["TRACE", "BREW", "DELETE"])
async def test_foreign_method_is_405_and_allow_names_the_possible_ones(client, method):
    response = await client.request(method, "/store/baskets")
    assert_problem(response, 405, "method-not-allowed")
    assert sorted(response.headers["allow"].split(", ")) == ["OPTIONS", "POST"]


async def test_unhandled_error_says_nothing_of_the_inside(client, caplog):
    with caplog.at_level(logging.ERROR):
        response = await client.get("/store/broken")
    body = assert_problem(response, 500, "internal-error")
    assert body["detail"] == "Something went wrong on our side; the request id finds it in our log."
    for word in ("SELECT", "canary", "/srv", "Traceback", "RuntimeError", ".py"):
        assert word not in response.text
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [RuntimeError]


@pytest.mark.parametrize("path", ["away", "refused-connection", "gone", "slow"])
async def test_database_that_is_away_is_503_with_a_time_to_come_back(client, path):
    response = await client.get(f"/store/{path}")
    body = assert_problem(response, 503, "unavailable")
    assert response.headers["retry-after"] == "2"
    assert "127.0.0.1" not in response.text
    assert body["detail"] == "The database does not answer; try again."


async def test_recursion_is_the_clients_fault(client):
    assert_problem(await client.get("/store/deep"), 400, "malformed")


async def test_problem_page_explains_the_type_in_two_languages(client):
    response = await client.get("/problems/not-found")
    assert response.status_code == 200
    assert response.json()["title"] == {"en": "Not found", "zh": "未找到"}
    page = await client.get("/problems/not-found", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "未找到" in page.text


async def test_every_type_has_its_page(client):
    kinds = (await client.get("/problems")).json()
    assert len(kinds) > 20
    for kind in kinds:
        page = await client.get(kind["type"])
        assert page.status_code == 200, kind
        assert page.json()["status"] == kind["status"]


async def test_unknown_type_has_no_page(client):
    assert_problem(await client.get("/problems/no-such-thing"), 404, "not-found")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/a%20b", "/a%20b"),
        ("/100%", "/100%25"),
        ("/%zz/%4", "/%25zz/%254"),
        ("/" + "%C3%A9" * 90, "/" + "%C3%A9" * 83 + "%25"),
    ],
)
def test_instance_is_an_address_even_where_the_path_is_none_or_too_long(path, told):
    assert instance_of({"raw_path": path.encode()}) == told
