"""A small application with one handler for each of the web's manners."""

import sys
from typing import Annotated, Any

import asyncpg
from litestar import Request, Response, delete, get, post, put
from msgspec import Meta, Struct

from commercekit.errors import Conflict, Malformed, Unavailable, Unprocessable
from commercekit.kernel import Page
from commercekit.platform.http import (
    FORM_PAGE,
    Answer,
    Cursors,
    HttpSettings,
    Idempotency,
    IdempotentRun,
    Input,
    PageCursor,
    PageLimit,
    build_litestar,
    etag_of,
    idempotent,
    page_answer,
    page_request,
    require_match,
)
from commercekit.platform.security import Principal, requires

LETTERS = [chr(number) for number in range(ord("a"), ord("z") + 1)]
TOKENS = {
    "ada": Principal(id="ada", scopes=frozenset({"things:*"})),
    "bob": Principal(id="bob", scopes=frozenset({"things:read", "money:write"})),
}


class Line(Input):
    sku: Annotated[str, Meta(min_length=1, max_length=20)]
    quantity: Annotated[int, Meta(ge=1, le=999)]


class Basket(Input):
    lines: Annotated[list[Line], Meta(min_length=1)]
    note: str = ""


class Pay(Input):
    amount: int
    outcome: str = "done"


class Receipt(Struct, frozen=True):
    id: str
    amount: int


class Ledger:
    """Counts what was really done."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.runs: list[IdempotentRun] = []
        self.gate: Any = None
        self.step: Any = None


@post("/store/baskets")
async def make_basket(data: Basket) -> Basket:
    return data


@get("/admin/letters", guards=[requires("things:read")])
async def list_letters(
    request: Request[Any, Any, Any],
    limit: PageLimit = 20,
    cursor: PageCursor = None,
    vowels: bool = False,
) -> Page[str]:
    page = page_request(request, limit, cursor)
    found = [
        letter
        for letter in LETTERS
        if (not vowels or letter in "aeiou") and (page.after is None or letter > page.after[0])
    ]
    items = found[: page.limit]
    return page_answer(request, items, (items[-1],) if len(found) > page.limit else None, None)


@get("/admin/things", guards=[requires("things:read")])
async def read_thing() -> Response[dict[str, int]]:
    return Response(content={"size": 3}, headers={"ETag": etag_of(7)})


@put("/admin/things", guards=[requires("things:write")])
async def change_thing(request: Request[Any, Any, Any], data: Line, ledger: Ledger) -> Line:
    require_match(request, 7)
    ledger.done.append("change")
    return data


@delete("/admin/things", guards=[requires("things:write")])
async def remove_thing(ledger: Ledger) -> None:
    ledger.done.append("remove")


@post("/store/payments")
async def pay(request: Request[Any, Any, Any], data: Pay, ledger: Ledger) -> Response[Receipt]:
    async def work(run: IdempotentRun) -> Answer:
        ledger.runs.append(run)
        if ledger.gate is not None:
            await ledger.gate(run)
        if data.outcome == "refused":
            raise Conflict("not in this state")
        if data.outcome == "unprocessable":
            raise Unprocessable("not with these values")
        if data.outcome == "malformed":
            raise Malformed("looks wrong")
        if data.outcome == "away":
            raise Unavailable("not now")
        if data.outcome == "broken":
            raise RuntimeError("boom")
        ledger.done.append(str(run.id))
        return Answer(201, Receipt(str(run.id), data.amount), headers={"Location": f"/{run.id}"})

    return await idempotent(request, scope="payments", work=work)


@get("/store/broken")
async def broken() -> None:
    secret = "SELECT canary FROM /srv/secret"
    raise RuntimeError(secret)


@get("/store/away")
async def away() -> None:
    raise asyncpg.CannotConnectNowError("the database system is starting up")


@get("/store/refused-connection")
async def refused_connection() -> None:
    raise ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 5432)")


@get("/store/gone")
async def gone() -> None:
    raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


@get("/store/slow")
async def slow() -> None:
    raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")


@get("/store/deep")
async def deep() -> int:
    def down(level: int) -> int:
        return down(level + 1) if level < sys.getrecursionlimit() * 2 else level

    return down(0)


@post("/plugins/acme/page", opt=FORM_PAGE)
async def page(request: Request[Any, Any, Any]) -> bytes:
    return await request.body()


async def authenticate(token: str) -> Principal | None:
    return TOKENS.get(token)


def sample(
    ledger: Ledger | None = None,
    *,
    idempotency: Idempotency | None = None,
    settings: HttpSettings | None = None,
    **more: Any,
) -> Any:
    return build_litestar(
        controllers=[
            make_basket,
            list_letters,
            read_thing,
            change_thing,
            remove_thing,
            pay,
            broken,
            away,
            refused_connection,
            gone,
            slow,
            deep,
            page,
        ],
        dependencies={"ledger": ledger or Ledger()},
        authenticator=authenticate,
        idempotency=idempotency,
        cursors=Cursors(b"k" * 32),
        settings=settings,
        **more,
    )
