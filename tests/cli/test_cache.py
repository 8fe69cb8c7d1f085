"""What an operator types about the cache, and what they read."""

from __future__ import annotations

import asyncio
import json

from commercekit.platform.cache import CacheSettings, cache_of
from commercekit.platform.settings import Secret


def fill(url, prefix, count):
    async def main():
        async with cache_of(CacheSettings(url=Secret(url), prefix=prefix)).running() as cache:
            await cache.set_many({f"k{n}": b"1" for n in range(count)}, seconds=60)

    asyncio.run(main())


def test_the_cache_is_looked_at_and_emptied_of_this_shop_only(commercekit, at, cache_url):
    (at / "commercekit.toml").write_text(f'[cache]\nurl = "{cache_url}"\nprefix = "mine"\n')
    fill(cache_url, "mine", 7)
    fill(cache_url, "theirs", 2)
    code, out, _ = commercekit("cache", "stats", "--json")
    assert code == 0
    assert json.loads(out)["values"] == 7
    assert "used memory" in commercekit("cache", "stats")[1]
    assert commercekit("cache", "clear")[::2] == (0, "7 values forgotten.\n")
    assert json.loads(commercekit("cache", "clear", "--json")[1]) == {"cleared": 0}
    (at / "commercekit.toml").write_text(f'[cache]\nurl = "{cache_url}"\nprefix = "theirs"\n')
    assert json.loads(commercekit("cache", "clear", "--json")[1]) == {"cleared": 2}


def test_a_shop_without_a_server_says_how_to_name_one(commercekit, at):
    code, out, err = commercekit("cache", "stats")
    assert (code, out) == (3, "")
    assert "valkey://" in err


def test_a_server_that_does_not_answer_is_told_apart(commercekit, at):
    (at / "commercekit.toml").write_text('[cache]\nurl = "valkey://:hidden@127.0.0.1:1/0"\n')
    code, _, err = commercekit("cache", "clear")
    assert code == 4
    assert "hidden" not in err
