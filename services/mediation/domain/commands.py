"""What mediation can be asked to do with a case. Time and ids arrive in here; nothing looks at a clock."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.contracts.cases import (
    EscalationReason,
    Kind,
    MediationPlace,
    MediationResult,
    Resolution,
    Urgency,
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and the areas (path prefixes) that this person answers for."""

    id: str
    areas: tuple[str, ...]

    def answers_for(self, level: str) -> bool:
        return level.startswith(self.areas)


DOORSTEP = Actor("doorstep", ("/",))
"""The system itself, on behalf of a rule that product.md names."""


@dataclass(frozen=True, slots=True)
class OpenCase:
    community: UUID
    reference: str | None
    kind: Kind
    category: str
    urgency: Urgency
    level: str
    imported: bool


@dataclass(frozen=True, slots=True)
class AssignCase:
    by: Actor
    owner: str


@dataclass(frozen=True, slots=True)
class AcknowledgeCase:
    by: Actor


@dataclass(frozen=True, slots=True)
class RecordMediation:
    """`by` held the session; `note` names the sealed row beside the command."""

    by: Actor
    result: MediationResult
    place: MediationPlace
    note: UUID | None


@dataclass(frozen=True, slots=True)
class EscalateCase:
    by: Actor
    reason: EscalationReason


@dataclass(frozen=True, slots=True)
class ResolveCase:
    """`explanation` names the sealed row beside the command; `resolved_on` is the community's own day."""

    by: Actor
    resolution: Resolution
    explanation: UUID
    language: str
    resolved_on: date


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """History says that the case was resolved; it may say so before the case arrives."""

    resolved_on: date
    resolved_at: datetime


@dataclass(frozen=True, slots=True)
class WithdrawCase:
    """The resident took the report back."""


@dataclass(frozen=True, slots=True)
class ConfirmCase:
    """The resident says that it is solved; `resolution_version` is the version of the resolution they saw."""

    resolution_version: int


@dataclass(frozen=True, slots=True)
class EraseCase:
    """The particulars of the case go; whoever sends this deletes mediation's own as well."""


Command = (
    OpenCase
    | AssignCase
    | AcknowledgeCase
    | RecordMediation
    | EscalateCase
    | ResolveCase
    | RecordOutcome
    | WithdrawCase
    | ConfirmCase
    | EraseCase
)
