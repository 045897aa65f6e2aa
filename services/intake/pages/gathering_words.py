"""What gatherings are called on pages."""

from services.chassis.web.marked import marked
from services.contracts.gatherings import GatheringKind

KINDS: dict[str, str] = {
    GatheringKind.LECTURE: marked("Lecture"),
    GatheringKind.BENCH: marked("Bench meeting: tell what you need"),
    GatheringKind.COUNCIL: marked("Council meeting"),
}
