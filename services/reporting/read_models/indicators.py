"""What is counted, in which words, and where the events behind it lie: one entry for each indicator."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from services.chassis.web.marked import marked, marked_plural
from services.contracts import cases
from services.contracts.event import Event

IndicatorName = Literal[
    "reported",
    "open",
    "resolved",
    "resolved_same_day",
    "resolved_within_7_days",
    "days_to_resolution_median",
    "days_to_resolution_p90",
    "withdrawn",
    "declined",
    "acknowledged",
    "escalated",
]


class Unit(StrEnum):
    CASES = "cases"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Indicator:
    name: IndicatorName
    title: str
    sentence: str | tuple[str, str]
    """The number in a sentence of its own; `{value}` is the number. Two of them: for one, and for many."""
    definition: str
    clock: str
    counts: str
    """SQL over a row of `known` (see figures.py): whether this case counts."""
    event: type[Event]
    """The type of the one event of each counted case that makes it count."""
    percentile: float | None = None
    """Not how many cases, but this percentile of their days to resolution."""

    @property
    def unit(self) -> Unit:
        return Unit.CASES if self.percentile is None else Unit.DAYS


_REPORT_DAY = marked("Counted by the day of the report, in the community's time zone.")
_DAYS = marked("Calendar days in the community's time zone, from report to resolution.")

INDICATORS = (
    Indicator(
        name="reported",
        title=marked("Reported"),
        sentence=marked("{value} cases were reported."),
        definition=marked("Every case that a resident or a community reported, withdrawn and declined ones too."),
        clock=_REPORT_DAY,
        counts="true",
        event=cases.CaseReported,
    ),
    Indicator(
        name="open",
        title=marked("Open"),
        sentence=marked("{value} of them wait for a resolution."),
        definition=marked(
            "Reported cases that are neither resolved, withdrawn nor declined;"
            " a case that was reopened, or appealed, is open again."
        ),
        clock=_REPORT_DAY,
        counts="days IS NULL AND NOT withdrawn AND NOT declined",
        event=cases.CaseReported,
    ),
    Indicator(
        name="resolved",
        title=marked("Resolved"),
        sentence=marked("{value} of them are resolved."),
        definition=marked("Reported cases whose resolution stands, with the explanation given to the resident."),
        clock=_REPORT_DAY,
        counts="days IS NOT NULL",
        event=cases.CaseResolved,
    ),
    Indicator(
        name="resolved_same_day",
        title=marked("Resolved on the day"),
        sentence=marked("{value} were resolved on the day of the report."),
        definition=marked("Resolved cases whose resolution stands on the calendar day of the report."),
        clock=_DAYS,
        counts="days <= 0",
        event=cases.CaseResolved,
    ),
    Indicator(
        name="resolved_within_7_days",
        title=marked("Resolved within 7 days"),
        sentence=marked("{value} were resolved within seven days."),
        definition=marked("Resolved cases with at most seven calendar days from report to resolution."),
        clock=_DAYS,
        counts="days <= 7",
        event=cases.CaseResolved,
    ),
    Indicator(
        name="days_to_resolution_median",
        title=marked("Median time to resolution"),
        sentence=marked_plural(
            "Half of the resolved cases were resolved within {value} day.",
            "Half of the resolved cases were resolved within {value} days.",
        ),
        definition=marked(
            "The fewest days within which at least half of the resolved cases were resolved (discrete percentile)."
        ),
        clock=_DAYS,
        counts="days IS NOT NULL",
        event=cases.CaseResolved,
        percentile=0.5,
    ),
    Indicator(
        name="days_to_resolution_p90",
        title=marked("Nine in ten resolved within"),
        sentence=marked_plural(
            "Nine in ten of the resolved cases were resolved within {value} day.",
            "Nine in ten of the resolved cases were resolved within {value} days.",
        ),
        definition=marked(
            "The fewest days within which at least 90 % of the resolved cases were resolved (discrete percentile)."
        ),
        clock=_DAYS,
        counts="days IS NOT NULL",
        event=cases.CaseResolved,
        percentile=0.9,
    ),
    Indicator(
        name="withdrawn",
        title=marked("Withdrawn"),
        sentence=marked("{value} were withdrawn by the resident."),
        definition=marked(
            "Reported cases that the resident took back before they were resolved or declined."
            " Reported = open + resolved + withdrawn + declined."
        ),
        clock=_REPORT_DAY,
        counts="days IS NULL AND withdrawn AND NOT declined",
        event=cases.CaseWithdrawn,
    ),
    Indicator(
        name="declined",
        title=marked("Declined"),
        sentence=marked("{value} were declined, by a person who gave a reason."),
        definition=marked(
            "Reported cases that a member of staff does not take further, with a reason and an explanation;"
            " one that goes to somebody else on appeal is open again."
        ),
        clock=_REPORT_DAY,
        counts="days IS NULL AND declined",
        event=cases.CaseDeclined,
    ),
    Indicator(
        name="acknowledged",
        title=marked("Acknowledged"),
        sentence=marked("{value} were acknowledged by a member of staff."),
        definition=marked(
            "Reported cases that a named member of staff answered for at least once."
            " Imported history does not say, and is not counted."
        ),
        clock=_REPORT_DAY,
        counts="acknowledged",
        event=cases.CaseAcknowledged,
    ),
    Indicator(
        name="escalated",
        title=marked("Escalated"),
        sentence=marked("{value} were raised to a higher level."),
        definition=marked("Reported cases that went up the tree of areas at least once."),
        clock=_REPORT_DAY,
        counts="escalated",
        event=cases.CaseEscalated,
    ),
)

BY_NAME: dict[str, Indicator] = {indicator.name: indicator for indicator in INDICATORS}
