"""What mediation can be asked to do with a case. Time and ids arrive in here; nothing looks at a clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.contracts.cases import (
    DeclineReason,
    EscalationReason,
    Kind,
    MediationPlace,
    MediationResult,
    Resolution,
    ReturnReason,
    Urgency,
)
from services.mediation.domain.case import Case
from services.mediation.domain.deadlines import Rules


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
class Circumstances:
    """The moment of a command, the rules that dates are computed by then, and who is on duty at which desk."""

    at: datetime
    rules: Rules
    on_duty: Mapping[str, Sequence[str]]
    """Cadres by the area of their desk, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`explanation` names the sealed row beside the command; `resolved_on` is the community's own day."""

    resolution: Resolution
    explanation: UUID
    language: str
    resolved_on: date


@dataclass(frozen=True, slots=True)
class AnsweredBefore:
    """`by` had answered it, at the counter; the explanation is intake's sealed row."""

    by: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class OpenCase:
    """`circumstances` are none for history, which promises nothing any more."""

    community: UUID
    reference: str | None
    kind: Kind
    category: str
    urgency: Urgency
    level: str
    imported: bool
    about_staff: bool = False
    danger: bool = False
    minor: bool = False
    guardian: bool = False
    circumstances: Circumstances | None = None
    answered: AnsweredBefore | None = None
    same_as: UUID | None = None


@dataclass(frozen=True, slots=True)
class AssignCase:
    by: Actor
    owner: str
    circumstances: Circumstances


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
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class DispatchCase:
    """`shared` names the sealed row of what the tracker tells the unit."""

    by: Actor
    unit: str
    shared: UUID | None
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class AcceptDispatch:
    unit: str


@dataclass(frozen=True, slots=True)
class ReturnDispatch:
    unit: str
    reason: ReturnReason
    note: UUID | None


@dataclass(frozen=True, slots=True)
class FinishDispatch:
    """The unit has done its work; explaining and resolving stays with the tracker."""

    unit: str
    note: UUID | None


@dataclass(frozen=True, slots=True)
class WriteMessage:
    """`message` names the sealed row of what `by` writes to the resident."""

    by: Actor
    message: UUID


@dataclass(frozen=True, slots=True)
class EscalateCase:
    """With `level`, only while the case is still there: whoever asks may not know that it has gone up."""

    by: Actor
    reason: EscalationReason
    circumstances: Circumstances
    level: str | None = None


@dataclass(frozen=True, slots=True)
class ResolveCase:
    by: Actor
    answer: Answer
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class DeclineCase:
    """`explanation` names the sealed row in which `by` tells the resident why, and what they can do instead."""

    by: Actor
    reason: DeclineReason
    explanation: UUID
    language: str
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class MergeCase:
    """The case is the same trouble as `into`, which stands as `other`."""

    by: Actor
    into: UUID
    other: Case


@dataclass(frozen=True, slots=True)
class AnswerMerged:
    """The case that this one was merged into is resolved, and so is this one."""

    into: UUID
    answer: Answer
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class ReleaseMerged:
    """The case that this one was merged into ended without an answer; this one is worked on again."""

    into: UUID
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class ReopenCase:
    """The resident asked at `asked_at` that it be taken up again."""

    asked_at: datetime
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class AppealCase:
    """The resident said at `asked_at` that it must not rest with being declined."""

    asked_at: datetime
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class Remind:
    """The moment to remind of `rule`, `remind_at`, has come."""

    rule: str
    remind_at: datetime


@dataclass(frozen=True, slots=True)
class PassDate:
    """The date of `rule`, `due_at`, has passed."""

    rule: str
    due_at: datetime
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """History says that an imported case was resolved; it may say so before the case arrives."""

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
    | DispatchCase
    | AcceptDispatch
    | ReturnDispatch
    | FinishDispatch
    | WriteMessage
    | EscalateCase
    | ResolveCase
    | DeclineCase
    | MergeCase
    | AnswerMerged
    | ReleaseMerged
    | ReopenCase
    | AppealCase
    | Remind
    | PassDate
    | RecordOutcome
    | WithdrawCase
    | ConfirmCase
    | EraseCase
)
