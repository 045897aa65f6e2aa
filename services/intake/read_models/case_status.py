"""Where a case stands, for the resident who holds its receipt: fed by what every service publishes of it."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Boolean, Column, Date, DateTime, Index, Integer, MetaData, Table, Text, Uuid, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts import alerts, cases
from services.contracts.deadlines import Deadline, Rule
from services.contracts.envelope import Recorded
from services.contracts.event import Event


class State(StrEnum):
    """In the order of a case's life."""

    REPORTED = "reported"
    OPENED = "opened"
    ASSIGNED = "assigned"
    ACKNOWLEDGED = "acknowledged"
    DISPATCHED = "dispatched"
    IN_MEDIATION = "in_mediation"
    MERGED = "merged"
    RESOLVED = "resolved"
    DECLINED = "declined"
    APPEALED = "appealed"
    CONFIRMED = "confirmed"
    REOPENING_ASKED = "reopening_asked"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


class UnitSaid(StrEnum):
    ACCEPTED = "accepted"
    RETURNED = "returned"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class StatusRow:
    """Each service's word in fields of its own: what one says never depends on what another has said yet."""

    case_id: UUID
    area: str
    # intake's
    community: UUID | None = None
    reference: str | None = None
    kind: str | None = None
    category: str | None = None
    imported: bool = False
    about_staff: bool = False
    particulars: UUID | None = None
    reported_at: datetime | None = None
    confirmed_version: int | None = None
    confirmed_at: datetime | None = None
    reopening_asked_at: datetime | None = None
    withdrawn_at: datetime | None = None
    erased_at: datetime | None = None
    danger: bool = False
    minor: bool = False
    wrote_at: datetime | None = None
    """When the resident wrote last, whatever it was."""
    corrected_at: datetime | None = None
    appealed_at: datetime | None = None
    # mediation's
    stage: str | None = None
    level: str | None = None
    owner: str | None = None
    opened_at: datetime | None = None
    assigned_at: datetime | None = None
    assigned_to: str | None = None
    """Whose a time is stays with it: `owner` is who has the case now."""
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    mediated_at: datetime | None = None
    unit: str | None = None
    dispatched_at: datetime | None = None
    unit_said: str | None = None
    unit_said_at: datetime | None = None
    reminded_at: datetime | None = None
    contacted_at: datetime | None = None
    delayed_at: datetime | None = None
    delayed_until: datetime | None = None
    escalated_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_on: date | None = None
    resolution: str | None = None
    resolution_version: int | None = None
    explanation: UUID | None = None
    closed_at: datetime | None = None
    reopened_at: datetime | None = None
    merged_at: datetime | None = None
    written_to_at: datetime | None = None
    written_to_by: str | None = None
    declined_at: datetime | None = None
    declined_by: str | None = None
    decline_reason: str | None = None
    refusal: UUID | None = None
    """How it was explained that it was declined."""
    protection: str | None = None
    """The protection desk that has it or stands beside it."""
    acknowledge_by: datetime | None = None
    told_by: datetime | None = None
    """By then the resident hears of it, solved or not."""
    done_by: datetime | None = None
    confirm_by: datetime | None = None
    reopen_by: datetime | None = None
    # notifications'
    alerted_at: datetime | None = None
    """When somebody was alerted last."""
    nobody_at: datetime | None = None
    """When nobody was on duty up to the root, and every supervisor saw it; none once somebody was alerted."""

    @property
    def state(self) -> State:
        if self.erased_at:
            return State.ERASED
        if self.withdrawn_at:
            return State.WITHDRAWN
        if self.objected:
            return State.REOPENING_ASKED
        if self.declined_at:
            return State.APPEALED if self.appealed else State.DECLINED
        if self.resolution_version and self.confirmed_version == self.resolution_version:
            return State.CONFIRMED
        return State(self.stage or State.REPORTED)

    @property
    def objected(self) -> bool:
        """The resident said of this resolution that nothing is solved, and has not confirmed it since."""
        asked, ended = self.reopening_asked_at, self.resolved_at
        if asked is None or ended is None or self.resolution_version is None or asked < ended:
            return False
        return self.confirmed_at is None or self.confirmed_at < asked

    @property
    def appealed(self) -> bool:
        """The resident appealed the refusal that stands."""
        return self.declined_at is not None and self.appealed_at is not None and self.appealed_at >= self.declined_at


_INSTANT = DateTime(timezone=True)

TABLE = Table(
    "case_status",
    MetaData(),
    Column("case_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("community", Uuid),
    Column("reference", Text),
    Column("kind", Text),
    Column("category", Text),
    Column("imported", Boolean, nullable=False),
    Column("about_staff", Boolean, nullable=False),
    Column("particulars", Uuid),
    Column("reported_at", _INSTANT),
    Column("confirmed_version", Integer),
    Column("confirmed_at", _INSTANT),
    Column("reopening_asked_at", _INSTANT),
    Column("withdrawn_at", _INSTANT),
    Column("erased_at", _INSTANT),
    Column("danger", Boolean, nullable=False),
    Column("minor", Boolean, nullable=False),
    Column("wrote_at", _INSTANT),
    Column("corrected_at", _INSTANT),
    Column("appealed_at", _INSTANT),
    Column("stage", Text),
    Column("level", Text),
    Column("owner", Text),
    Column("opened_at", _INSTANT),
    Column("assigned_at", _INSTANT),
    Column("assigned_to", Text),
    Column("acknowledged_at", _INSTANT),
    Column("acknowledged_by", Text),
    Column("mediated_at", _INSTANT),
    Column("unit", Text),
    Column("dispatched_at", _INSTANT),
    Column("unit_said", Text),
    Column("unit_said_at", _INSTANT),
    Column("reminded_at", _INSTANT),
    Column("contacted_at", _INSTANT),
    Column("delayed_at", _INSTANT),
    Column("delayed_until", _INSTANT),
    Column("escalated_at", _INSTANT),
    Column("resolved_at", _INSTANT),
    Column("resolved_on", Date),
    Column("resolution", Text),
    Column("resolution_version", Integer),
    Column("explanation", Uuid),
    Column("closed_at", _INSTANT),
    Column("reopened_at", _INSTANT),
    Column("merged_at", _INSTANT),
    Column("written_to_at", _INSTANT),
    Column("written_to_by", Text),
    Column("declined_at", _INSTANT),
    Column("declined_by", Text),
    Column("decline_reason", Text),
    Column("refusal", Uuid),
    Column("protection", Text),
    Column("acknowledge_by", _INSTANT),
    Column("told_by", _INSTANT),
    Column("done_by", _INSTANT),
    Column("confirm_by", _INSTANT),
    Column("reopen_by", _INSTANT),
    Column("alerted_at", _INSTANT),
    Column("nobody_at", _INSTANT),
)

TOLD_TO_ANYBODY = text("kind = 'fault' AND NOT (about_staff OR danger OR minor) AND erased_at IS NULL")
"""What of a community anybody may know of, if its category is a public one: see open311/offered.py.

As text, and in these very words: a parameter would hide the index over them.
"""
Index(
    "case_status_in_the_open",
    TABLE.c.community,
    TABLE.c.reported_at.desc(),
    TABLE.c.case_id.desc(),
    postgresql_where=TOLD_TO_ANYBODY,
)


def evolve(row: StatusRow | None, recorded: Recorded, event: Event) -> StatusRow:
    row = row or StatusRow(recorded.stream_id, recorded.area)
    match recorded.source:
        case "intake":
            return _said_by_intake(row, recorded.occurred_at, event)
        case "mediation":
            return _said_by_mediation(row, recorded, event)
        case "notifications" if isinstance(event, alerts.AlertRaised):
            if event.recipient is None:
                return replace(row, nobody_at=recorded.occurred_at)
            return replace(row, alerted_at=recorded.occurred_at, nobody_at=None)
        case _:
            return row


def _said_by_intake(row: StatusRow, at: datetime, event: Event) -> StatusRow:
    match event:
        case cases.CaseReported():
            return replace(
                row,
                community=event.community,
                reference=event.reference,
                kind=event.kind.value,
                category=event.category,
                imported=event.imported,
                about_staff=event.about_staff,
                danger=event.danger,
                minor=event.minor,
                particulars=event.particulars,
                reported_at=at,
            )
        case cases.CaseConfirmed():
            return replace(row, confirmed_version=event.resolution_version, confirmed_at=at)
        case cases.CaseReopeningAsked():
            return replace(row, reopening_asked_at=at, wrote_at=at)
        case cases.CaseAppealed():
            return replace(row, appealed_at=at, wrote_at=at)
        case cases.CaseAmended(amendment=cases.Amendment.MESSAGE):
            return replace(row, wrote_at=at)
        case cases.CaseAmended():
            return replace(row, corrected_at=at)
        case cases.CaseWithdrawn():
            return replace(row, withdrawn_at=at)
        case cases.CaseErased():
            return replace(row, erased_at=at, particulars=None, wrote_at=None)
        case _:
            return row


def _said_by_mediation(row: StatusRow, recorded: Recorded, event: Event) -> StatusRow:
    at = recorded.occurred_at
    row = _promised(row, event)
    match event:
        case cases.CaseOpened():
            return replace(row, stage=State.OPENED, level=event.level, protection=event.protection, opened_at=at)
        case cases.CaseAssigned():
            return replace(row, stage=State.ASSIGNED, owner=event.owner, assigned_at=at, assigned_to=event.owner)
        case cases.CaseAcknowledged():
            taken = replace(row, acknowledged_at=at, acknowledged_by=event.owner)
            return replace(taken, stage=State.ACKNOWLEDGED, owner=event.owner)
        case cases.CaseMediated():
            return replace(row, stage=State.IN_MEDIATION, mediated_at=at)
        case cases.CaseDispatched():
            said = replace(row, unit_said=None, unit_said_at=None)
            return replace(said, stage=State.DISPATCHED, unit=event.unit, owner=event.tracker, dispatched_at=at)
        case cases.CaseDispatchAccepted():
            return replace(row, unit_said=UnitSaid.ACCEPTED, unit_said_at=at)
        case cases.CaseDispatchReturned():
            return replace(row, stage=State.ACKNOWLEDGED, unit_said=UnitSaid.RETURNED, unit_said_at=at)
        case cases.CaseDispatchDone():
            return replace(row, stage=State.ACKNOWLEDGED, unit_said=UnitSaid.DONE, unit_said_at=at)
        case cases.CaseReminded():
            return replace(row, reminded_at=at)
        case cases.CaseContactRequested():
            return replace(row, contacted_at=at)
        case cases.CaseDelayExplained():
            return replace(row, delayed_at=at, delayed_until=event.due_at)
        case cases.CaseEscalated():
            stage = State.ASSIGNED if event.owner else State.OPENED
            return replace(row, stage=stage, owner=event.owner, level=event.to_level, escalated_at=at)
        case cases.CaseResolved():
            return replace(
                row,
                stage=State.RESOLVED,
                resolved_at=at,
                resolved_on=event.resolved_on,
                resolution=event.resolution.value,
                resolution_version=recorded.version,
                explanation=event.explanation or event.answer,
            )
        case cases.CaseReopened():
            begun = replace(
                row,
                resolution_version=None,
                confirm_by=None,
                reopen_by=None,
                declined_at=None,
                refusal=None,
            )
            return replace(begun, stage=State.OPENED, owner=None, level=event.level, reopened_at=at)
        case cases.CaseMerged():
            return replace(row, stage=State.MERGED, merged_at=at)
        case cases.CaseMessageWritten():
            return replace(row, written_to_at=at, written_to_by=event.by)
        case cases.CaseDeclined():
            return replace(
                row,
                declined_at=at,
                declined_by=event.by,
                decline_reason=event.reason.value,
                refusal=event.explanation,
            )
        case cases.CaseClosed():
            return replace(row, stage=State.CLOSED, closed_at=at)
        case cases.CaseErased():
            return replace(row, explanation=None, refusal=None, written_to_at=None)
        case _:
            return row


_DATES = {
    Rule.ACKNOWLEDGE: "acknowledge_by",
    Rule.SAME_DAY: "told_by",
    Rule.DONE: "done_by",
    Rule.MEDIATE: "done_by",
    Rule.CONFIRM: "confirm_by",
    Rule.REOPEN: "reopen_by",
}


def _promised(row: StatusRow, event: Event) -> StatusRow:
    """The dates that an event of mediation names; the last one named of each kind holds."""
    deadlines: tuple[Deadline, ...] = getattr(event, "deadlines", ())
    dates = {_DATES[Rule(one.rule)]: one.due_at for one in deadlines if one.rule in _DATES}
    return replace(row, **dates) if dates else row


CASE_STATUS: ReadModel[StatusRow] = ReadModel(
    name="case_status",
    version=5,
    table=TABLE,
    row=StatusRow,
    evolve=evolve,
    types=types_of(
        cases.CaseReported,
        cases.CaseConfirmed,
        cases.CaseReopeningAsked,
        cases.CaseAmended,
        cases.CaseAppealed,
        cases.CaseWithdrawn,
        cases.CaseErased,
        cases.CaseOpened,
        cases.CaseAssigned,
        cases.CaseAcknowledged,
        cases.CaseMediated,
        cases.CaseDispatched,
        cases.CaseDispatchAccepted,
        cases.CaseDispatchReturned,
        cases.CaseDispatchDone,
        cases.CaseReminded,
        cases.CaseContactRequested,
        cases.CaseDelayExplained,
        cases.CaseMessageWritten,
        cases.CaseDeclined,
        cases.CaseMerged,
        cases.CaseEscalated,
        cases.CaseResolved,
        cases.CaseReopened,
        cases.CaseClosed,
        alerts.AlertRaised,
    ),
)


async def status_of(connection: AsyncConnection, case_id: UUID) -> StatusRow | None:
    found = await connection.execute(select(TABLE).where(TABLE.c.case_id == case_id))
    row = found.one_or_none()
    return StatusRow(*row) if row else None
