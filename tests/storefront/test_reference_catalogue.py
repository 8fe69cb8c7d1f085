"""The catalogue of the reference store comes in whole, in two languages, with its pictures."""

from __future__ import annotations

from pathlib import Path

STORE = Path(__file__).parents[2] / "examples" / "reference-store"


async def test_the_reference_catalogue_comes_in_whole(shop, store):
    text = (STORE / "products.csv").read_text(encoding="utf-8")
    report = await shop.load(text)
    assert (report.errors, report.warnings, report.ignored_columns) == (
        [],
        [],
        ["Variant Fulfillment Service"],
    )
    assert (report.created, report.variants) == (40, 97)
    again = await shop.load(text)
    assert (again.unchanged, again.failed) == (40, 0)

    chinese = {"accept-language": "zh"}
    page = (await store.get("/store/products?limit=100", headers=chinese)).json()
    assert page["total"] == 40
    assert all(item["image_url"].startswith("/media/") for item in page["items"])
    assert all(any(ord(letter) > 0x4E00 for letter in item["name"]) for item in page["items"])
    for item in page["items"]:
        detail = (await store.get(f"/store/products/{item['slug']}")).json()
        assert detail["name"].isascii()
        for image in detail["images"]:
            assert (STORE / image["url"].removeprefix("/")).is_file(), image["url"]
        assert {image["url"] for image in detail["images"]} >= {
            variant["image_url"] for variant in detail["variants"]
        }
    tree = (await store.get("/store/categories")).json()["items"]
    assert {entry["slug"]: entry["product_count"] for entry in tree} == {
        "tea": 8,
        "teaware": 8,
        "textiles": 8,
        "stationery": 9,
        "lighting": 7,
    }
    assert len((await store.get("/store/brands")).json()["items"]) == 5


def test_the_pictures_are_small_and_all_used():
    drawn = sorted((STORE / "media").iterdir())
    named = (STORE / "products.csv").read_text(encoding="utf-8")
    assert all(f"/media/{path.name}" in named for path in drawn)
    assert sum(path.stat().st_size for path in drawn) < 2_000_000
