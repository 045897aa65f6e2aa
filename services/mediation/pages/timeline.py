"""What happened to a case, told to staff: a sentence for each event, and the texts that go with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.chassis.web.languages import Language
from services.contracts import cases
from services.contracts.event import Event
from services.mediation.case_file import CaseFile
from services.mediation.explaining import title
from services.mediation.pages.listing import Looks
from services.mediation.words import (
    CLOSURES,
    DECLINE_REASONS,
    ESCALATION_REASONS,
    RESOLUTIONS,
    RESULTS,
    RETURN_REASONS,
    SESSION_PLACES,
)

_NOT_PEOPLE = ("doorstep", "resident", "unit:")


@dataclass(frozen=True, slots=True)
class Step:
    """`actor` is who did it, where the sentence does not say so; `text` was written by people, in `lang`."""

    at: datetime
    sentence: str
    more: tuple[str, ...] = ()
    actor: str | None = None
    text: str | None = None
    lang: str | None = None
    label: str | None = None
    """What the text is."""
    case: UUID | None = None
    """Another case that it speaks of."""


def _named(event: Event) -> set[str | None]:
    """Whom its sentence names already."""
    return {getattr(event, name, None) for name in ("owner", "mediator", "tracker", "by")}


@dataclass(frozen=True, slots=True)
class Teller:
    look: Looks
    units: Mapping[str, str]
    """Names of units by code."""

    def steps(self, file: CaseFile) -> list[Step]:
        """The newest first."""
        told: list[Step] = []
        for recorded, event in zip(file.recorded, file.events, strict=True):
            sentence, more = self._told(event)
            actor = recorded.actor if not recorded.actor.startswith(_NOT_PEOPLE) else None
            text, label = self._text(event, file.texts)
            told.append(
                Step(
                    at=recorded.occurred_at,
                    sentence=sentence,
                    more=more,
                    actor=None if actor in _named(event) else actor,
                    text=text,
                    lang=event.language if isinstance(event, cases.CaseResolved | cases.CaseDeclined) else None,
                    label=label,
                    case=event.into if isinstance(event, cases.CaseMerged) else None,
                )
            )
        told.reverse()
        reported = Step(file.row.reported_at, self.look.language.gettext("The report arrived."))
        return [*told, reported]

    def unit(self, code: str) -> str:
        return self.units.get(code, code)

    def _told(self, event: Event) -> tuple[str, tuple[str, ...]]:
        language: Language = self.look.language
        _ = language.gettext
        match event:
            case cases.CaseOpened():
                return _("The case was opened at {place}.").format(place=self.look.place(event.level)), ()
            case cases.CaseOutcomeReceived():
                return _("History told how it ended before the case itself arrived."), ()
            case cases.CaseAssigned():
                return _("The case was given to {who}.").format(who=event.owner), ()
            case cases.CaseAcknowledged():
                return _("{who} has taken the case on and answers for it.").format(who=event.owner), ()
            case cases.CaseMediated():
                sentence = _("{who} held a mediation session.").format(who=event.mediator)
                return sentence, (_(RESULTS[event.result]), _(SESSION_PLACES[event.place]))
            case cases.CaseDispatched():
                sentence = _("Handed to {unit}. {who} stays the resident's contact.")
                return sentence.format(unit=self.unit(event.unit), who=event.tracker), ()
            case cases.CaseDispatchAccepted():
                return _("{unit} takes the work on.").format(unit=self.unit(event.unit)), ()
            case cases.CaseDispatchReturned():
                sentence = _("{unit} gave the case back.").format(unit=self.unit(event.unit))
                return sentence, (_(RETURN_REASONS[event.reason]),)
            case cases.CaseDispatchDone():
                return _("{unit} says that its work is done.").format(unit=self.unit(event.unit)), ()
            case cases.CaseReminded():
                return self._reminded(event), ()
            case cases.CaseContactRequested(unit=str(unit)):
                return _("{unit} is to be reached in the fastest way.").format(unit=self.unit(unit)), ()
            case cases.CaseContactRequested():
                return _("A unit that can help is to be found and reached in the fastest way."), ()
            case cases.CaseDelayExplained():
                sentence = _("The resident is told that it takes longer than today, and the new date: {at}.")
                return sentence.format(at=language.near(event.due_at, self.look.zone)), ()
            case cases.CaseEscalated():
                return self._escalated(event), (_(ESCALATION_REASONS[event.reason]),)
            case cases.CaseMerged():
                return _("It is the same trouble as another case, and is answered with that one."), ()
            case cases.CaseResolved(answer=UUID()):
                sentence = _("It ended at the counter. What they were told lies with the report.")
                return sentence, (_(RESOLUTIONS[event.resolution]),)
            case cases.CaseResolved():
                return _("The case was resolved."), (_(RESOLUTIONS[event.resolution]),)
            case cases.CaseDeclined(by=who):
                sentence = _("{who} declined it: it is taken no further.").format(who=who)
                return sentence, (_(DECLINE_REASONS[event.reason]),)
            case cases.CaseMessageWritten(by=who):
                return _("{who} wrote to the resident.").format(who=who), ()
            case cases.CaseReopened(on_appeal=True, previous_owner=str(who)):
                sentence = _(
                    "The resident appealed, and the case was taken up again at {place}. {who} had declined it."
                )
                return sentence.format(who=who, place=self.look.place(event.level)), ()
            case cases.CaseReopened(previous_owner=str(who)):
                return _("The case was taken up again. {who} had it before.").format(who=who), ()
            case cases.CaseReopened():
                return _("The case was taken up again."), ()
            case cases.CaseClosed():
                return _(CLOSURES[event.closure]), ()
            case cases.CaseErased():
                return _("What was written about the case was erased; what is written from now on is not kept."), ()
            case _:
                return event.type, ()

    def _reminded(self, event: cases.CaseReminded) -> str:
        _, what = self.look.language.gettext, title(event.rule, self.look.language)
        if event.owner is None:
            return _("Whoever is on duty was reminded: {what}.").format(what=what)
        return _("{who} was reminded: {what}.").format(who=event.owner, what=what)

    def _escalated(self, event: cases.CaseEscalated) -> str:
        _, up = self.look.language.gettext, self.look.place(event.to_level)
        if event.owner is None:
            return _("The case went one level up, to {place}, where nobody was on duty.").format(place=up)
        return _("The case went one level up, to {place}. {who} has it now.").format(place=up, who=event.owner)

    def _text(self, event: Event, texts: Mapping[UUID, Mapping[str, Any]]) -> tuple[str | None, str | None]:
        """What was written with it, as far as the reader may read it, and what that is."""
        _ = self.look.language.gettext
        match event:
            case cases.CaseMessageWritten(message=ref):
                field, label = "message", _("Written to the resident")
            case cases.CaseResolved(explanation=UUID() as ref) | cases.CaseDeclined(explanation=ref):
                field, label = "explanation", _("Told to the resident")
            case cases.CaseMediated(note=UUID() as ref):
                field, label = "note", _("Your note, which nobody else reads")
            case cases.CaseDispatched(shared=UUID() as ref):
                field, label = "shared", _("Told to the unit")
            case cases.CaseDispatchReturned(note=UUID() as ref) | cases.CaseDispatchDone(note=UUID() as ref):
                field, label = "note", _("What the unit said")
            case _:
                return None, None
        return texts.get(ref, {}).get(field), label
