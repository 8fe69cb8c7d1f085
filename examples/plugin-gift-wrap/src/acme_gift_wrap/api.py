"""The plugin's routes, under ``/plugins/gift-wrap/``."""

from typing import Any

from litestar import MediaType, Request, get, post
from msgspec import Struct

from acme_gift_wrap.desk import Desk, Wrap
from acme_gift_wrap.fields import PAPERS
from commercekit import PluginContext
from commercekit.kernel import parse_accept_language
from commercekit.platform.security import public, requires

__all__ = ["routes"]

_CONSOLE = """\
export default async function draw(place, { fetch }) {
  const wraps = await (await fetch("/plugins/gift-wrap/wraps")).json();
  place.textContent = wraps.map((each) => `${each.number}: ${each.paper}`).join("\\n");
}
"""


class PaperView(Struct, frozen=True):
    """A paper that shoppers can choose."""

    code: str
    name: str


def routes(ctx: PluginContext, desk: Desk) -> list[Any]:
    """For shoppers, for staff, and for the console."""

    @get("/papers", opt=public("shoppers choose here"), summary="Papers to choose from")
    async def papers(request: Request[Any, Any, Any]) -> list[PaperView]:
        languages = parse_accept_language(request.headers.get("accept-language"))
        text = ctx.translations.text
        return [PaperView(code, text(f"paper-{code}", languages)) for code in PAPERS]

    @get("/wraps", guards=[requires("gift-wrap:read")], summary="What is to be wrapped")
    async def wraps() -> list[Wrap]:
        return await desk.waiting()

    @post(
        "/wraps/{number:str}/done",
        guards=[requires("gift-wrap:write")],
        status_code=200,
        summary="It is wrapped",
    )
    async def done(number: str) -> Wrap:
        return await desk.done(number)

    @get(
        "/console.js",
        media_type=MediaType.TEXT,
        include_in_schema=False,
        opt=public("a script without data; what it fetches is guarded"),
    )
    async def console() -> bytes:
        return _CONSOLE.encode()

    return [papers, wraps, done, console]
