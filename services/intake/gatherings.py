"""Gatherings, whichever way they come: announced by staff, signed up for by anybody, told to everybody."""

from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, Field

from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import Intent, UnknownStream, handle
from services.chassis.eventstore import Outcome, Sealed
from services.chassis.forms import Form, Instant, without_nul
from services.chassis.http import Position
from services.chassis.ids import new_id
from services.chassis.web.marked import marked
from services.contracts.cases import Language
from services.contracts.gatherings import GatheringKind, People, Seats
from services.contracts.registry import Name
from services.intake.domain.commands import (
    AnnounceGathering,
    CancelGathering,
    ChangeGathering,
    GatheringCommand,
    HoldGathering,
    SignOff,
    SignUp,
)
from services.intake.domain.errors import NotSignedUp
from services.intake.domain.gathering import Plan
from services.intake.domain.gathering_decider import GATHERINGS
from services.intake.door import STREAM_OF, Door
from services.intake.erasure import erase_contact
from services.intake.known import NoSuchCommunity
from services.intake.read_models.gatherings import GatheringRow, gathering_of
from services.intake.taking import Email, Phone

ANNOUNCING = ("cadre", "supervisor")
"""Who announces a gathering, changes and cancels it, and says how many came."""

Published = Annotated[Name, AfterValidator(without_nul), Field(description="Everybody reads it: name nobody.")]


class NoSuchGathering(UnknownStream):
    title = marked("There is no such gathering")
    detail = marked("Look at the list of those that are announced.")


class PlanForm(Form):
    """What a gathering is to be."""

    title: Published
    place: Published
    starts_at: Instant
    ends_at: Instant
    seats: Seats | None = None

    def plan(self) -> Plan:
        return Plan(self.title, self.place, self.starts_at, self.ends_at, self.seats)


class AnnouncementForm(PlanForm):
    community: UUID
    kind: GatheringKind


class AttendanceForm(Form):
    attendance: Annotated[int, Field(ge=0, le=100_000)]


class SignUpForm(Form):
    """Nobody need say who they are. What is left to be reached by is sealed, and goes when they sign off, or when it is
    over."""

    people: People = 1
    email: Email | None = None
    phone: Phone | None = None
    language: Language | None = None
    """In which they are told of a change; kept with what they are reached by."""


class SignedUp(BaseModel):
    gathering_id: UUID
    words: str
    """Seven words, shown this once: who has them can sign off again."""


async def announce(
    door: Door, staff: Staff, form: AnnouncementForm, key: str, traceparent: str | None
) -> tuple[UUID, Position]:
    """Raises NoSuchCommunity where there is no such community in their areas; Refused, KeyReused, StoreUnavailable."""
    community = await door.communities.find(form.community)
    if community is None or not staff.may_see(community.area):
        raise NoSuchCommunity
    at = now()
    command = AnnounceGathering(form.community, form.kind, form.plan(), community.time_zone, at)
    fingerprints = door.service.fingerprints
    intent: Intent[GatheringCommand] = Intent(
        stream=new_id(),
        command=command,
        key=fingerprints.key("gathering", f"{staff.id} {key}".encode()),
        fingerprint=fingerprints.digest("gathering", form.model_dump_json().encode()),
        actor=staff.id,
        at=at,
        area=community.area,
        traceparent=traceparent,
    )
    outcome = await handle(door.service.store, GATHERINGS, intent)
    return outcome.stream_id, Position.of(door.service.name, outcome)


async def change(
    door: Door, staff: Staff, gathering_id: UUID, form: PlanForm, key: str, traceparent: str | None
) -> Position:
    return await _by_staff(door, staff, gathering_id, ChangeGathering(form.plan(), now()), form, key, traceparent)


async def cancel(
    door: Door, staff: Staff, gathering_id: UUID, form: Form, key: str, traceparent: str | None
) -> Position:
    return await _by_staff(door, staff, gathering_id, CancelGathering(), form, key, traceparent)


async def hold(
    door: Door, staff: Staff, gathering_id: UUID, form: AttendanceForm, key: str, traceparent: str | None
) -> Position:
    return await _by_staff(door, staff, gathering_id, HoldGathering(form.attendance, now()), form, key, traceparent)


async def sign_up(
    door: Door, gathering_id: UUID, form: SignUpForm, key: str, traceparent: str | None
) -> tuple[SignedUp, Position]:
    """Sent again under the same key it shows the same words, and takes no more seats."""
    words = door.receipts.derive(gathering_id, key)
    ref = door.receipts.sign_up(words)
    contact = form.model_dump(include={"email", "phone", "language"}, exclude_none=True)
    sealed = [door.service.vault.seal(ref, contact)] if form.email or form.phone else []
    command = SignUp(ref, form.people, now())
    outcome = await _by_resident(
        door, gathering_id, command, f"up {ref}", form.model_dump_json(exclude={"language"}), traceparent, sealed
    )
    return SignedUp(gathering_id=gathering_id, words=words), Position.of(door.service.name, outcome)


async def sign_off(door: Door, gathering_id: UUID, words: str, traceparent: str | None) -> Position:
    """Raises NotSignedUp for whatever is wrong with the words; wrong ones leave nothing behind."""
    try:
        ref = door.receipts.sign_up(words)
    except ValueError:
        raise NotSignedUp from None
    async with door.service.worker.connect() as connection:
        signed_up = await connection.exec_driver_sql(STREAM_OF, (_key(door, gathering_id, f"up {ref}"),))
        if signed_up.scalar_one_or_none() is None:
            raise NotSignedUp
    outcome = await _by_resident(door, gathering_id, SignOff(ref), f"off {ref}", "", traceparent)
    async with door.service.worker.begin() as connection:
        await erase_contact(connection, ref)
    return Position.of(door.service.name, outcome)


async def found(door: Door, gathering_id: UUID) -> GatheringRow:
    """Raises NoSuchGathering."""
    async with door.service.application.connect() as connection:
        row = await gathering_of(connection, gathering_id)
    if row is None:
        raise NoSuchGathering
    return row


def clock_of(row: GatheringRow) -> ZoneInfo:
    return ZoneInfo(row.time_zone)


async def _by_staff(
    door: Door,
    staff: Staff,
    gathering_id: UUID,
    command: GatheringCommand,
    form: Form,
    key: str,
    traceparent: str | None,
) -> Position:
    fingerprints, name = door.service.fingerprints, type(command).__name__
    intent = Intent(
        stream=gathering_id,
        command=command,
        key=fingerprints.key("gathering", f"{staff.id} {gathering_id} {key}".encode()),
        fingerprint=fingerprints.digest("gathering", f"{gathering_id} {name}{form.model_dump_json()}".encode()),
        actor=staff.id,
        at=now(),
        scope=staff.areas,
        traceparent=traceparent,
    )
    return Position.of(door.service.name, await _carry_out(door, intent))


async def _by_resident(
    door: Door,
    gathering_id: UUID,
    command: GatheringCommand,
    what: str,
    content: str,
    traceparent: str | None,
    sealed: list[Sealed] | None = None,
) -> Outcome:
    fingerprints = door.service.fingerprints
    intent = Intent(
        stream=gathering_id,
        command=command,
        key=_key(door, gathering_id, what),
        fingerprint=fingerprints.digest("sign-up", f"{gathering_id} {what} {content}".encode()),
        actor="resident",
        at=now(),
        sealed=sealed or (),
        traceparent=traceparent,
    )
    return await _carry_out(door, intent)


async def _carry_out(door: Door, intent: Intent[GatheringCommand]) -> Outcome:
    try:
        return await handle(door.service.store, GATHERINGS, intent)
    except UnknownStream:
        raise NoSuchGathering from None


def _key(door: Door, gathering_id: UUID, what: str) -> str:
    return door.service.fingerprints.key("sign-up", f"{gathering_id} {what}".encode())
