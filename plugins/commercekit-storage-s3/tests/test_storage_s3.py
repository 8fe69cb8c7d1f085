"""Pictures lie in a bucket, whole or not at all, whatever the vendor does meanwhile."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from commercekit.app import Shop, load_configuration
from commercekit.catalog import CatalogService
from commercekit.errors import ConfigurationError, Malformed, Unavailable
from commercekit.platform.plugins import ProviderNotFound
from commercekit.platform.settings import Secret
from commercekit.platform.storage import FolderStorage
from commercekit.testing import core_piccolo_apps
from commercekit_storage_s3.settings import Settings
from commercekit_storage_s3.storage import S3Storage

SECRET = "a-secret-nobody-may-see"


def storage(url, **changes):
    given = {
        "bucket": "pictures",
        "endpoint": url,
        "access_key": "test",
        "secret_key": Secret(SECRET),
        "timeout": timedelta(seconds=2),
    }
    return S3Storage(Settings(**{**given, **changes}))


@pytest.fixture(params=["s3", "folder"])
def either(request, tmp_path, s3):
    """The bucket and the folder keep the same promises."""
    return storage(s3.url) if request.param == "s3" else FolderStorage(tmp_path)


async def test_what_is_put_is_there_until_deleted(either):
    assert await either.get("ab-1.webp") is None
    await either.put("ab-1.webp", b"one")
    await either.put("ab-1.webp", b"one")
    assert await either.get("ab-1.webp") == b"one"
    await either.put("ab-2.jpg", b"")
    assert await either.get("ab-2.jpg") == b""
    await either.delete("ab-1.webp")
    await either.delete("ab-1.webp")
    assert await either.get("ab-1.webp") is None
    assert await either.get("ab-2.jpg") == b""


@pytest.mark.parametrize(
    "name",
    ["../x.webp", "a/b.webp", "..", "a\x00.webp", "A.webp", ".webp", "a.webp\n", "", "%2e%2e.w/x"],
)
async def test_no_name_leads_elsewhere(either, s3, name):
    with pytest.raises(Malformed):
        await either.put(name, b"x")
    with pytest.raises(Malformed):
        await either.delete(name)
    assert await either.get(name) is None
    assert s3.names() == []


async def test_many_at_once_are_kept_apart(either):
    names = [f"ab-{number}.webp" for number in range(20)]
    await asyncio.gather(*(either.put(name, name.encode() * 1000) for name in names))
    found = await asyncio.gather(*(either.get(name) for name in names))
    assert found == [name.encode() * 1000 for name in names]


async def test_objects_have_type_prefix_and_a_year_to_keep(s3):
    await storage(s3.url, prefix="shops/one").put("ab-1.webp", b"x" * 300_000)
    assert s3.names() == ["shops/one/ab-1.webp"]
    seen = s3.read("shops/one/ab-1.webp")
    assert (seen.headers["content-type"], len(seen.content)) == ("image/webp", 300_000)
    assert seen.headers["cache-control"] == "public, max-age=31536000, immutable"
    other = storage(s3.url, prefix="shops/two")
    assert await other.get("ab-1.webp") is None
    await other.delete("ab-1.webp")
    assert s3.names() == ["shops/one/ab-1.webp"]


@pytest.mark.parametrize("fate", ["503", "drop"])
async def test_what_fails_for_a_moment_is_tried_again(road, s3, fate):
    far = storage(road.url)
    road.script = [fate, fate]
    await far.put("ab-1.webp", b"one")
    assert road.seen == [f"PUT {fate}", f"PUT {fate}", "PUT pass"]
    road.script = [fate]
    assert await far.get("ab-1.webp") == b"one"
    road.script = [fate]
    await far.delete("ab-1.webp")
    assert s3.names() == []


async def test_a_put_whose_answer_is_lost_is_put_again_and_is_there_once(road, s3):
    far = storage(road.url)
    road.script = ["unheard"]
    await far.put("ab-1.webp", b"one")
    assert road.seen == ["PUT unheard", "PUT pass"]
    assert s3.names() == ["ab-1.webp"]
    assert s3.read("ab-1.webp").content == b"one"


async def test_what_keeps_failing_is_unavailable_and_nothing_is_there(road, s3):
    far = storage(road.url, retries=2)
    road.script = ["503"] * 3
    with pytest.raises(Unavailable, match="does not answer") as refused:
        await far.put("ab-1.webp", b"one")
    assert refused.value.slug == Unavailable.slug
    assert road.seen == ["PUT 503"] * 3
    assert s3.names() == []
    road.script = ["503"] * 3
    with pytest.raises(Unavailable):
        await far.get("ab-1.webp")
    await far.put("ab-1.webp", b"one")
    assert await far.get("ab-1.webp") == b"one"


async def test_an_answer_that_takes_too_long_is_unavailable(road):
    far = storage(road.url, retries=0, timeout=timedelta(seconds=0.2))
    road.script = ["slow"]
    with pytest.raises(Unavailable):
        await far.put("ab-1.webp", b"one")


async def test_nobody_at_the_address_is_unavailable(road):
    far = storage("http://127.0.0.1:9", retries=1)
    for asked in (far.put("ab-1.webp", b"x"), far.get("ab-1.webp"), far.delete("ab-1.webp")):
        with pytest.raises(Unavailable):
            await asked


async def test_a_missing_bucket_is_said_when_something_is_put(s3):
    nowhere = storage(s3.url, bucket="nowhere")
    with pytest.raises(Unavailable, match="bucket"):
        await nowhere.put("ab-1.webp", b"x")


async def test_no_message_tells_the_key(road):
    road.script = ["503"] * 9
    with pytest.raises(Unavailable) as refused:
        await storage(road.url, retries=0).put("ab-1.webp", b"x")
    assert SECRET not in repr(refused.value) + str(refused.value) + repr(refused.value.extra)
    assert SECRET not in repr(Settings(secret_key=Secret(SECRET)))


# ------------------------------------------------------------------------------ under the catalogue


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("catalog")


def picture():
    out = io.BytesIO()
    Image.effect_noise((400, 300), 50).convert("RGB").save(out, "PNG")
    return out.getvalue()


async def test_an_upload_lies_in_the_bucket_in_all_sizes_and_goes_with_its_row(database, clock, s3):
    catalog = CatalogService(database, clock, storage(s3.url))
    media, new = await catalog.media.upload(picture(), "a.png")
    assert new
    assert len(s3.names()) == 2 * len(media.sizes) == 4
    await catalog.media.remove(media.id)
    assert s3.names() == []


async def test_an_upload_that_breaks_off_in_the_middle_is_never_shown_and_is_swept(
    database, clock, s3, road
):
    far = storage(road.url, retries=0)
    catalog = CatalogService(database, clock, far)
    road.script = ["pass", "pass", "503"]
    with pytest.raises(Unavailable):
        await catalog.media.upload(picture(), "a.png")
    assert len(s3.names()) == 2
    assert await catalog.media.page() == []
    clock.advance(timedelta(days=2))
    assert await catalog.media.sweep() == 1
    assert s3.names() == []
    media, new = await catalog.media.upload(picture(), "a.png")
    assert (new, len(s3.names())) == (True, 4)
    assert (await catalog.media.get(media.id)).id == media.id


async def test_a_removal_that_fails_is_made_up_for(database, clock, s3, road):
    catalog = CatalogService(database, clock, storage(road.url, retries=0))
    media, _ = await catalog.media.upload(picture(), "a.png")
    road.script = ["pass", "503"]
    with pytest.raises(Unavailable):
        await catalog.media.remove(media.id)
    assert 0 < len(s3.names()) < 4
    clock.advance(timedelta(days=2))
    assert await catalog.media.sweep() == 1
    assert s3.names() == []


# --------------------------------------------------------------------------------- in the settings


def configured(tmp_path: Path, text: str):
    file = tmp_path / "commercekit.toml"
    file.write_text(text, encoding="utf-8")
    return load_configuration(file, {"COMMERCEKIT_DATA": str(tmp_path / "data")})


def test_the_settings_choose_the_place(tmp_path, s3):
    chosen = configured(
        tmp_path,
        f'[media]\nstorage = "s3"\n[plugins.storage-s3]\nbucket = "pictures"\nendpoint = "{s3.url}"\n',
    )
    assert Shop(chosen, "postgresql://nowhere/x").storage.code == "s3"
    plain = configured(tmp_path, f'[plugins.storage-s3]\nbucket = "b"\nendpoint = "{s3.url}"\n')
    assert isinstance(Shop(plain, "postgresql://nowhere/x").storage, FolderStorage)


@pytest.mark.parametrize("text", ['[media]\nstorage = "s3"\n', '[media]\nstorage = "tape"\n'])
def test_a_place_that_nobody_offers_stops_the_start(tmp_path, text):
    with pytest.raises(ProviderNotFound, match="media storage"):
        Shop(configured(tmp_path, text), "postgresql://nowhere/x")


@pytest.mark.parametrize(
    "text", ['endpoint = "ftp://x"', 'prefix = "../up"', "retries = 99", 'bukcet = "b"']
)
def test_settings_that_make_no_sense_stop_the_start(tmp_path, text):
    with pytest.raises(ConfigurationError):
        configured(tmp_path, f'[plugins.storage-s3]\nbucket = "b"\n{text}\n')
