"""Another process of the shop: reads pages through a lane of its own, as it is told on standard input."""

from __future__ import annotations

import asyncio
import json
import sys

from commercekit.kernel import SystemClock
from commercekit.platform.bus import Broadcast
from commercekit.platform.db import Database
from commercekit.storefront import CHANNEL
from tests.storefront.conftest import Shop, client


async def main(dsn):
    """Answer each line, a path, with status and body as JSON; an empty line ends it."""
    db = Database(dsn, clock=SystemClock())
    await db.open()
    shop = Shop(db, db.clock)
    broadcast = Broadcast(db)
    broadcast.listen(CHANNEL, shop.freshness.heard, on_gap=shop.freshness.forget_all)
    async with broadcast.running(), client(shop.lane) as web:
        await broadcast.wait_until_listening()
        say({"ready": True})
        while path := (await asyncio.to_thread(sys.stdin.readline)).strip():
            answer = await web.get(path)
            say({"status": answer.status_code, "hits": shop.lane.counts.hits, "body": answer.text})
    await db.close()


def say(what):
    """One line, at once."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
