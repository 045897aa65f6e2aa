"""Taking one report: what a resident says, and what is made of it."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, StringConstraints, ValidationInfo, field_validator

from services.chassis.areas import area_above
from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.chassis.forms import Form, FreeText, Line
from services.chassis.http import Position
from services.chassis.ids import new_id
from services.chassis.problems import unprocessable
from services.contracts.cases import AnsweredAtOnce, Channel, Ending, Kind, Language, Urgency
from services.contracts.event import Code
from services.intake.categories import require_category
from services.intake.domain.commands import TakeReport
from services.intake.domain.decider import REPORTS
from services.intake.domain.errors import CommunityIsClosed
from services.intake.door import Door
from services.intake.known import Community
from services.intake.nearby import may_join

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s\x00]+@[^@\s\x00]+$", max_length=200)]
Spot = Annotated[
    str, StringConstraints(pattern=r"^geo:-?\d{1,2}(\.\d{1,6})?,-?\d{1,3}(\.\d{1,6})?(;u=\d{1,6})?$", max_length=60)
]
"""A point as RFC 5870 writes it, with the metres by which it may be off: `geo:43.8256,87.6168;u=12`."""
Phone = Annotated[str, StringConstraints(pattern=r"^[0-9+() /.-]{3,40}$")]

PARTICULARS = ("text", "place", "name", "email", "phone", "language")
"""What is sealed of a report, whoever brings it; the rest of it is told in the event."""

CONTACT = ("email", "phone", "language", "notify")
"""What it takes to bring its reporter a message, or to know that they want none."""


class ReportForm(Form):
    """A resident's trouble. Who it is may be left out altogether."""

    community: UUID
    kind: Kind
    category: Code
    urgency: Urgency = Urgency.ORDINARY
    channel: Channel = Channel.WEB
    text: FreeText
    place: Line | None = None
    spot: Spot | None = None
    """Where the reporter stood, if they sent it along."""
    name: Line | None = None
    email: Email | None = None
    phone: Phone | None = None
    language: Language | None = None
    notify: bool = True
    """Tell them how it goes, where they left an address or a number."""
    about_staff: bool = False
    """It is about somebody who works for the community: nobody of the community sees it, but the level above."""
    danger: bool = False
    """Somebody is in danger now: it is urgent, is never mediated, and goes to the protection desk of the area."""
    minor: bool = False
    """It concerns somebody who is not of age: a guardian or the protection desk stands beside them."""
    guardian: Line | None = None
    """Who that is and how they are reached; none: the protection desk is asked."""
    same_as: UUID | None = None
    """An open case in the open that is, as they say, the same trouble. What can't be joined is taken as its own."""

    @field_validator("category")
    @classmethod
    def _known(cls, category: str, info: ValidationInfo) -> str:
        if "kind" in info.data:
            require_category(info.data["kind"], category)
        return category


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody was told at once, with which it ended."""

    how: Ending
    explanation: str
    language: str


@dataclass(frozen=True, slots=True)
class AtCounter:
    """What is said beside a report that a member of staff takes for somebody: who took it, what they told them if it
    ended there, and at which meeting it was voiced."""

    by: str
    told: Told | None = None
    gathering: UUID | None = None

    @property
    def content(self) -> str:
        """What else tells a repeat from another report."""
        return repr((self.told, self.gathering))


class TakenReport(BaseModel):
    case_id: UUID
    receipt: str
    """Seven words, shown this once: the only way to follow the case. Doorstep can't tell them again."""


async def take(
    door: Door,
    form: ReportForm,
    key: str,
    traceparent: str | None,
    actor: str = "resident",
    counter: AtCounter | None = None,
) -> tuple[TakenReport, Position]:
    """What all faces of this, the API, the page, the counter and Open311, do with a report.

    Raises:
        ProblemError: the community is not known.
        CommunityIsClosed: see there; a report that was taken before is answered as it was.
        KeyReused, StoreUnavailable: see `commands.handle`.
    """
    community = await door.communities.find(form.community)
    if community is None:
        raise unprocessable(
            "community", "is not known here", "Take the community_id that GET /api/intake/v1/communities lists."
        )
    receipt = door.receipts.derive(form.community, key)
    command_key = door.receipts.command_key(receipt)
    if community.closed and not await taken_before(door, [command_key]):
        raise CommunityIsClosed(name=community.name)
    at, case, particulars = now(), new_id(), new_id()
    sealed = [door.service.vault.seal(particulars, _written(form))]
    answered = None
    if counter and (told := counter.told):
        explanation = new_id()
        answered = AnsweredAtOnce(how=told.how, by=counter.by, explanation=explanation, language=told.language)
        sealed.append(
            door.service.vault.seal(explanation, {"explanation": told.explanation, "language": told.language})
        )
    command = TakeReport(
        community=form.community,
        reference=None,
        kind=form.kind,
        category=form.category,
        urgency=Urgency.URGENT if form.danger else form.urgency,
        channel=form.channel,
        reported_on=at.astimezone(community.clock).date(),
        imported=False,
        particulars=particulars,
        about_staff=form.about_staff,
        answered=answered,
        gathering=counter.gathering if counter else None,
        danger=form.danger,
        minor=form.minor,
        guardian=form.minor and form.guardian is not None,
        same_as=await _same_as(door, form, community, at),
    )
    intent = Intent(
        stream=case,
        command=command,
        key=command_key,
        fingerprint=door.service.fingerprints.digest("report", _content(form, counter)),
        actor=counter.by if counter else actor,
        at=at,
        area=(form.about_staff and area_above(community.area)) or community.area,
        sealed=sealed,
        traceparent=traceparent,
    )
    outcome = await handle(door.service.store, REPORTS, intent)
    taken = TakenReport(case_id=outcome.stream_id, receipt=receipt)
    return taken, Position.of(door.service.name, outcome)


async def taken_before(door: Door, keys: Sequence[str]) -> Set[str]:
    """Those of these command keys under which something was taken: whatever holds now, its answer stands."""
    _, known = await door.service.store.load([], keys, None)
    return known.keys()


def _written(form: ReportForm) -> dict[str, Any]:
    return form.model_dump(include={*PARTICULARS, "spot", "notify", "guardian"}, exclude_defaults=True)


async def _same_as(door: Door, form: ReportForm, community: Community, at: datetime) -> UUID | None:
    if form.same_as is None or form.about_staff or form.danger or form.minor:
        return None
    joined = await may_join(door, community, form.kind, form.category, form.same_as, at)
    return form.same_as if joined else None


def _content(form: ReportForm, counter: AtCounter | None) -> bytes:
    """What a repeat is compared by: of a form without the newer fields the same as before there were any."""
    newer = {name for name in ("spot", "same_as") if getattr(form, name) is None}
    return (form.model_dump_json(exclude=newer) + (counter.content if counter else "")).encode()
