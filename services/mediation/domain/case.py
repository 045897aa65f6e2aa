"""The states of a case, and how what happened leads from one to the next."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from services.contracts import cases
from services.contracts.cases import Closure, MediationResult, Urgency
from services.contracts.deadlines import Deadline, Rule
from services.contracts.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a case keeps from one state to the next."""

    level: str
    """The area that answers for the case."""
    urgency: Urgency
    imported: bool = False
    """Its outcome is history's to tell."""
    clocks: tuple[Deadline, ...] = ()
    """The dates that are promised and not kept yet, one for each rule."""
    agreed: bool = False
    """The last session ended in agreement."""
    barred: frozenset[str] = frozenset()
    """Who had it before it was reopened, each time."""
    erased: bool = False
    """What was written of it was erased, and nothing is written of it any more."""
    danger: bool = False
    minor: bool = False
    guardian: bool = False
    protection: str | None = None
    """The protection desk that has it or stands beside it."""

    @property
    def guarded(self) -> bool:
        """Somebody is in danger, or not of age with nobody of their own beside them."""
        return self.danger or (self.minor and not self.guardian)

    def clock(self, rule: str) -> Deadline | None:
        return next((clock for clock in self.clocks if clock.rule == rule), None)

    def promising(self, promised: tuple[Deadline, ...], *, without: Collection[str] = ()) -> "Standing":
        """With new dates, in place of those of the same rules and of the rules in `without`."""
        gone = {*without, *(clock.rule for clock in promised)}
        return replace(self, clocks=(*(clock for clock in self.clocks if clock.rule not in gone), *promised))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Versioned:
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unopened(_Versioned):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeWaiting(_Versioned):
    """History told the outcome before intake told of the case."""

    resolved_on: date
    resolved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known(_Versioned):
    standing: Standing

    @property
    def level(self) -> str:
        return self.standing.level


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(_Known):
    """Nobody's yet, or nobody's again."""

    owner: None = field(default=None, init=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owned(_Known):
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned(_Owned):
    """Somebody's, who has not said so yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(_Owned):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class InMediation(_Owned):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched(_Owned):
    """With a unit; its owner is the tracker, who stays the resident's contact."""

    unit: str
    accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged(_Known):
    """The same trouble as another case, and answered with it."""

    into: UUID
    owner: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved(_Known):
    resolved_on: date
    resolution_version: int
    owner: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(_Known):
    closure: Closure
    owner: str | None


Working = Opened | Assigned | Acknowledged | InMediation | Dispatched
Known = Working | Merged | Resolved | Closed
Case = Unopened | OutcomeWaiting | Known


def evolve(case: Case, event: Event) -> Case:
    """The case after `event`. What does not concern its state only counts as a version."""
    match case:
        case Unopened() | OutcomeWaiting():
            after = _arriving(case, event)
        case _ if isinstance(event, cases.CaseErased):
            after = replace(case, standing=replace(case.standing, erased=True))
        case Opened() | Assigned() | Acknowledged() | InMediation() | Dispatched():
            after = _worked_on(case, event)
        case Merged() | Resolved() | Closed():
            after = _at_rest(case, event)
    return replace(after, version=case.version + 1)


def keeps_texts(case: Case) -> bool:
    """Whether what is told beside a command may be kept: erasing a case is for good."""
    return isinstance(case, Unopened | OutcomeWaiting) or not case.standing.erased


def _arriving(case: Unopened | OutcomeWaiting, event: Event) -> Case:
    match event:
        case cases.CaseOpened():
            standing = Standing(
                level=event.level,
                urgency=event.urgency,
                imported=event.imported,
                clocks=event.deadlines,
                danger=event.danger,
                minor=event.minor,
                guardian=event.guardian,
                protection=event.protection,
            )
            return Opened(standing=standing)
        case cases.CaseOutcomeReceived():
            return OutcomeWaiting(resolved_on=event.resolved_on, resolved_at=event.resolved_at)
        case _:
            return case


def _worked_on(case: Working, event: Event) -> Case:
    standing = case.standing
    match event:
        case cases.CaseAssigned():
            return Assigned(standing=standing.promising(event.deadlines, without=[Rule.ACCEPT]), owner=event.owner)
        case cases.CaseAcknowledged():
            standing = standing.promising((), without=[Rule.ACKNOWLEDGE])
            if isinstance(case, Dispatched) and case.owner == event.owner:
                return replace(case, standing=standing)
            return Acknowledged(standing=standing, owner=event.owner)
        case cases.CaseMediated():
            begins = [Rule.DONE] if event.deadlines else []
            standing = standing.promising(event.deadlines, without=[Rule.ACCEPT, *begins])
            standing = replace(standing, agreed=event.result is MediationResult.AGREED)
            return InMediation(standing=standing, owner=case.owner or event.mediator)
        case cases.CaseDispatched():
            return Dispatched(standing=standing.promising(event.deadlines), owner=event.tracker, unit=event.unit)
        case cases.CaseDispatchAccepted() if isinstance(case, Dispatched):
            return replace(case, standing=standing.promising((), without=[Rule.ACCEPT]), accepted=True)
        case cases.CaseDispatchReturned() | cases.CaseDispatchDone() if isinstance(case, Dispatched):
            return Acknowledged(standing=standing.promising((), without=[Rule.ACCEPT]), owner=case.owner)
        case cases.CaseEscalated():
            standing = standing.promising(event.deadlines, without=[Rule.ACCEPT, event.rule or ""])
            standing = replace(standing, level=event.to_level)
            if event.owner:
                return Assigned(standing=standing, owner=event.owner)
            return Opened(standing=standing)
        case cases.CaseReminded():
            once = [Rule.SAME_DAY] if event.rule == Rule.SAME_DAY else []
            return replace(case, standing=standing.promising(event.deadlines, without=once))
        case cases.CaseMerged():
            return Merged(standing=standing.promising((), without=list(Rule)), into=event.into, owner=case.owner)
        case _:
            return _ended(case, event)


def _at_rest(case: Merged | Resolved | Closed, event: Event) -> Case:
    match event:
        case cases.CaseReopened():
            barred = case.standing.barred.union([event.previous_owner] if event.previous_owner else [])
            standing = replace(case.standing, level=event.level, clocks=event.deadlines, barred=barred, agreed=False)
            return Opened(standing=standing)
        case _:
            return _ended(case, event)


def _ended(case: Known, event: Event) -> Case:
    match event:
        case cases.CaseResolved():
            return Resolved(
                standing=replace(case.standing, clocks=event.deadlines),
                resolved_on=event.resolved_on,
                resolution_version=case.version + 1,
                owner=case.owner,
            )
        case cases.CaseDeclined():
            return replace(case, standing=replace(case.standing, clocks=event.deadlines))
        case cases.CaseClosed():
            window = [rule for rule in Rule if rule is not Rule.REOPEN]
            standing = case.standing.promising((), without=window)
            return Closed(standing=standing, closure=event.closure, owner=case.owner)
        case _:
            return case
