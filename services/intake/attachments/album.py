"""Photos from the moment that they are sent until nothing of them is left.

A picture is written anew, sealed, put where blobs lie, and then gets its row. Its blobs are doomed before they are put
and spared with the row; with the row's end they are doomed again. So whatever dies at any moment, a sweep ends it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.chassis.clock import now
from services.chassis.eventstore import Sealed, StoreUnavailable
from services.chassis.ids import new_id
from services.chassis.particulars import Unopenable
from services.chassis.passing import passes
from services.chassis.service import Service
from services.chassis.telemetry import log
from services.intake import set_aside
from services.intake.attachments import rows
from services.intake.attachments.blobs import Blobs, name_of
from services.intake.attachments.formats import format_of
from services.intake.attachments.links import PhotoLinks, Reader
from services.intake.attachments.redrawing import Redrawer
from services.intake.attachments.refusals import MOST_BYTES, MOST_PHOTOS, TooLarge, TooMany, TooManyAtOnce
from services.intake.attachments.rows import Owner, Photo, Stored
from services.intake.domain.decider import REPORTS, require_open
from services.intake.domain.errors import AlreadyErased, NotReported

DRAFT_LIFE = timedelta(days=1)
PUTTING = timedelta(hours=1)
"""Longer than any picture takes from being sealed to having its row."""
MOST_DRAFT_BYTES = 2_000_000_000
"""Of all drafts together: nobody can fill the disk with what is never sent."""
SWEEP_AFTER = timedelta(minutes=1)
PHOTO, THUMBNAIL = b"photo", b"thumbnail"


class Album:
    """Raises StoreUnavailable throughout while the database or the blobs are away."""

    def __init__(self, service: Service, blobs: Blobs) -> None:
        self._service = service
        self._blobs = blobs
        self._redrawer = Redrawer()
        self.links = PhotoLinks(service.fingerprints)

    def draft(self, key: str) -> UUID:
        """What is stored of a draft's key."""
        return UUID(bytes=self._service.fingerprints.digest("draft", key.encode()))

    async def of(self, owner: UUID) -> list[Photo]:
        """Those of a case or a draft, the earliest first."""
        async with self._service.worker.connect() as connection:
            return await rows.of(connection, owner)

    async def keep_for_draft(self, draft: UUID, content: bytes) -> Photo:
        """Keep a photo for a report that is still being written, sealed, for a day; the same one once.

        Raises:
            PhotoRefused: see there.
        """
        async with self._service.worker.connect() as connection:
            waiting: int = (await connection.exec_driver_sql(rows.IN_DRAFTS)).scalar_one()
        if waiting > MOST_DRAFT_BYTES:
            raise TooManyAtOnce
        return await self._keep(Owner(draft=draft, expires_at=now() + DRAFT_LIFE), content)

    async def keep_for_case(self, case_id: UUID, content: bytes) -> Photo:
        """Add a photo to a case; the same one once.

        Raises:
            PhotoRefused: see there.
            AlreadyWithdrawn, AlreadyErased, NotReported: the case takes none.
        """
        loaded, _ = await self._service.store.load([case_id], [], None)
        state = REPORTS.initial
        for event in loaded[case_id].events:
            state = REPORTS.evolve(state, event)
        require_open(state)
        area = loaded[case_id].area
        if area is None:
            raise NotReported
        return await self._keep(Owner(stream_id=case_id, area=area), content)

    async def _keep(self, owner: Owner, content: bytes) -> Photo:
        if len(content) > MOST_BYTES:
            raise TooLarge
        kind = format_of(content)
        fingerprint = self._service.fingerprints.digest("photo", content)
        async with self._service.worker.connect() as connection:
            if known := await rows.same(connection, owner.id, fingerprint):
                return known
            if len(await rows.of(connection, owner.id)) >= MOST_PHOTOS:
                raise TooMany
        drawn = await self._redrawer.redraw(content, kind)
        photo = Photo(new_id(), now(), len(drawn.photo), drawn.width, drawn.height)
        vault = self._service.vault
        sealed = [
            vault.seal_bytes(photo.ref, picture, part)
            for picture, part in ((drawn.photo, PHOTO), (drawn.thumbnail, THUMBNAIL))
        ]
        large, small = (name_of(one.body) for one in sealed)
        async with self._service.worker.begin() as connection:
            await connection.exec_driver_sql(rows.DOOM, ([large, small], now() + PUTTING))
        for one in sealed:
            await self._blobs.put(one.body)
        return await self._row(owner, Stored(photo, fingerprint, sealed[0].key_id, (large, small)))

    async def _row(self, owner: Owner, stored: Stored) -> Photo:
        async with self._service.worker.begin() as connection:
            await set_aside.hold(connection, [owner.id])
            if owner.stream_id and (await connection.exec_driver_sql(rows.IS_ERASED, (owner.stream_id,))).scalar_one():
                raise AlreadyErased
            if known := await rows.same(connection, owner.id, stored.fingerprint):
                return known
            if len(await rows.of(connection, owner.id)) >= MOST_PHOTOS:
                raise TooMany
            if not await rows.keep(connection, owner, stored):
                raise StoreUnavailable
        return stored.photo

    async def remove(self, owner: UUID, ref: UUID) -> None:
        """Take one photo back; one that is not there is taken back already.

        That it was is written down outside the database first, and for good: no event tells of it, and a database
        that is restored to an earlier time has the row again.
        """
        async with self._service.worker.connect() as connection:
            names = (await connection.exec_driver_sql(rows.NAMED, (owner, ref))).scalars().all()
        await self._blobs.note_removed(names)
        async with self._service.worker.begin() as connection:
            await connection.exec_driver_sql(rows.REMOVE, (owner, ref))
        await self.clear()

    async def forget_removed(self) -> None:
        """Drop what a restored database has of photos that were taken back."""
        names = await self._blobs.removed()
        async with self._service.worker.begin() as connection:
            await connection.exec_driver_sql(rows.FORGET, (names,))
        await self.clear()

    async def sending(self, draft: UUID, command_key: str) -> None:
        """Before the draft is sent as this command: whoever finds that one taken knows whose the photos are."""
        async with self._service.worker.begin() as connection:
            await connection.exec_driver_sql(rows.SENDING, (draft, command_key, now() + PUTTING))

    async def sent(self, case_id: UUID) -> None:
        """The photos of drafts that were sent as this case are its own now."""
        async with self._service.worker.begin() as connection:
            await set_aside.hold(connection, [case_id])
            await connection.exec_driver_sql(rows.TAKE, ([case_id],))

    async def content(self, ref: UUID, *, thumbnail: bool = False) -> bytes | None:
        """A photo as JPEG for whoever it belongs to; none when it is not there."""
        return await self._opened(rows.OWN, (ref,), ref, thumbnail=thumbnail)

    async def content_for(self, ref: UUID, reader: Reader, since: datetime, *, thumbnail: bool = False) -> bytes | None:
        """The same for somebody else: that they looked is recorded before they are answered, once since `since`."""
        told = (ref, reader.actor, reader.role, reader.purpose, since)
        return await self._opened(rows.OPEN, told, ref, thumbnail=thumbnail)

    async def _opened(self, statement: str, told: tuple[object, ...], ref: UUID, *, thumbnail: bool) -> bytes | None:
        async with self._service.worker.begin() as connection:
            row = (await connection.exec_driver_sql(statement, told)).one_or_none()
        body = await self._blobs.get(row.thumbnail if thumbnail else row.photo) if row else None
        if row is None or body is None:
            return None
        try:
            return self._service.vault.open_bytes(Sealed(ref, row.key_id, body), THUMBNAIL if thumbnail else PHOTO)
        except Unopenable:
            log.error("a photo can't be opened: it was altered where it lies, or its key is missing", ref=str(ref))
            return None

    async def clear(self) -> None:
        """Delete at once what is doomed; what can't be deleted now goes with a later sweep."""
        try:
            await self._clear(now())
        except Exception as fault:
            if not (isinstance(fault, StoreUnavailable) or passes(fault)):
                raise
            log.warning("pictures that were erased could not be deleted yet", exc_info=fault)

    async def sweep(self, at: datetime) -> None:
        """End what was broken off: drafts that were sent get their case, others expire, doomed pictures go."""
        async with self._service.worker.begin() as connection:
            cases: Sequence[UUID] = (await connection.exec_driver_sql(rows.SENT)).scalars().all()
            await set_aside.hold(connection, cases)
            await connection.exec_driver_sql(rows.TAKE, (list(cases),))
        async with self._service.worker.begin() as connection:
            await connection.exec_driver_sql(rows.EXPIRE, (at,))
        await self._clear(at)

    async def _clear(self, at: datetime) -> None:
        while True:
            async with self._service.worker.begin() as connection:
                names = [row.name for row in await connection.exec_driver_sql(rows.DUE, (at,))]
                if not names:
                    return
                await self._blobs.delete(names)
                await connection.exec_driver_sql(rows.SPARE, (names,))

    async def run(self) -> None:
        """Sweep once a minute; and once, since this process may be the first to serve a restored database."""
        restored = True
        while True:
            try:
                await self.sweep(now())
                if restored:
                    await self.forget_removed()
                    restored = False
            except Exception as fault:  # nothing of this may end the task: it tries again
                log.warning("photos could not be swept", exc_info=fault)
            await asyncio.sleep(SWEEP_AFTER.total_seconds())
