"""A case told to the resident: what happened, in sentences, and what is to come, by which date."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.intake.read_models.case_status import State, StatusRow, UnitSaid


@dataclass(frozen=True, slots=True)
class Teller:
    """Whom it is told to: the language, the community's clock, and the names of the places that come up."""

    language: Language
    zone: tzinfo
    places: Mapping[str, str]

    def tell(self, text: str, row: StatusRow, at: datetime | None = None) -> str:
        """A marked text with the case's own words in its places; `at` fills in `{at}`."""
        return self.language.gettext(text).format(
            assigned=row.assigned_to or "",
            acknowledged=row.acknowledged_by or "",
            writer=row.written_to_by or "",
            decliner=row.declined_by or "",
            unit=row.unit or "",
            place=self.places.get(row.level or row.area, ""),
            at=self.language.near(at, self.zone) if at else "",
        )


@dataclass(frozen=True, slots=True)
class Happened:
    what: str
    at: datetime
    text: str
    until: datetime | None = None


SENTENCES: Mapping[State, str] = {
    State.REPORTED: marked("Your report has arrived. It is on its way to the people on duty."),
    State.OPENED: marked("Your case is open."),
    State.ASSIGNED: marked("Your case has been given to somebody by name."),
    State.ACKNOWLEDGED: marked("Somebody has taken your case and answers for it."),
    State.DISPATCHED: marked("Your case was handed to those who can mend it. Whoever has it stays your contact."),
    State.IN_MEDIATION: marked("A mediation session was held."),
    State.MERGED: marked("Others reported the same trouble. Your case is answered together with theirs."),
    State.RESOLVED: marked("Your case is resolved. Read the explanation, and confirm if you agree."),
    State.DECLINED: marked("Your case was declined: it is taken no further. You may appeal to somebody else."),
    State.APPEALED: marked("You appealed. Somebody else will look at it, one level above."),
    State.CONFIRMED: marked("You confirmed that your case is resolved. Thank you."),
    State.REOPENING_ASKED: marked("You said that it is not solved. Somebody else will look at it."),
    State.CLOSED: marked("Your case is closed."),
    State.WITHDRAWN: marked("You withdrew your report."),
    State.ERASED: marked("What was held about your case was erased."),
}

_ALERTED = marked("Your case is open. Whoever is on duty has been told.")
_NOBODY = marked("Your case is open. Nobody is on duty just now; those above see it.")

_UNIT_SAID = {
    UnitSaid.ACCEPTED: marked("The unit ({unit}) takes the work on."),
    UnitSaid.RETURNED: marked("The unit ({unit}) could not do it and gave it back; another way is being looked for."),
    UnitSaid.DONE: marked("The unit ({unit}) says that its work is done."),
}


def sentence(row: StatusRow) -> str:
    """Where it stands; that somebody on duty was told only once they were."""
    if row.state is State.OPENED and (row.nobody_at or row.alerted_at):
        return _NOBODY if row.nobody_at else _ALERTED
    return SENTENCES[row.state]


def story(row: StatusRow) -> list[Happened]:
    """What happened, the newest first; of one instant, as imported history has them, the later step stands first."""
    steps: list[tuple[str, datetime | None, str]] = [
        ("reported", row.reported_at, marked("Your report arrived.")),
        ("opened", row.opened_at, marked("Your case was opened.")),
        ("alerted", row.alerted_at, marked("The one on duty was alerted.")),
        ("escalated", row.escalated_at, marked("Your case went one level up, to {place}.")),
        ("reminded", row.reminded_at, marked("Whoever has your case was reminded of the date.")),
        ("assigned", row.assigned_at if row.assigned_to else None, marked("Your case was given to {assigned}.")),
        (
            "acknowledged",
            row.acknowledged_at if row.acknowledged_by else None,
            marked("{acknowledged} has taken your case and answers for it."),
        ),
        ("mediated", row.mediated_at, marked("A mediation session was held.")),
        ("dispatched", row.dispatched_at, marked("Your case was handed to a unit that can help ({unit}).")),
        ("unit_said", row.unit_said_at, _UNIT_SAID[UnitSaid(row.unit_said)] if row.unit_said else ""),
        ("contacted", row.contacted_at, marked("Those who are to help were reached in the fastest way.")),
        ("delayed", row.delayed_at, marked("It takes longer than today. The new date: {at}.")),
        ("wrote", row.wrote_at, marked("You wrote to whoever has your case.")),
        ("corrected", row.corrected_at, marked("You corrected what you had told.")),
        ("written_to", row.written_to_at, marked("{writer} wrote to you.")),
        ("merged", row.merged_at, marked("Others reported the same; your cases are answered together.")),
        ("resolved", row.resolved_at, marked("Your case was resolved.")),
        ("confirmed", row.confirmed_at, marked("You confirmed that it is solved.")),
        ("declined", row.declined_at, marked("{decliner} declined your case.")),
        ("appealed", row.appealed_at, marked("You appealed against that.")),
        ("closed", row.closed_at, marked("Your case was closed.")),
        ("reopening_asked", row.reopening_asked_at, marked("You said that it is not solved.")),
        ("reopened", row.reopened_at, marked("Your case was taken up again; somebody else looks at it now.")),
        ("withdrawn", row.withdrawn_at, marked("You withdrew your report.")),
        ("erased", row.erased_at, marked("What was held about your case was erased.")),
    ]
    happened = [
        Happened(what, at, text, row.delayed_until if what == "delayed" else None)
        for what, at, text in reversed(steps)
        if at is not None
    ]
    return sorted(happened, key=lambda one: one.at, reverse=True)


@dataclass(frozen=True, slots=True)
class Promise:
    """The next date: what is to have happened by then, or what is done about it if that has passed."""

    text: str
    at: datetime
    passed: bool


def promise(row: StatusRow, at: datetime) -> Promise | None:
    """What the resident can count on next; none where nothing is awaited."""
    passed = marked("This was promised by {at}. The date has passed, and your case goes up to the next level.")
    match row.state:
        case State.OPENED | State.ASSIGNED:
            due, text = row.acknowledge_by, marked("Somebody takes it on by {at}.")
        case State.ACKNOWLEDGED | State.DISPATCHED | State.IN_MEDIATION:
            if row.told_by and row.told_by > at:
                return Promise(marked("You hear of it by {at}, solved or not."), row.told_by, passed=False)
            due, text = row.done_by, marked("It is to be done by {at}.")
        case State.RESOLVED:
            due, passed = row.confirm_by, ""
            text = marked("Say whether it is solved until {at}; after that it counts as solved.")
        case State.DECLINED:
            due, text = row.reopen_by, marked("You may appeal until {at}.")
            passed = ""
        case State.CLOSED | State.CONFIRMED:
            due, text = row.reopen_by, marked("If it is not solved after all, say so until {at}.")
            passed = ""
        case _:
            return None
    if due is None or (due <= at and not passed):
        return None
    return Promise(text if due > at else passed, due, passed=due <= at)
