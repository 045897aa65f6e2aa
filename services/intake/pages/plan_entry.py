"""What staff type of a gathering: day and hours by the clock of its community."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData

from services.chassis.clock import EARLIEST, LATEST, within_reach
from services.chassis.web.marked import marked
from services.contracts.gatherings import GatheringKind
from services.intake.gatherings import clock_of
from services.intake.pages.draft import Fault, typed
from services.intake.read_models.gatherings import GatheringRow

FIELDS = ("community", "kind", "title", "place", "day", "begins", "ends", "seats", "attendance")
_LONGEST = 120
_SEATS = re.compile(r"[1-9][0-9]{0,4}")
_ATTENDANCE = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class PlanEntry:
    answers: Mapping[str, str]
    key: str

    @staticmethod
    def begun(**known: str) -> "PlanEntry":
        return PlanEntry({**dict.fromkeys(FIELDS, ""), **known}, secrets.token_urlsafe(24))

    @staticmethod
    def of(form: FormData) -> "PlanEntry":
        return PlanEntry({name: typed(form, name) for name in FIELDS}, typed(form, "key") or secrets.token_urlsafe(24))

    @staticmethod
    def as_it_is(row: GatheringRow) -> "PlanEntry":
        zone = clock_of(row)
        begins, ends = (within_reach(at).astimezone(zone) for at in (row.starts_at, row.ends_at))
        return PlanEntry.begun(
            title=row.title,
            place=row.place,
            day=begins.date().isoformat(),
            begins=f"{begins:%H:%M}",
            ends=f"{ends:%H:%M}",
            seats=str(row.seats or ""),
            attendance="" if row.attendance is None else str(row.attendance),
        )

    def __getitem__(self, name: str) -> str:
        return self.answers[name]

    def plan(self, zone: ZoneInfo) -> dict[str, Any]:
        """The fields of a PlanForm, once `faults` finds nothing."""
        day = date.fromisoformat(self["day"])
        return {
            "title": self["title"],
            "place": self["place"],
            "starts_at": _at(day, self["begins"], zone),
            "ends_at": _at(day, self["ends"], zone),
            "seats": int(self["seats"]) if self["seats"] else None,
        }

    def faults(self) -> list[Fault]:
        """What is to be mended of the plan, in the order of the fields."""
        faults = [
            Fault(name, text)
            for name, text in (
                ("title", marked("Say what it is, in at most 120 characters.")),
                ("place", marked("Say where it is, in at most 120 characters.")),
            )
            if not 1 <= len(self[name]) <= _LONGEST
        ]
        if not _reads(date.fromisoformat, self["day"]):
            faults.append(Fault("day", marked("Choose the day.")))
        elif not EARLIEST.year < date.fromisoformat(self["day"]).year < LATEST.year:
            faults.append(Fault("day", marked("Choose a day within the next two years.")))
        faults += [
            Fault(name, text)
            for name, text in (
                ("begins", marked("Write when it begins, like 19:30.")),
                ("ends", marked("Write when it ends, like 21:00.")),
            )
            if not _reads(time.fromisoformat, self[name])
        ]
        if self["seats"] and not _SEATS.fullmatch(self["seats"]):
            faults.append(Fault("seats", marked("Write how many seats there are, or leave it empty.")))
        return faults

    def kind_faults(self) -> list[Fault]:
        if self["kind"] in set(GatheringKind):
            return []
        return [Fault("kind", marked("Choose what kind of gathering it is."))]

    def attendance_faults(self) -> list[Fault]:
        if _ATTENDANCE.fullmatch(self["attendance"]):
            return []
        return [Fault("attendance", marked("Write how many came, as a number."))]


def _at(day: date, clock: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock).replace(tzinfo=None), zone).astimezone(UTC)


def _reads(read: Any, text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True
