"""The form of a POST, made into a report. What it says of its sender is sealed with the report, as everybody's is.

`device_id` and `account_id` are let fall: nothing may join the cases of one person.
"""

from collections.abc import Mapping
from uuid import UUID

from pydantic import ValidationError

from services.chassis.problems import Fault, faults_of
from services.contracts.cases import Channel, Kind, Urgency
from services.intake.open311.offered import URGENCIES, URGENCY, Service, service_of
from services.intake.open311.refusals import NO_SERVICE, NotAnswered, not_valid
from services.intake.taking import ReportForm

LONGEST_DESCRIPTION = 4000
LONGEST_ADDRESS = 900

_FIELDS: Mapping[str, str] = {"text": "description", "place": "address_string", "name": "first_name and last_name"}
"""What the specification calls a field of ours."""

Said = Mapping[str, str]
"""The fields that were sent, the last of each name; what is empty was not."""


def service_asked(said: Said) -> Service:
    """Raises NotAnswered."""
    if "service_code" not in said:
        raise NotAnswered(400, "service_code was not provided. Send one that GET services lists.")
    service = service_of(said["service_code"])
    if service is None:
        raise NotAnswered(404, NO_SERVICE)
    return service


def report_of(said: Said, service: Service, community: UUID) -> ReportForm:
    """Raises NotAnswered: 400, with each field that is wrong."""
    urgency, place = _urgency(said), _place(said)
    _not_longer(said, "description", LONGEST_DESCRIPTION)
    _not_longer(said, "media_url", LONGEST_ADDRESS)
    told = {
        "text": "\n".join(
            [said.get("description", service.name), *([said["media_url"]] if "media_url" in said else [])]
        ),
        "place": place,
        "name": " ".join(said[name] for name in ("first_name", "last_name") if name in said) or None,
        "email": said.get("email"),
        "phone": said.get("phone"),
    }
    fixed = {"kind": Kind.FAULT, "category": service.code, "channel": Channel.SYSTEM}
    try:
        return ReportForm.model_validate({"community": community, "urgency": urgency, **fixed, **told})
    except ValidationError as invalid:
        faults = faults_of(invalid.errors(include_url=False, include_input=False))
        raise not_valid([_by_their_name(fault) for fault in faults]) from None


def _by_their_name(fault: Fault) -> Fault:
    return fault.model_copy(update={"field": _FIELDS.get(fault.field, fault.field)})


def _urgency(said: Said) -> Urgency:
    values = {name.removesuffix("[]"): value for name, value in said.items() if name.startswith("attribute[")}
    value = values.pop(f"attribute[{URGENCY}]", Urgency.ORDINARY)
    if values:
        raise NotAnswered(400, "attribute is not one of the service's. Send those that its definition lists.")
    if value not in URGENCIES:
        raise NotAnswered(400, f"attribute[{URGENCY}] is not one of its values. Use {', '.join(URGENCIES)}.")
    return Urgency(value)


def _place(said: Said) -> str:
    """Where it is, in one line: the address, its number in a register, and the point on the map."""
    point = _point(said)
    place = ", ".join([said[name] for name in ("address_string", "address_id") if name in said])
    told = f"{place} ({point})" if place and point else place or point
    if not told:
        raise NotAnswered(400, "A location was not provided. Send lat and long, or address_string, or address_id.")
    return told


def _point(said: Said) -> str:
    if "lat" not in said and "long" not in said:
        return ""
    if "lat" not in said or "long" not in said:
        raise NotAnswered(400, "lat and long belong together. Send both, or neither of them.")
    return f"{_degrees(said, 'lat', 90)}, {_degrees(said, 'long', 180)}"


def _degrees(said: Said, field: str, most: int) -> str:
    try:
        degrees = float(said[field])
    except ValueError:
        degrees = float("nan")
    if not -most <= degrees <= most:
        raise NotAnswered(400, f"{field} is not a number of degrees. Send one from -{most} to {most}.")
    return f"{degrees:.6f}"


def _not_longer(said: Said, field: str, most: int) -> None:
    if len(said.get(field, "")) > most:
        raise NotAnswered(400, f"{field} is longer than {most} characters. Shorten it to {most} or fewer.")
