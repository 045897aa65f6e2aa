"""What residents and staff ask of a running service, each in a function; the answer is a position, or nothing."""

from typing import Any, cast
from uuid import UUID

from fastapi import Response

from services.chassis import http
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.contracts.cases import MediationPlace, MediationResult, Resolution, ReturnReason
from services.contracts.deadlines import Allowance, Unit
from services.contracts.duty import DutyPlace, duty_stream
from services.contracts.policies import Policy, Terms, policy_stream
from services.contracts.registry import area_stream, community_stream, unit_stream
from services.intake.carrying_out import carry_out
from services.intake.domain.commands import ConfirmResolution, RegisterArea, RegisterCommunity, WithdrawReport
from services.intake.domain.registry import AREAS, COMMUNITIES
from services.intake.following import NotSolved, ask_reopening, erase_case
from services.intake.taking import ReportForm, take
from services.mediation import casework, handing_over
from services.mediation.desk import Desk
from services.mediation.domain.policy_decider import POLICIES, SetPolicy
from services.mediation.domain.unit import UNITS, RegisterUnit
from services.notifications import answering
from services.notifications.domain.commands import TakeDuty
from services.notifications.domain.decider import ALERTS, DUTY
from tests.simulation.services import Running

CITY = "/town/"
UNIT = "water"


def seconds(amount: int) -> Allowance:
    return Allowance(amount=amount, unit=Unit.SECONDS)


def policy(patience: int) -> Policy:
    """Days as seconds; with more `patience` time passes dates more seldom."""

    def terms(most: int) -> Terms:
        hurried = seconds(patience * most)
        return Terms(
            acknowledge=seconds(5 * patience), accept=hurried, done=hurried, mediate=hurried, escalate_every=hurried
        )

    return Policy(
        version="simulated-1",
        urgent=terms(4),
        ordinary=terms(12),
        complex=terms(12),
        confirm=seconds(8 * patience),
        reopen=seconds(40),
    )


async def register_area(there: Running, path: str) -> str:
    return await _registered(there, AREAS, area_stream(path), path, RegisterArea(path, path))


async def register_community(there: Running, path: str) -> str:
    community = community_stream(path)
    command = RegisterCommunity(community, path, path, "Asia/Shanghai")
    return await _registered(there, COMMUNITIES, community, path, command)


async def _registered(there: Running, decider: Any, stream: UUID, area: str, command: Any) -> str:
    key = f"registration {command!r}"
    intent = Intent(stream, command, key, key.encode()[:16], "operator", now(), area=area)
    return http_position(there, await handle(there.service.store, decider, intent))


async def set_policy(there: Running, patience: int, key: str) -> str:
    intent = Intent(policy_stream("/"), SetPolicy("/", policy(patience)), key, b"policy", "operator", now(), area="/")
    return http_position(there, await handle(there.service.store, cast("Any", POLICIES), intent))


async def register_unit(there: Running, key: str) -> str:
    command = RegisterUnit(UNIT, CITY, "Waterworks")
    intent = Intent(unit_stream(UNIT), command, key, b"unit", "operator", now(), area=CITY)
    return http_position(there, await handle(there.service.store, UNITS, intent))


async def take_duty(there: Running, desk: str, cadre: str, place: DutyPlace, key: str) -> str:
    staff = Staff(cadre, frozenset(("cadre",)), (desk,))
    command = TakeDuty(desk, cadre, now(), place, None)
    outcome = await answering.carry_out(
        there.service, staff, key, None, DUTY, duty_stream(desk), command, request=f"{cadre} {place}", begins_in=desk
    )
    return http_position(there, outcome)


async def report(there: Running, form: ReportForm, key: str) -> str:
    assert there.door is not None
    taken, position = await take(there.door, form, key, None)
    return f"{taken.case_id} {position}"


async def withdraw(there: Running, case_id: UUID, key: str) -> str:
    assert there.door is not None
    return http_position(there, await carry_out(there.door, case_id, WithdrawReport(), key, None))


async def confirm(there: Running, case_id: UUID, said: ConfirmResolution, key: str) -> str:
    assert there.door is not None
    return http_position(there, await carry_out(there.door, case_id, said, key, None))


async def reopen(there: Running, case_id: UUID, key: str) -> str:
    assert there.door is not None
    return http_position(there, await ask_reopening(there.door, case_id, NotSolved(text="It drips again."), key, None))


async def erase(there: Running, case_id: UUID, key: str) -> str:
    assert there.door is not None
    return http_position(there, await erase_case(there.door, case_id, key, None))


async def acknowledge(there: Running, staff: Staff, alert: UUID, key: str) -> str:
    case_id, command = await answering.acknowledging(there.service, staff, alert)
    outcome = await answering.carry_out(there.service, staff, key, None, ALERTS, case_id, command, request=str(alert))
    return http_position(there, outcome)


def desk(there: Running, staff: Staff, key: str) -> Desk:
    assert there.surroundings is not None
    return Desk(there.service, staff, Response(), key, None, there.surroundings)


async def escalate(there: Running, staff: Staff, case_id: UUID, key: str) -> str:
    return _position(await casework.escalate(on := desk(there, staff, key), case_id, casework.Escalation()), on)


async def merge(there: Running, staff: Staff, case_id: UUID, into: UUID, key: str) -> str:
    return _position(await casework.merge(on := desk(there, staff, key), case_id, casework.Merger(into=into)), on)


async def mediate(there: Running, staff: Staff, case_id: UUID, key: str) -> str:
    form = casework.Session(result=MediationResult.AGREED, place=MediationPlace.HOME, note="They shook hands.")
    return _position(await casework.mediate(on := desk(there, staff, key), case_id, form), on)


async def resolve(there: Running, staff: Staff, case_id: UUID, key: str) -> str:
    form = casework.Solution(resolution=Resolution.EXPLAINED, explanation="It was mended.", language="en")
    return _position(await casework.resolve(on := desk(there, staff, key), case_id, form), on)


async def dispatch(there: Running, staff: Staff, case_id: UUID, key: str) -> str:
    form = handing_over.Handover(unit=UNIT, shared="The pipe in the yard.")
    return _position(await handing_over.dispatch(on := desk(there, staff, key), case_id, form), on)


async def give_back(there: Running, staff: Staff, case_id: UUID, key: str) -> str:
    form = handing_over.Return(unit=UNIT, reason=ReturnReason.NOT_OURS)
    return _position(await handing_over.give_back(on := desk(there, staff, key), case_id, form), on)


async def finish(there: Running, staff: Staff, case_id: UUID, key: str) -> str:
    form = handing_over.Completion(unit=UNIT)
    return _position(await handing_over.finish(on := desk(there, staff, key), case_id, form), on)


def http_position(there: Running, outcome: Any) -> str:
    return str(http.Position.of(there.service.name, outcome))


def _position(_reached: Any, on: Desk) -> str:
    return on.response.headers[http.POSITION]
