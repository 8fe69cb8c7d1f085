"""Uploads: the hostile list over HTTP, what products show, and what goes when nothing shows it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import httpx
import pytest
import pytest_asyncio
from PIL import Image

from commercekit.catalog import (
    BrandChange,
    CatalogService,
    MediaInUse,
    MediaNotFound,
    NewBrand,
    NewImage,
    NewProduct,
    NewVariant,
    ProductChange,
    ProductRefused,
    VariantChange,
)
from commercekit.catalog.api import controllers
from commercekit.catalog.piccolo_app import APP_CONFIG
from commercekit.catalog.service.media import clean_filename
from commercekit.errors import Unavailable
from commercekit.kernel import new_id
from commercekit.platform.db import schema_drift
from commercekit.platform.http import Cursors, build_litestar
from commercekit.platform.security import Principal
from commercekit.platform.storage import FolderStorage
from commercekit.web import picture_routes


@pytest.fixture
def storage(tmp_path):
    return FolderStorage(tmp_path / "pictures")


@pytest.fixture
def catalog(database, clock, told, storage):
    return CatalogService(database, clock, storage)


@pytest_asyncio.fixture
async def client(catalog, storage):
    tokens = {
        "writer": Principal(id="w", scopes=frozenset({"catalog:*"})),
        "reader": Principal(id="r", scopes=frozenset({"catalog:read"})),
    }

    async def authenticate(token):
        return tokens.get(token)

    app = build_litestar(
        controllers=[*controllers, *picture_routes(storage)],
        dependencies={"bulk": None, "catalog": catalog, "exports": None},
        authenticator=authenticate,
        cursors=Cursors(b"k" * 32),
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://shop.example",
        headers={"authorization": "Bearer writer"},
    ) as client:
        yield client


def picture(kind="PNG", size=(600, 300), colour=(200, 30, 40), **options):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **options)
    return out.getvalue()


def files_of(storage):
    return sorted(p.name for p in storage._folder.rglob("*") if p.is_file())


async def send(client, content, name="cat.png", kind="image/png", **options):
    return await client.post("/admin/media", files={"file": (name, content, kind)}, **options)


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("x.png", b"\0" * 1000)
    return out.getvalue().replace(struct.pack("<I", 1000), struct.pack("<I", 4_000_000_000))


def huge():
    shape = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", shape), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


async def test_an_upload_is_served_in_its_sizes_for_ever(client, storage):
    answer = await send(client, picture())
    assert answer.status_code == 201, answer.text
    media = answer.json()
    assert answer.headers["location"] == f"/admin/media/{media['id']}"
    assert (media["width"], media["height"], media["media_type"]) == (600, 300, "image/png")
    assert (media["filename"], media["uploaded_by"]) == ("cat.png", "w")
    assert [(s["width"], s["height"]) for s in media["sizes"]] == [
        (160, 80),
        (480, 240),
        (600, 300),
    ]
    assert len(files_of(storage)) == 6
    async with httpx.AsyncClient(
        transport=client._transport, base_url="http://shop.example"
    ) as any_:
        for size in media["sizes"]:
            for address, kind in ((size["webp"], "image/webp"), (size["jpeg"], "image/jpeg")):
                served = await any_.get(address)
                assert served.status_code == 200
                assert served.headers["content-type"] == kind
                assert served.headers["cache-control"] == "public, max-age=31536000, immutable"
                assert served.headers["x-content-type-options"] == "nosniff"
                assert "sandbox" in served.headers["content-security-policy"]
                assert Image.open(io.BytesIO(served.content)).size == (
                    size["width"],
                    size["height"],
                )
        again = await any_.get(address, headers={"if-none-match": served.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert (await client.get(f"/admin/media/{media['id']}")).json() == media
    assert (await client.get("/admin/media?unused=true")).json()["items"] == [media]


async def test_the_same_picture_is_kept_once(client, storage):
    first = await send(client, picture())
    again = await send(client, picture() + b"other tail", name="dog.png")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert len(files_of(storage)) == 6


@pytest.mark.parametrize(
    ("content", "status", "slug"),
    [
        (b"<?php system($_GET['c']); ?>", 415, "no-picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", 415, "no-picture"),
        (huge(), 413, "file-too-large"),
        (bomb(), 413, "file-too-large"),
        (b"", 400, "empty-file"),
        (picture()[:100], 415, "no-picture"),
        (b"x" * (10 * 1024 * 1024 + 1), 413, "file-too-large"),
        (b"x" * (11 * 1024 * 1024), 413, None),
    ],
    ids=["php", "svg", "50000", "zip-bomb", "empty", "cut", "a-byte-more", "far-more"],
)
async def test_what_is_no_picture_stays_out(client, storage, database, content, status, slug):
    answer = await send(client, content)
    assert answer.status_code == status, answer.text
    if slug:
        assert answer.json()["type"] == f"/problems/{slug}"
    assert await database.fetchval("SELECT count(*) FROM catalog_media") == 0
    assert files_of(storage) == []


async def test_a_polyglot_and_a_place_come_out_clean(client, storage):
    exif = Image.Exif()
    exif[0x010E] = "SECRET"
    exif.get_ifd(0x8825)[1] = "N"
    sent = picture("JPEG", exif=exif) + b"*/alert(1)//"
    assert (await send(client, sent, "x.gif", "image/gif")).status_code == 201
    assert (
        await send(client, picture("GIF", colour="green") + b"/*=alert(1)*/")
    ).status_code == 201
    for path in storage._folder.rglob("*"):
        if path.is_file():
            assert b"alert" not in path.read_bytes()
            assert b"SECRET" not in path.read_bytes()
            with Image.open(path) as image:
                assert dict(image.getexif()) == {}


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\x.png", "x.png"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\nb\r.png", "ab.png"),
        ("a\x00b.png", "ab.png"),
        ("<script>.png", "script.png"),
        ("猫 1.png", "猫 1.png"),
        ("x" * 300, "x" * 100),
        ("...", ""),
    ],
)
async def test_a_name_is_only_to_recognise_it_by(client, storage, name, kept):
    assert clean_filename(name) == kept
    answer = await send(client, picture(), name=name.replace("\x00", "") or "x")
    if answer.status_code == 201:  # some names cannot even be written into a form
        assert answer.json()["filename"] == clean_filename(answer.json()["filename"])
    assert all(name.count("-") == 2 for name in files_of(storage))


async def test_the_form_holds_one_file(client, database):
    png = ("a.png", picture(), "image/png")
    wrong = [
        (await client.post("/admin/media", json={"file": "x"}), 415),
        (await client.post("/admin/media", content=picture()), 415),
        (await client.post("/admin/media", files={"a": png, "b": png}), 400),
        (await client.post("/admin/media", files={"a": png}, data={"x": "y"}), 400),
        (await client.post("/admin/media", files={"a": (None, "text")}), 400),
        (
            await client.post(
                "/admin/media",
                content=b"garbage",
                headers={"content-type": "multipart/form-data; boundary=x"},
            ),
            400,
        ),
        (
            await client.post(
                "/admin/media", content=b"x", headers={"content-type": "multipart/form-data"}
            ),
            400,
        ),
    ]
    assert [answer.status_code for answer, _ in wrong] == [status for _, status in wrong]
    assert await database.fetchval("SELECT count(*) FROM catalog_media") == 0


async def test_only_writers_upload_and_remove(client, catalog):
    media, _ = await catalog.media.upload(picture())
    for token, status in (("reader", 403), ("nobody", 401)):
        headers = {"authorization": f"Bearer {token}"}
        refused = await send(client, picture(colour="blue"), headers=headers)
        assert refused.status_code == status
        gone = await client.delete(f"/admin/media/{media.id}", headers=headers)
        assert gone.status_code == status
    assert [each.id for each in await catalog.media.page()] == [media.id]


@pytest.mark.parametrize(
    "path",
    [
        "x.webp",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e%2fpasswd",
        "..;/passwd",
        "../../etc/passwd",
        "0" * 32 + "-00000000-160.webp",
        "0" * 32 + "-00000000-160.svg",
        "0" * 32 + "-00000000-160.webp%0a",
    ],
)
async def test_no_address_leads_elsewhere(client, path):
    assert (await client.get(f"/media/pictures/{path}")).status_code == 404


async def test_head_of_a_picture_answers_like_get_without_it(client, catalog):
    media, _ = await catalog.media.upload(picture())
    whole, asked = await client.get(media.url), await client.head(media.url)
    assert (whole.status_code, asked.status_code) == (200, 200)
    assert asked.content == b""
    for name in ("content-length", "content-type", "etag", "cache-control"):
        assert asked.headers[name] == whole.headers[name]
    assert int(asked.headers["content-length"]) == len(whole.content) > 0
    missing = await client.head("/media/pictures/" + "0" * 32 + "-00000000-160.webp")
    assert (missing.status_code, missing.content) == (404, b"")
    known = await client.head(media.url, headers={"if-none-match": whole.headers["etag"]})
    assert known.status_code == 304
    assert (await client.head("/admin/media")).status_code == 405


async def test_products_variants_and_brands_show_uploads(catalog, database):
    one, _ = await catalog.media.upload(picture())
    two, _ = await catalog.media.upload(picture(colour="blue"))
    made = await catalog.create_product(
        NewProduct(
            slug="mug",
            name={"en": "Mug"},
            images=(
                NewImage(media_id=one.id, alt={"en": "Red"}),
                NewImage(url="https://pics.example/a.jpg"),
            ),
            variants=(NewVariant(image_media_id=one.id),),
        )
    )
    image = made.images[0]
    assert (image.url, image.media_id, image.status) == (one.url, one.id, "reachable")
    assert image.sizes == one.sizes
    assert made.images[1].sizes == ()
    assert made.variants[0].image_id == image.id
    changed = await catalog.change_product(
        made.id, ProductChange(images=(NewImage(media_id=two.id), NewImage(media_id=one.id)))
    )
    assert [i.media_id for i in changed.images] == [two.id, one.id]
    assert changed.variants[0].image_id == image.id
    variant = await catalog.change_variant(
        changed.variants[0].id, VariantChange(image_media_id=two.id)
    )
    assert variant.image_id == changed.images[0].id
    variant = await catalog.change_variant(variant.id, VariantChange(image_media_id=None))
    assert variant.image_id is None
    brand = await catalog.create_brand(NewBrand(slug="a", name={"en": "A"}, logo_id=one.id))
    assert (brand.logo_id, brand.logo_url) == (one.id, one.url)
    brand = await catalog.change_brand(brand.id, BrandChange(logo_id=None))
    assert (brand.logo_id, brand.logo_url) == (None, None)


async def test_an_upload_that_is_not_there_is_refused(catalog):
    with pytest.raises(ProductRefused) as refused:
        await catalog.create_product(
            NewProduct(
                slug="mug",
                name={"en": "Mug"},
                images=(NewImage(media_id=new_id()), NewImage()),
                variants=(NewVariant(image_media_id=new_id()),),
            )
        )
    assert [(e.pointer, e.code) for e in refused.value.errors] == [
        ("/images/0/media_id", "unknown-media"),
        ("/images/1/media_id", "unknown-media"),
        ("/variants/0/image_media_id", "unknown-media"),
    ]
    with pytest.raises(ProductRefused):
        await catalog.create_brand(NewBrand(slug="a", name={"en": "A"}, logo_id=new_id()))
    assert await catalog.products() == []
    assert await catalog.brands() == []


async def test_what_is_shown_stays_and_the_rest_goes_after_a_week(catalog, storage, clock):
    shown, _ = await catalog.media.upload(picture())
    loose, _ = await catalog.media.upload(picture(colour="blue"))
    made = await catalog.create_product(
        NewProduct(slug="mug", name={"en": "Mug"}, images=(NewImage(media_id=shown.id),))
    )
    with pytest.raises(MediaInUse):
        await catalog.media.remove(shown.id)
    assert await catalog.media.sweep() == 0
    clock.advance(days=6)
    assert await catalog.media.sweep() == 0
    clock.advance(days=2)
    assert await catalog.media.sweep() == 1
    with pytest.raises(MediaNotFound):
        await catalog.media.get(loose.id)
    assert {name.rpartition("-")[0] for name in files_of(storage)} == {shown.stem}
    await catalog.delete_product(made.id)
    assert await catalog.media.sweep() == 0
    clock.advance(days=8)
    assert await catalog.media.sweep() == 1
    assert files_of(storage) == []


async def test_removed_by_hand_it_can_be_sent_again(catalog, storage):
    first, _ = await catalog.media.upload(picture())
    await catalog.media.remove(first.id)
    assert files_of(storage) == []
    second, new = await catalog.media.upload(picture())
    assert new
    assert second.digest == first.digest
    assert second.stem != first.stem


async def test_attached_while_it_is_being_removed_one_of_the_two_gives_way(catalog, race, storage):
    media, _ = await catalog.media.upload(picture())

    async def attach():
        await catalog.create_product(
            NewProduct(slug="mug", name={"en": "Mug"}, images=(NewImage(media_id=media.id),))
        )

    race.before("commercekit.catalog.repository.media.take_out", attach)
    with pytest.raises(MediaInUse):
        await catalog.media.remove(media.id)
    assert len(files_of(storage)) == 6
    assert (await catalog.media.get(media.id)).id == media.id


async def test_the_same_picture_sent_twice_at_once_is_kept_once(catalog, race, storage, clock):
    rival = race.before(
        "commercekit.catalog.repository.media.add", lambda: catalog.media.upload(picture())
    )
    media, new = await catalog.media.upload(picture())
    winner, won = await rival.result()
    assert (won, new) == (True, False)
    assert media.id == winner.id
    assert await catalog.media.sweep() == 1
    assert {name.rpartition("-")[0] for name in files_of(storage)} == {winner.stem}


async def test_a_crash_between_file_and_row_leaves_nothing(catalog, storage, clock, monkeypatch):
    put = storage.put
    done = []

    async def dies(name, content):
        if len(done) == 3:
            raise Unavailable
        done.append(name)
        await put(name, content)

    monkeypatch.setattr(storage, "put", dies)
    with pytest.raises(Unavailable):
        await catalog.media.upload(picture())
    assert await catalog.media.page() == []
    assert len(files_of(storage)) == 3
    clock.advance(hours=2)
    assert await catalog.media.sweep() == 1
    assert files_of(storage) == []


async def test_tables_are_what_the_migrations_made(database):
    async with database.unit_of_work() as uow:
        assert await schema_drift(uow.connection, APP_CONFIG.table_classes) == []
