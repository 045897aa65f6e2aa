"""Gatherings as calendars read them (iCalendar, RFC 5545): each keeps its UID, and counts its changes up."""

from collections.abc import Sequence

from icalendar import STATUS, Calendar, Event

from services.chassis.clock import within_reach
from services.chassis.web.languages import Language
from services.intake.gatherings import clock_of
from services.intake.read_models.gatherings import GatheringRow, State

MEDIA_TYPE = "text/calendar; charset=utf-8"


def calendar(name: str, rows: Sequence[GatheringRow], address: str, language: Language) -> bytes:
    """What a reader subscribes to or takes once. `address` is where the page of each gathering lies, without its id.

    What was cancelled stays in it and says so: a calendar that has it would otherwise keep it as it was.
    """
    feed = Calendar.new(prodid="-//Doorstep//Gatherings//EN", name=name, method="PUBLISH", language=language.code)
    for row in rows:
        feed.add_component(_event(row, f"{address}{row.gathering_id}"))
    feed.add_missing_timezones()
    return feed.to_ical()


def _event(row: GatheringRow, page: str) -> Event:
    zone = clock_of(row)
    return Event.new(
        uid=f"{row.gathering_id}@doorstep",
        sequence=row.sequence,
        status=STATUS.CANCELLED if row.state == State.CANCELLED else STATUS.CONFIRMED,
        summary=row.title,
        location=row.place,
        start=within_reach(row.starts_at).astimezone(zone),
        end=within_reach(row.ends_at).astimezone(zone),
        stamp=row.changed_at,
        last_modified=row.changed_at,
        url=page,
    )
