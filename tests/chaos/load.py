"""Clients that go on whatever dies: they repeat under the same key, and keep what they were told."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from secrets import token_hex
from typing import IO, Any, Self

import httpx

from deploy.local.tokens import mint
from deploy.told import Outcome, Told, line
from tests.e2e.conftest import Stack

INTAKE, MEDIATION, NOTIFICATIONS = (f"/api/{name}/v1" for name in ("intake", "mediation", "notifications"))
LANES = ("willow", "mill", "orchard")

REPORTS_PER_SECOND = 6.0
OVERLOOKED = "012"
"""Last digits of alerts that go on to the next in the chain, by a timer."""
LOOK_SECONDS, SHIFT_SECONDS = 1.0, 4.0
LAST_LOOKS = 10
"""At the alerts that are still open, once nobody reports any more."""
ANSWER_SECONDS = 10.0
AGAIN_SECONDS = (0.2, 2.0)
PATIENCE_SECONDS = 180.0
"""How long one write is repeated; what was not answered by then stays unknown."""


@dataclass
class Load:
    """Reports from residents, and desks that take duty, acknowledge and resolve, until they are told to stop.

    Nobody waits for anybody: whatever is due is asked for at its time, however long what came before it takes.
    """

    stack: Stack
    history: IO[bytes]
    told: list[Told] = field(default_factory=list[Told])
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    overlooking: bool = True
    """Whether some alerts are overlooked by the first who is told of them."""
    communities: list[str] = field(default_factory=list[str])
    reported: int = 0
    """Reports that were answered."""
    unavailable: int = 0
    """Answers that said 503: nothing was stored."""
    failures: list[str] = field(default_factory=list[str])
    """Answers of 500: whatever is away, a service can say so."""
    longest_wait: float = 0.0
    """Seconds from when a report was due to its answer, of the one that waited longest."""
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)
    _begun: set[asyncio.Task[object]] = field(default_factory=set[asyncio.Task[object]])
    _answered_for: set[str] = field(default_factory=set[str])

    async def __aenter__(self) -> Self:
        self.http = await self._open.enter_async_context(
            httpx.AsyncClient(
                base_url=self.stack.url,
                trust_env=False,
                timeout=ANSWER_SECONDS,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            )
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def settle_in(self) -> None:
        """The places, and in each somebody on duty who can be written to, before anything dies."""
        operator = self._staff("operator", "chaos-operator")
        for path, name in (("/chaos/", "Chaos"), ("/chaos/east/", "East")):
            answer = await self.http.post(f"{INTAKE}/areas", json={"path": path, "name": name}, headers=operator)
            answer.raise_for_status()
        for lane in LANES:
            place = {"area": f"/chaos/east/{lane}/", "name": lane.title(), "time_zone": "Asia/Shanghai"}
            answer = await self.http.post(f"{INTAKE}/communities", json=place, headers=operator)
            answer.raise_for_status()
            self.communities.append(answer.json()["community_id"])
        for lane in LANES:
            for cadre in _cadres(lane):
                headers = self._staff("cadre", cadre, f"/chaos/east/{lane}/")
                channels = {"email": f"{cadre}@example.org"}
                answer = await self.http.put(f"{NOTIFICATIONS}/channels", json=channels, headers=headers)
                answer.raise_for_status()
            await self._take_duty(lane, _cadres(lane)[0])

    @asynccontextmanager
    async def at_work(self, seed: int) -> AsyncGenerator[Self]:
        """For the length of a block; behind it all that was begun has an answer, or was given up."""
        self.stopping.clear()
        running = asyncio.create_task(self.run(seed))
        try:
            yield self
        finally:
            self.stopping.set()
            await running

    async def run(self, seed: int) -> None:
        """Until `stopping` is set, and all that was begun has an answer or is given up."""
        rng = random.Random(seed)
        await asyncio.gather(
            self._at_times(lambda: rng.expovariate(REPORTS_PER_SECOND), lambda: self.report(rng)),
            *(self._at_times(lambda: LOOK_SECONDS, partial(self._answer, lane)) for lane in LANES),
            self._at_times(lambda: SHIFT_SECONDS, lambda: self._change_shift(rng)),
        )
        while self._begun:
            await asyncio.gather(*self._begun)
        await self._leave_nothing_open()

    async def _leave_nothing_open(self) -> None:
        """What was overlooked would climb for a minute, with something under way at every moment of it."""
        self.overlooking = False
        found = 1
        for _ in range(LAST_LOOKS):
            before, found = found, sum(await asyncio.gather(*map(self._answer, LANES)))
            if not before + found:
                break
            await asyncio.sleep(LOOK_SECONDS)
        self.overlooking = True

    def counts(self) -> Counter[tuple[str, Outcome]]:
        return Counter((told.what, told.outcome) for told in self.told)

    async def _at_times(self, gap: Callable[[], float], job: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Begin the job whenever its time has come; what a busy moment made late follows at once."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self.stopping.is_set():
            due += gap()
            await self._pause(due - loop.time())
            task = asyncio.create_task(job())
            self._begun.add(task)
            task.add_done_callback(self._begun.discard)

    async def report(self, rng: random.Random) -> None:
        """One, answered or given up when it returns."""
        form = {
            "community": rng.choice(self.communities),
            "kind": "fault",
            "category": "water-leak",
            "text": "A pipe has burst.",
        }
        due = asyncio.get_running_loop().time()
        await self._write("report", f"{INTAKE}/reports", form, {})
        self.longest_wait = max(self.longest_wait, asyncio.get_running_loop().time() - due)

    async def _answer(self, lane: str) -> int:
        """One cadre: looks at the open alerts and answers for what nobody has answered for, and says how many."""
        cadre = self._staff("cadre", _cadres(lane)[0], f"/chaos/east/{lane}/")
        fresh = [alert for alert in await self._open_alerts(cadre) if not self._is_answered(alert)]
        await asyncio.gather(*(self._answer_for(alert, cadre) for alert in fresh))
        return len(fresh)

    def _is_answered(self, alert: dict[str, Any]) -> bool:
        """Whether it was, or is one of those that the first who is told overlooks, so that the next is told."""
        overlooked = self.overlooking and alert["step"] == 0 and str(alert["alert_id"])[-1] in OVERLOOKED
        return overlooked or alert["alert_id"] in self._answered_for

    async def _answer_for(self, alert: dict[str, Any], cadre: dict[str, str]) -> None:
        """Acknowledge it, and resolve its case."""
        self._answered_for.add(alert["alert_id"])
        await self._write("acknowledge", f"{NOTIFICATIONS}/alerts/{alert['alert_id']}/acknowledge", None, cadre)
        answer = {"resolution": "explained", "explanation": "The valve was closed.", "language": "en"}
        await self._write("resolve", f"{MEDIATION}/cases/{alert['case_id']}/resolve", answer, cadre)

    async def _change_shift(self, rng: random.Random) -> None:
        lane = rng.choice(LANES)
        await self._take_duty(lane, rng.choice(_cadres(lane)))

    async def _take_duty(self, lane: str, cadre: str) -> None:
        headers = self._staff("cadre", cadre, f"/chaos/east/{lane}/")
        await self._write("take duty", f"{NOTIFICATIONS}/duty:take", {"area": f"/chaos/east/{lane}/"}, headers)

    async def _open_alerts(self, headers: dict[str, str]) -> list[dict[str, Any]]:
        try:
            answer = await self.http.get(f"{NOTIFICATIONS}/alerts", params={"limit": 200}, headers=headers)
            return answer.json()["alerts"] if answer.status_code == 200 else []
        except (httpx.TransportError, ValueError):
            return []

    async def _write(self, what: str, path: str, form: dict[str, str] | None, headers: dict[str, str]) -> None:
        """Write once in effect: repeated with the same key until there is an answer that ends it."""
        key = token_hex(16)
        keyed = {**headers, "Idempotency-Key": key}

        async def ask() -> Told:
            try:
                answer = await self.http.post(path, json=form, headers=keyed)
            except httpx.TransportError:
                return Told(what, key, "unknown")
            self.unavailable += answer.status_code == 503
            if answer.status_code == 500:
                self.failures.append(f"{what} {key}")
            if answer.is_success:
                case = answer.json().get("case_id", "") if what == "report" else ""
                return Told(what, key, "ok", answer.headers.get("Doorstep-Position", ""), case)
            again = answer.status_code >= 500 or "Doorstep-Behind" in answer.headers or _not_here_yet(what, answer)
            return Told(what, key, "unknown" if again else "failed")

        await self._insist(ask)

    async def _insist(self, ask: Callable[[], Awaitable[Told]]) -> None:
        loop = asyncio.get_running_loop()
        deadline, wait = loop.time() + PATIENCE_SECONDS, AGAIN_SECONDS[0]
        while True:
            told = await ask()
            self.told.append(told)
            self.history.write(line(told))
            self.reported += told.what == "report" and told.outcome == "ok"
            if told.outcome != "unknown" or loop.time() > deadline:
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, AGAIN_SECONDS[1])

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), max(seconds, 0.0))

    def _staff(self, role: str, subject: str, *areas: str) -> dict[str, str]:
        token = mint(self.stack.state.staff_private_key, role, areas or ("/",), subject)
        return {"Authorization": f"Bearer {token}"}


def _not_here_yet(what: str, answer: httpx.Response) -> bool:
    """A place or a case that another service has not told of yet: 404 to a duty desk, or to a resolution."""
    return answer.status_code == 404 and what in ("take duty", "resolve", "acknowledge")


def _cadres(lane: str) -> tuple[str, str]:
    return f"cadre-{lane}", f"second-{lane}"
