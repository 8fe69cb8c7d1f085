"""Use cases of uploaded pictures: take in, list, remove, and forget what nothing shows."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from secrets import token_hex
from uuid import UUID

from commercekit.catalog import repository
from commercekit.catalog.errors import MediaInUse, MediaNotFound
from commercekit.catalog.models import Media, MediaSize
from commercekit.errors import ConfigurationError
from commercekit.kernel import Clock, new_id
from commercekit.platform.db import Database, UnitOfWork
from commercekit.platform.jobs import JobContext, JobKind, Schedule
from commercekit.platform.storage import MadePicture, PictureReader, Storage

__all__ = ["MEDIA_PATH", "SWEEP_MEDIA", "MediaLibrary"]

MEDIA_PATH = "/media/pictures/"
"""Where the web serves them."""
SWEEP_MEDIA = "catalog.sweep-media"

_KEEP_UNUSED = timedelta(days=7)
_UNFINISHED = timedelta(hours=1)
_ODD = re.compile(r"[^\w .,()+@=-]")


class MediaLibrary:
    """Uploaded pictures. The same picture is kept once, whatever file it came in."""

    def __init__(
        self, db: Database, clock: Clock, storage: Storage | None, reader: PictureReader | None
    ) -> None:
        self._db = db
        self._clock = clock
        self._storage = storage
        self._reader = reader or PictureReader()

    async def upload(
        self, content: bytes, filename: str = "", *, actor: str = "system"
    ) -> tuple[Media, bool]:
        """Take in a picture; the second value says whether it is new to us.

        Raises ``EmptyFile``, ``FileTooLarge`` or ``NoPicture`` for what is none, and ``Unavailable``
        when it cannot be kept; then nothing of it stays.
        """
        storage = self._place()
        made = await self._reader.read(content)
        known = await repository.media.ready_by_digest(self._db, made.digest)
        if known is not None and await repository.media.touch(
            self._db, known.id, self._clock.now()
        ):
            return known, False
        media = self._media(made, filename, actor)
        async with self._db.unit_of_work() as uow:
            await repository.media.add(uow, media)
        # Outside of any transaction: the place may be slow. The row tells of files left by a crash.
        for file in made.files:
            await storage.put(f"{media.stem}-{file.width}.{file.kind}", file.content)

        async def finish(uow: UnitOfWork) -> tuple[Media, bool]:
            await uow.lock(f"catalog.media {made.digest}")
            twin = await repository.media.ready_by_digest(self._db, made.digest)
            if twin is not None:
                await repository.media.withdraw(uow, media.id)
                return twin, False
            if not await repository.media.set_ready(uow, media.id):
                message = "It took too long to keep the picture; send it again."
                raise MediaNotFound(message)
            return media, True

        return await self._db.run(finish)

    async def get(self, media_id: UUID) -> Media:
        """The upload of that id; ``MediaNotFound`` otherwise."""
        found = await repository.media.by_ids(self._db, [media_id])
        if media_id not in found:
            raise MediaNotFound(media_id=str(media_id))
        return found[media_id]

    async def page(
        self, *, unused: bool = False, after: UUID | None = None, limit: int = 20
    ) -> list[Media]:
        """Uploads, newest first, after the one named; ``unused`` gives only those on nothing."""
        return await repository.media.page(self._db, unused=unused, after=after, limit=limit)

    async def remove(self, media_id: UUID) -> None:
        """Remove an upload with its files; ``MediaInUse`` while anything shows it."""
        await self.get(media_id)
        media = await self._db.run(lambda uow: repository.media.take_out(uow, media_id))
        if media is None:
            message = "A product or a brand shows this picture; take it off there first."
            raise MediaInUse(message)
        await self._forget(media)

    async def sweep(self) -> int:
        """Remove uploads that were on nothing for a week, and what crashes left; gives how many."""
        await self._db.run(repository.media.mark_unused)
        now = self._clock.now()
        gone = 0
        for media_id in await repository.media.leaving(
            self._db, unused_before=now - _KEEP_UNUSED, writing_before=now - _UNFINISHED
        ):
            media = await self._db.run(
                lambda uow, wanted=media_id: repository.media.take_out(uow, wanted)  # type: ignore[misc] # the default binds the id
            )
            if media is not None:
                await self._forget(media)
                gone += 1
        return gone

    def job_kinds(self) -> list[JobKind]:
        """The sweep as a job."""

        async def sweep(_context: JobContext) -> None:
            await self.sweep()

        return [JobKind(SWEEP_MEDIA, sweep, max_attempts=3)]

    def schedules(self) -> list[Schedule]:
        """Once an hour among all processes."""
        return [Schedule(SWEEP_MEDIA, every=timedelta(hours=1), job=SWEEP_MEDIA)]

    async def _forget(self, media: Media) -> None:
        """Files first: a row without files can be found again, files without a row cannot."""
        storage = self._place()
        for size in media.sizes:
            for url in (size.webp, size.jpeg):
                await storage.delete(url.removeprefix(MEDIA_PATH))
        await repository.media.delete(self._db, media.id)

    def _place(self) -> Storage:
        if self._storage is None:
            message = "This shop has no place for uploads."
            raise ConfigurationError(message)
        return self._storage

    def _media(self, made: MadePicture, filename: str, actor: str) -> Media:
        # The digest makes the name follow the content, the rest makes it nobody else's.
        stem = f"{made.digest[:32]}-{token_hex(4)}"
        widths = sorted({(file.width, file.height) for file in made.files})
        return Media(
            id=new_id(),
            digest=made.digest,
            stem=stem,
            filename=clean_filename(filename),
            media_type=made.media_type,
            width=made.width,
            height=made.height,
            sizes=tuple(
                MediaSize(
                    width=width,
                    height=height,
                    webp=f"{MEDIA_PATH}{stem}-{width}.webp",
                    jpeg=f"{MEDIA_PATH}{stem}-{width}.jpg",
                )
                for width, height in widths
            ),
            uploaded_by=actor,
            created_at=self._clock.now(),
        )


def clean_filename(name: str) -> str:
    """What is left of a name that a stranger chose: the last part, without anything that plays tricks."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    return _ODD.sub("", last).strip(" .")[:100]
