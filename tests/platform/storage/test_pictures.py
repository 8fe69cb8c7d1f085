"""Whatever is sent: either new pictures made of its pixels, or a refusal by content."""

from __future__ import annotations

import asyncio
import io
import struct
import threading
import zipfile
import zlib

import pytest
from PIL import Image

from commercekit.errors import Unavailable
from commercekit.platform.storage import EmptyFile, FileTooLarge, NoPicture, PictureReader
from commercekit.platform.storage import pictures as module


@pytest.fixture
def reader():
    return PictureReader(threads=1)


def picture(kind="PNG", size=(300, 200), mode="RGB", colour=(200, 30, 40), **options):
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind, **options)
    return out.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, *chunks):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("GIF", "image/gif")],
)
async def test_each_kind_becomes_both_formats_in_every_width(reader, kind, media_type):
    made = await reader.read(picture(kind, (1500, 750)))
    assert (made.media_type, made.width, made.height) == (media_type, 1500, 750)
    shapes = [(file.width, file.height, file.kind) for file in made.files]
    assert shapes == [
        (160, 80, "webp"),
        (160, 80, "jpg"),
        (480, 240, "webp"),
        (480, 240, "jpg"),
        (1200, 600, "webp"),
        (1200, 600, "jpg"),
    ]
    for file in made.files:
        with Image.open(io.BytesIO(file.content)) as image:
            assert image.size == (file.width, file.height)
            assert image.format == {"webp": "WEBP", "jpg": "JPEG"}[file.kind]


async def test_a_small_picture_is_not_blown_up(reader):
    made = await reader.read(picture(size=(100, 50)))
    assert [(f.width, f.height) for f in made.files] == [(100, 50)] * 2
    made = await reader.read(picture(size=(480, 480)))
    assert [f.width for f in made.files] == [160, 160, 480, 480]


async def test_the_same_pixels_give_the_same_digest(reader):
    plain = picture()
    assert (await reader.read(plain)).digest == (await reader.read(plain + b"tail")).digest
    assert (await reader.read(plain)).digest != (await reader.read(picture(colour="blue"))).digest


async def test_exif_and_place_are_gone_and_the_picture_stands_upright(reader):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "SECRETDESCRIPTION"
    exif.get_ifd(0x8825)[1] = "N"
    made = await reader.read(picture("JPEG", (300, 200), exif=exif, comment=b"SECRETCOMMENT"))
    assert (made.width, made.height) == (200, 300)
    for file in made.files:
        assert b"SECRET" not in file.content
        assert b"Exif" not in file.content
        with Image.open(io.BytesIO(file.content)) as image:
            assert dict(image.getexif()) == {}


async def test_a_polyglot_leaves_only_its_pixels(reader):
    script = b"/*SCRIPT*/=1;alert(document.cookie);//<?php system($_GET[0]); ?>"
    gif = picture("GIF")
    for content in (gif + script, gif[:6] + b"*/" + gif[8:] + script, picture("PNG") + script):
        try:
            made = await reader.read(content)
        except NoPicture:
            continue
        assert all(b"alert" not in f.content and b"php" not in f.content for f in made.files)
    made = await reader.read(gif + script)
    assert len(made.files) == 4


async def test_what_shines_through_lies_on_white_in_jpeg(reader):
    made = await reader.read(picture(mode="RGBA", colour=(0, 0, 0, 0)))
    webp, jpeg = made.files[-2:]
    assert Image.open(io.BytesIO(jpeg.content)).convert("RGB").getpixel((5, 5)) == (255, 255, 255)
    assert Image.open(io.BytesIO(webp.content)).convert("RGBA").getpixel((5, 5))[3] == 0


@pytest.mark.parametrize(
    "content",
    [
        b"<?php echo 1; ?>",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<?xml version='1.0'?><svg/>",
        b"%PDF-1.7",
        b"MZ\x90\x00",
        b"BM" + b"\0" * 60,
        b"\x89PNG\r\n\x1a\n",
        picture()[:60],
        picture("JPEG")[:-200],
        b"GIF89a",
        b"\xff\xd8\xff\xe0" + b"\0" * 100,
    ],
    ids=["php", "svg", "xml", "pdf", "exe", "bmp", "head", "cut-png", "cut-jpeg", "gif", "jpeg"],
)
async def test_what_is_no_picture_is_refused(reader, content):
    with pytest.raises(NoPicture):
        await reader.read(content)


async def test_nothing_is_refused(reader):
    with pytest.raises(EmptyFile):
        await reader.read(b"")


@pytest.mark.parametrize(
    "content",
    [
        png(50_000, 50_000, chunk(b"IDAT", zlib.compress(b""))),
        png(10_000, 4_001, chunk(b"IDAT", zlib.compress(b""))),
        png(16_001, 1, chunk(b"IDAT", zlib.compress(b""))),
        png(2, 2, chunk(b"zTXt", b"x\0\0" + zlib.compress(b"\0" * 9_000_000))),
        b"\x89PNG" + b"\0" * module.MAX_BYTES,
    ],
    ids=["50000x50000", "40-megapixels", "long-side", "text-bomb", "bytes"],
)
async def test_too_much_is_refused_before_it_is_unpacked(reader, content):
    with pytest.raises(FileTooLarge):
        await reader.read(content)


async def test_an_archive_is_told_from_a_bomb_without_being_opened(reader):
    def archive(size):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("x.png", b"\0" * size)
        return out.getvalue()

    with pytest.raises(NoPicture):
        await reader.read(archive(1000))
    monster = archive(1000).replace(struct.pack("<I", 1000), struct.pack("<I", 4_000_000_000))
    with pytest.raises(FileTooLarge):
        await reader.read(monster)


async def test_the_loop_stays_free_and_the_queue_has_an_end(reader, monkeypatch):
    held = threading.Event()
    monkeypatch.setattr(module, "make_picture", lambda content: held.wait(10) and content)
    waiting = [asyncio.ensure_future(reader.read(b"%d" % n)) for n in range(32)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await reader.read(b"one too many")
    assert refused.value.retry_after == 5
    held.set()
    assert await asyncio.gather(*waiting) == [b"%d" % n for n in range(32)]
    assert await reader.read(b"again") == b"again"
