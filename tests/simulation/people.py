"""Residents and staff: what they ask of the services, again and again under one key, and what they are told."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from fastapi import Response

from deploy.told import Outcome, Told
from services.chassis import http
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import Intent, UnknownStream, handle
from services.chassis.decider import Refused
from services.chassis.eventstore import KeyReused, StaleVersion, StoreUnavailable
from services.chassis.passing import passes
from services.chassis.problems import ProblemError
from services.contracts.cases import Kind, MediationPlace, MediationResult, Resolution, ReturnReason, Urgency
from services.contracts.deadlines import Allowance, Unit
from services.contracts.duty import DutyPlace, duty_stream
from services.contracts.policies import Policy, Terms, policy_stream
from services.contracts.registry import area_stream, community_stream, unit_stream
from services.intake.carrying_out import carry_out
from services.intake.domain.commands import ConfirmResolution, RegisterArea, RegisterCommunity, WithdrawReport
from services.intake.domain.registry import AREAS, COMMUNITIES
from services.intake.following import Can, NotSolved, ask_reopening, erase_case, possible
from services.intake.read_models.case_status import StatusRow
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
STREET = "/town/mill/"
LANES = ("/town/mill/elm/", "/town/mill/oak/")
UNIT = "water"

PATIENCE_SECONDS = 60.0
AGAIN_SECONDS = (0.3, 2.5)

Ask = Callable[[Running], Awaitable[str]]
"""Something that a service is asked to do; its answer is a position, or nothing."""


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


@dataclass(slots=True)
class Town:
    """Where clients are, whom they can reach, and what they were told."""

    draw: random.Random
    reach: Callable[[str], "Running | None"]
    asked: Callable[[str, str, Running, Ask], Awaitable[str | None]]
    """Ask a running service; none: no answer came."""
    row_of: Callable[[UUID], StatusRow | None]
    """What a resident's page shows."""
    alerts: Callable[[], list[Any]]
    """What the list of alerts shows."""
    told: list[Told] = field(default_factory=list[Told])
    keys: int = 0
    closing: bool = False
    """Nobody begins anything new."""

    def key(self) -> str:
        self.keys += 1
        return f"key-{self.keys:04}"

    async def insist(
        self, what: str, service: str, act: Callable[[Running, str], Awaitable[str]], key: str = ""
    ) -> Told:
        """Ask under one key until there is an answer that ends it."""
        key, loop = key or self.key(), asyncio.get_running_loop()
        deadline, wait = loop.time() + PATIENCE_SECONDS, AGAIN_SECONDS[0]
        while True:
            told = await self._ask(what, key, service, act)
            self.told.append(told)
            if told.outcome != "unknown" or loop.time() > deadline:
                return told
            await asyncio.sleep(wait * (0.5 + self.draw.random()))
            wait = min(2 * wait, AGAIN_SECONDS[1])

    async def _ask(self, what: str, key: str, service: str, act: Callable[[Running, str], Awaitable[str]]) -> Told:
        running = self.reach(service)
        if running is None:
            return Told(what, key, "unknown")
        outcome: Outcome = "ok"
        position: str | None = ""
        try:
            position = await self.asked(what, key, running, lambda there: act(there, key))
        except (Refused, KeyReused):
            outcome = "failed"
        except (UnknownStream, StaleVersion, StoreUnavailable):
            outcome = "unknown"
        except ProblemError as problem:
            outcome = "unknown" if problem.problem.status in (404, 422, 503) else "failed"
        except Exception as error:
            if not passes(error):
                raise
            outcome = "unknown"
        if position is None:
            return Told(what, key, "unknown")
        case, _, position = position.rpartition(" ")
        return Told(what, key, outcome, position, case)

    # the town

    async def settle_in(self) -> None:
        """Places, rules, a unit, and somebody on duty at most desks."""
        for path in (CITY, STREET):
            await self.insist("register area", "intake", lambda there, key, path=path: register_area(there, path))
        for lane in LANES:
            await self.insist("register", "intake", lambda there, key, lane=lane: register_community(there, lane))
        patience = self.draw.choice((1, 3))
        await self.insist("set policy", "mediation", lambda there, key: set_policy(there, patience, key))
        await self.insist("register unit", "mediation", register_unit)
        for desk, cadre, place in (
            (LANES[0], "lin", DutyPlace.FIRST),
            (LANES[0], "mei", DutyPlace.SECOND),
            (LANES[1], "tao", DutyPlace.FIRST),
            (STREET, "han", DutyPlace.FIRST),
            (CITY, "sun", DutyPlace.FIRST),
        ):
            if self.draw.random() < 0.85:
                await self.insist(
                    "take duty",
                    "notifications",
                    lambda there, key, desk=desk, cadre=cadre, place=place: take_duty(there, desk, cadre, place, key),
                )

    async def resident(self, begins: float) -> None:
        """One trouble, from its report to whatever the resident does about it in the end."""
        draw = self.draw
        await asyncio.sleep(begins)
        lane = draw.choice(LANES)
        form = ReportForm(
            community=community_stream(lane),
            kind=Kind.FAULT,
            category="water-leak",
            urgency=draw.choice((Urgency.URGENT, Urgency.ORDINARY)),
            text="A pipe has burst.",
            email=f"resident-{self.keys}@example.org" if draw.random() < 0.6 else None,
            about_staff=draw.random() < 0.1,
        )
        told = await self.insist("report", "intake", lambda there, key: report(there, form, key))
        if told.outcome != "ok":
            return
        case_id = UUID(told.case)
        if draw.random() < 0.1:
            other = form.model_copy(update={"text": "Another pipe has burst."})
            refused = await self.insist(
                "another report under the same key", "intake", lambda there, key: report(there, other, key), told.key
            )
            assert refused.outcome != "ok", refused
        wishes = draw.choices((None, "withdraw", "erase", "confirm", "reopen"), (3, 1, 1, 3, 3))[0]
        if wishes in ("withdraw", "erase"):
            await asyncio.sleep(draw.randint(0, 8))
            act = withdraw if wishes == "withdraw" else erase
            await self.insist(wishes, "intake", lambda there, key: act(there, case_id, key))
            return
        for _ in range(8):
            await asyncio.sleep(draw.choice((1, 2)))
            row = self.row_of(case_id)
            can = possible(row, now()) if row is not None else []
            if wishes == "confirm" and Can.CONFIRM in can and row is not None:
                said = ConfirmResolution(row.resolution_version)
                await self.insist("confirm", "intake", lambda there, key, said=said: confirm(there, case_id, said, key))
                break
            if wishes == "reopen" and Can.REOPEN in can:
                await self.insist("ask reopening", "intake", lambda there, key: reopen(there, case_id, key))
                break
        if draw.random() < 0.15:
            await self.insist("erase", "intake", lambda there, key: erase(there, case_id, key))

    async def cadre(self, name: str, areas: tuple[str, ...]) -> None:
        """Looks at the alerts now and then, answers some, and works on those cases."""
        staff = Staff(name, frozenset(("cadre", "mediator", "supervisor")), areas)
        draw = self.draw
        worked_on: set[UUID] = set()
        while not self.closing:
            await asyncio.sleep(draw.choice((1, 2)))
            open_alerts = [row for row in self.alerts() if row.state == "waiting" and row.area.startswith(areas)]
            if not open_alerts or draw.random() < 0.4:
                continue
            alert = draw.choice(open_alerts)
            answered = await self._answer(staff, alert.alert)
            if answered.outcome == "ok" and alert.case_id not in worked_on:
                worked_on.add(alert.case_id)
                await self._work_on(staff, alert.case_id, worked_on)

    async def _answer(self, staff: Staff, alert: UUID) -> Told:
        return await self.insist(
            "acknowledge", "notifications", lambda there, key: acknowledge(there, staff, alert, key)
        )

    async def _work_on(self, staff: Staff, case_id: UUID, worked_on: set[UUID]) -> None:
        draw = self.draw
        await asyncio.sleep(draw.randint(0, 2))
        way = draw.choices(("resolve", "mediate", "dispatch", "merge", "escalate", "leave"), (4, 2, 2, 2, 1, 1))[0]
        if way == "leave":
            return
        if way == "escalate":
            await self.insist("escalate", "mediation", lambda there, key: escalate(there, staff, case_id, key))
            return
        others = [other for other in worked_on if other != case_id]
        if way == "merge" and others:
            into = draw.choice(sorted(others))
            await self.insist("merge", "mediation", lambda there, key: merge(there, staff, case_id, into, key))
            return
        if way == "mediate":
            await self.insist("mediate", "mediation", lambda there, key: mediate(there, staff, case_id, key))
        if way == "dispatch":
            await self._through_a_unit(staff, case_id)
        await asyncio.sleep(draw.randint(0, 3))
        await self.insist("resolve", "mediation", lambda there, key: resolve(there, staff, case_id, key))

    async def _through_a_unit(self, staff: Staff, case_id: UUID) -> None:
        draw = self.draw
        await self.insist("dispatch", "mediation", lambda there, key: dispatch(there, staff, case_id, key))
        await asyncio.sleep(draw.randint(0, 3))
        if draw.random() < 0.3:
            await self.insist("unit returns", "mediation", lambda there, key: give_back(there, staff, case_id, key))
        else:
            await self.insist("unit is done", "mediation", lambda there, key: finish(there, staff, case_id, key))

    async def shifts(self) -> None:
        """Who is on duty changes."""
        while not self.closing:
            await asyncio.sleep(self.draw.randint(4, 12))
            lane, cadre = self.draw.choice(((LANES[0], "lin"), (LANES[0], "bo"), (LANES[1], "tao"), (LANES[1], "wu")))
            await self.insist(
                "take duty",
                "notifications",
                lambda there, key, lane=lane, cadre=cadre: take_duty(there, lane, cadre, DutyPlace.FIRST, key),
            )


# what each asks


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
