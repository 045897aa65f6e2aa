"""Residents and staff: what they ask of the services, again and again under one key, and what they are told."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from deploy.told import Outcome, Told
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import UnknownStream
from services.chassis.decider import Refused
from services.chassis.eventstore import KeyReused, StaleVersion, StoreUnavailable
from services.chassis.passing import passes
from services.chassis.problems import ProblemError
from services.contracts.cases import Kind, Urgency
from services.contracts.duty import DutyPlace
from services.contracts.registry import community_stream
from services.intake.domain.commands import ConfirmResolution
from services.intake.following import Can, possible
from services.intake.read_models.case_status import StatusRow
from services.intake.taking import ReportForm
from tests.simulation.asks import (
    CITY,
    acknowledge,
    confirm,
    dispatch,
    erase,
    escalate,
    finish,
    give_back,
    mediate,
    merge,
    register_area,
    register_community,
    register_unit,
    reopen,
    report,
    resolve,
    set_policy,
    take_duty,
    withdraw,
)
from tests.simulation.services import Running

STREET = "/town/mill/"
LANES = ("/town/mill/elm/", "/town/mill/oak/")

PATIENCE_SECONDS = 60.0
AGAIN_SECONDS = (0.3, 2.5)

Ask = Callable[[Running], Awaitable[str]]
"""Something that a service is asked to do; its answer is a position, or nothing."""


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
