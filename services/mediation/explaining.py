"""Why a date is what it is, in words: the rule, the start, the time it gives, the days not counted, the versions."""

from collections.abc import Sequence
from datetime import tzinfo

from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.contracts.deadlines import Allowance, Deadline, Rule, Skipped, SkipReason, Unit

RULES: dict[str, str] = {
    Rule.ACKNOWLEDGE: marked("Somebody takes the case on"),
    Rule.SAME_DAY: marked("Same-day rule"),
    Rule.ACCEPT: marked("The unit answers"),
    Rule.DONE: marked("The case is solved"),
    Rule.MEDIATE: marked("Mediation ends"),
    Rule.CONFIRM: marked("The resident confirms"),
    Rule.REOPEN: marked("The resident may ask to reopen"),
}
"""What a date is for, in a word or two."""

_MEANT: dict[str, str] = {
    Rule.ACKNOWLEDGE: marked("By then somebody has seen the case and answers for it; else it goes one level up."),
    Rule.SAME_DAY: marked("What can be done today is done today; else the resident hears the new date by then."),
    Rule.ACCEPT: marked("By then the unit says whether it takes the work on; else the case goes one level up."),
    Rule.DONE: marked("By then the case is solved and explained; else it goes one level up."),
    Rule.MEDIATE: marked("By then mediation has come to an end; else the case goes one level up."),
    Rule.CONFIRM: marked("Until then the resident can say whether it is solved; after that it counts as solved."),
    Rule.REOPEN: marked("Until then the resident can ask to have it taken up again."),
}

_WINDOWS = frozenset({Rule.CONFIRM, Rule.REOPEN})


def title(rule: str, language: Language) -> str:
    return language.gettext(RULES[rule]) if rule in RULES else rule


def explain(deadline: Deadline, language: Language, zone: tzinfo, *, renewed: bool = False) -> list[str]:
    """One sentence for each thing that made the date. `renewed`: an earlier date had passed."""
    _ = language.gettext
    told = [_(_MEANT[deadline.rule])] if deadline.rule in _MEANT else []
    if renewed:
        told.append(_("An earlier date had passed, so this is the time given to the next who answers for the case."))
    told.append(_("Counted from {start}.").format(start=language.moment(deadline.started_at, zone)))
    told.append(_allowed(deadline.rule, deadline.allowance, language))
    told += _not_counted(deadline.skipped, language)
    if deadline.provisional:
        told.append(
            _("The official notice of the holidays of those days was not out yet; the calendar may still change.")
        )
    versions = _("By policy {policy} and calendar {calendar}; a later version does not change this date.")
    told.append(versions.format(policy=deadline.policy, calendar=deadline.calendar))
    return told


def _allowed(rule: str, allowance: Allowance | None, language: Language) -> str:
    _, ngettext = language.gettext, language.ngettext
    if allowance is None:
        return _("It falls on closing hour of that day, or of the next working day.")
    n = allowance.amount
    match allowance.unit:
        case Unit.SECONDS:
            text = ngettext("The policy gives {n} second.", "The policy gives {n} seconds.", n)
        case Unit.MINUTES:
            text = ngettext(
                "The policy gives {n} minute, by day and by night.",
                "The policy gives {n} minutes, by day and by night.",
                n,
            )
        case Unit.HOURS:
            text = ngettext(
                "The policy gives {n} hour, by day and by night.", "The policy gives {n} hours, by day and by night.", n
            )
        case Unit.WORKING_DAYS:
            text = ngettext(
                "The policy gives {n} working day, to its closing hour.",
                "The policy gives {n} working days, to closing hour of the last.",
                n,
            )
        case Unit.DAYS if rule in _WINDOWS:
            text = ngettext(
                "The policy gives {n} day; every day counts, to its end.",
                "The policy gives {n} days; every day counts, to the end of the last.",
                n,
            )
        case Unit.DAYS:
            text = ngettext(
                "The policy gives {n} day, to its closing hour; if that rests, of the next working day.",
                "The policy gives {n} days, to closing hour of the last; if that rests, of the next working day.",
                n,
            )
    return text.format(n=language.number(n))


def _not_counted(skipped: Sequence[Skipped], language: Language) -> list[str]:
    return [_skipped(one, language) for one in skipped]


def _skipped(one: Skipped, language: Language) -> str:
    _, day = language.gettext, language.short_day(one.day)
    match one.why:
        case SkipReason.REST_DAY:
            return _("Not counted: {day}, a rest day.").format(day=day)
        case SkipReason.HOLIDAY if one.name:
            return _("Not counted: {day}, a public holiday ({name}).").format(day=day, name=one.name)
        case SkipReason.HOLIDAY:
            return _("Not counted: {day}, a day off by the calendar.").format(day=day)
        case SkipReason.AFTER_CLOSING:
            return _("Not counted: {day}, since it began after closing hour.").format(day=day)
