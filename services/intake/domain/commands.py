"""What intake is asked to do."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.contracts.cases import Amendment, AnsweredAtOnce, Channel, Kind, Urgency
from services.contracts.gatherings import GatheringKind
from services.intake.domain.gathering import Plan


@dataclass(frozen=True, slots=True)
class TakeReport:
    """`particulars` names the sealed row that is stored in the same breath, `answered` another one."""

    community: UUID
    reference: str | None
    kind: Kind
    category: str
    urgency: Urgency
    channel: Channel
    reported_on: date
    imported: bool
    particulars: UUID
    about_staff: bool = False
    answered: AnsweredAtOnce | None = None
    gathering: UUID | None = None
    danger: bool = False
    minor: bool = False
    guardian: bool = False
    same_as: UUID | None = None


@dataclass(frozen=True, slots=True)
class AmendReport:
    """`particulars` names the sealed row of a message, or of the report as it is to be read from now on."""

    amendment: Amendment
    particulars: UUID


@dataclass(frozen=True, slots=True)
class WithdrawReport:
    pass


@dataclass(frozen=True, slots=True)
class ConfirmResolution:
    """`resolution_version` is of mediation's stream, as the resident was shown it; none: nothing is resolved."""

    resolution_version: int | None


@dataclass(frozen=True, slots=True)
class AskReopening:
    """What mediation has said of the case so far, as the resident was shown it, and why it is not solved.

    `until` is when the time to ask ends; none: no such time was named. `asked`: this resolution was objected to before.
    """

    resolution_version: int | None
    until: datetime | None
    asked: bool
    at: datetime
    particulars: UUID


@dataclass(frozen=True, slots=True)
class AppealDecision:
    """As the resident was shown it: until when it can be appealed that the case was declined; none: it was not.

    `asked`: this refusal was appealed before.
    """

    until: datetime | None
    asked: bool
    at: datetime
    particulars: UUID


@dataclass(frozen=True, slots=True)
class EraseReport:
    pass


Command = TakeReport | AmendReport | WithdrawReport | ConfirmResolution | AskReopening | AppealDecision | EraseReport


@dataclass(frozen=True, slots=True)
class RegisterArea:
    path: str
    name: str


@dataclass(frozen=True, slots=True)
class RegisterCommunity:
    community: UUID
    area: str
    name: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class LocateCommunity:
    """`spot` is latitude and longitude in degrees; none: it is on no map."""

    spot: tuple[float, float] | None
    buildings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CloseCommunity:
    pass


@dataclass(frozen=True, slots=True)
class ReopenCommunity:
    pass


CommunityCommand = RegisterCommunity | LocateCommunity | CloseCommunity | ReopenCommunity


@dataclass(frozen=True, slots=True)
class AnnounceGathering:
    community: UUID
    kind: GatheringKind
    plan: Plan
    time_zone: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangeGathering:
    plan: Plan
    at: datetime


@dataclass(frozen=True, slots=True)
class CancelGathering:
    pass


@dataclass(frozen=True, slots=True)
class SignUp:
    """`sign_up` is made from the words that whoever signs up is shown; it names the sealed row beside the command too,
    if there is one."""

    sign_up: UUID
    people: int
    at: datetime


@dataclass(frozen=True, slots=True)
class SignOff:
    sign_up: UUID


@dataclass(frozen=True, slots=True)
class HoldGathering:
    attendance: int
    at: datetime


GatheringCommand = AnnounceGathering | ChangeGathering | CancelGathering | SignUp | SignOff | HoldGathering
