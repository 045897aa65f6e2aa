"""What the stories are told with: the people's doors, the cases as they go, and a look at whatever an act caused."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from secrets import token_hex
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx

from deploy.demo.day import Day, Story
from deploy.demo.doors import PATIENCE, Act, Door, Failed, milliseconds_since, until
from deploy.demo.showing import Effect, Ended, Show
from deploy.local.people import BY_ID
from deploy.local.tokens import mint

TIME_ZONE: Final = "Asia/Shanghai"
OVERSEER: Final = "director-wu"
"""Whose area holds all three communities."""

INTAKE: Final = "/api/intake/v1"
MEDIATION: Final = "/api/mediation/v1"
NOTIFICATIONS: Final = "/api/notifications/v1"
REPORTING: Final = "/api/reporting/v1"
MAILBOX: Final = "/mail/messages"

_TOLD = ("owner", "by", "to_level", "unit", "reason", "result", "place", "into", "resolution", "closure")
"""What is said of an event beside its name."""

Look = Callable[[], Awaitable[str | None]]
"""Says what it sees, or none as long as it does not."""

Sight = tuple[str, Look]
"""Where to look, and how."""

_NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(slots=True)
class Trouble:
    """A case as the demo knows it. `told` and `letters` are how much of its events and of its mail was shown."""

    title: str
    area: str
    case_id: str
    receipt: str
    address: str
    position: str
    told: int = 0
    letters: int = 0
    ends: tuple[str, str, str] | None = None
    """State, owner and level in which the story leaves it."""


@dataclass(slots=True)
class Stage:
    """One day on one Doorstep. `rest` is waited after each scene."""

    day: Day
    staff_key: str
    show: Show
    rest: float
    http: httpx.AsyncClient = field(init=False)
    communities: dict[str, str] = field(default_factory=dict[str, str])
    """Ids, by area."""
    troubles: list[Trouble] = field(default_factory=list[Trouble])
    scene_now: str = ""
    patience: float = PATIENCE
    run: str = field(default_factory=lambda: token_hex(3))
    """In the residents' addresses, so that each day's letters are found apart."""

    def by(self, person: str) -> Door:
        """What somebody on the staff stands before."""
        who = BY_ID[person]
        token = mint(self.staff_key, who.role, (who.area,), person, days=1)
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": self.day.language}
        return Door(self.http, headers, self.patience)

    def resident(self, trouble: Trouble | None = None) -> Door:
        """A resident has no account; the receipt is the only key to the case."""
        receipt = {"Doorstep-Receipt": trouble.receipt} if trouble else {}
        return Door(self.http, {"Accept-Language": self.day.language, **receipt})

    async def begin(self, story: Story, scene: str) -> None:
        self.scene_now = scene
        if self.rest:
            await asyncio.sleep(self.rest)
        self.show.scene(story.scenes[scene])

    async def caused(self, act: Act, *sights: Sight) -> None:
        """Show what an act caused, each as soon as it is seen, all looked for at once.

        Raises:
            Failed: something was not seen.
        """
        self.show.act(act)
        await self.seen(act.began, *sights)

    async def seen(self, began: float, *sights: Sight) -> None:
        """Show what is to be seen; the time is counted from `began`.

        Raises:
            Failed: something was not seen.
        """

        async def seen(where: str, look: Look) -> Effect:
            text = await until(f"What was to be told by {where}", look)
            return Effect(milliseconds_since(began), where, text)

        waiting: list[Coroutine[Any, Any, Effect]] = [seen(where, look) for where, look in sights]
        found = await asyncio.gather(*waiting, return_exceptions=True)
        self.show.effects([one for one in found if isinstance(one, Effect)])
        for one in found:
            if isinstance(one, BaseException):
                raise one

    def file(self, trouble: Trouble, *, state: str, owner: str = "") -> Sight:
        """Mediation's new events of the case, once it is in `state` and `owner`'s."""

        async def look() -> str | None:
            path = f"{MEDIATION}/cases/{trouble.case_id}"
            found = await self.by(OVERSEER).read(path, trouble.position)
            if found is None or found["case"]["state"] != state or (owner and found["case"]["owner"] != owner):
                return None
            new = [one for one in found["events"] if one["version"] > trouble.told]
            trouble.told = found["version"]
            return " · ".join(map(_told, new)) or state

        return "mediation", look

    def alert(self, trouble: Trouble, recipient: str) -> Sight:
        """The alert of the case that waits for `recipient`."""

        async def look() -> str | None:
            waiting = await self.open_alert(trouble)
            if waiting is None or waiting["recipient"] != recipient:
                return None
            return self.day.words.alert.format(who=recipient, by=self.clock(waiting["answer_by"]))

        return "notifications", look

    async def open_alert(self, trouble: Trouble) -> Mapping[str, Any] | None:
        door = self.by(OVERSEER)
        found = await door.read(f"{NOTIFICATIONS}/alerts", trouble.position, area=trouble.area, limit="500")
        alerts = found["alerts"] if found else ()
        return next((one for one in alerts if one["case_id"] == trouble.case_id), None)

    def no_alert(self, trouble: Trouble) -> Sight:
        """Nobody is asked for an answer any more."""

        async def look() -> str | None:
            path = f"{NOTIFICATIONS}/alerts"
            found = await self.by(OVERSEER).read(path, trouble.position, area=trouble.area, state="all", limit="500")
            alerts = found["alerts"] if found else ()
            state = next((one["state"] for one in alerts if one["case_id"] == trouble.case_id), None)
            return f"alert.{state}" if state in ("acknowledged", "withdrawn") else None

        return "notifications", look

    def status(self, trouble: Trouble, *states: str, explained: bool = False, dated: bool = False) -> Sight:
        """What the resident reads by the receipt, once the case is in one of these states."""

        async def look() -> str | None:
            found = await self.resident(trouble).read(f"{INTAKE}/case", trouble.position)
            if found is None or found["state"] not in states:
                return None
            words, told = self.day.words, found["sentence"]
            said = [words.resident.format(sentence=told)]
            if explained:
                solution = found["solution"]
                if not (solution and solution["explanation"]):
                    return None
                said.append(words.explanation.format(text=solution["explanation"]))
            if dated:
                dates = found["dates"]
                said.append(words.dates.format(told=self.clock(dates["told_by"]), done=self.clock(dates["done_by"])))
            return " · ".join(said)

        return "intake", look

    def looked(self, trouble: Trouble, purpose: str) -> Sight:
        async def look() -> str | None:
            found = await self.resident(trouble).read(f"{INTAKE}/case", trouble.position)
            looks = found["looks"] if found else ()
            seen = next((one for one in looks if one["purpose"] == purpose), None)
            return self.day.words.looked.format(role=seen["role"], purpose=purpose) if seen else None

        return "intake", look

    def letters(self, trouble: Trouble, how_many: int) -> Sight:
        """The new mail to the case's resident, once there was so much of it in all."""

        async def look() -> str | None:
            found = await Door(self.http).read(MAILBOX)
            mine = [one for one in reversed(found or ()) if one["to"] == trouble.address]
            if len(mine) < how_many:
                return None
            subjects = " · ".join(one["subject"] for one in mine[trouble.letters :])
            trouble.letters = len(mine)
            return self.day.words.letter.format(address=trouble.address, subject=subjects)

        return "mail", look

    def clock(self, told: str | None) -> str:
        """An instant as the communities' own clock shows it."""
        at = datetime.fromisoformat(told).astimezone(ZoneInfo(TIME_ZONE)) if told else None
        return at.strftime("%Y-%m-%d %H:%M") if at else "?"

    async def ended(self, trouble: Trouble) -> Ended:
        """The case as it stands; unknown while mediation does not answer."""
        plain = Ended(trouble.title, trouble.case_id, trouble.receipt)
        try:
            found = await self.by(OVERSEER).read(f"{MEDIATION}/cases/{trouble.case_id}")
        except Failed:
            return plain
        row = found["case"] if found else _NOTHING
        return replace(plain, state=row.get("state", "?"), owner=row.get("owner") or "", level=row.get("level", ""))


def _told(event: Mapping[str, Any]) -> str:
    data = event["data"]
    said = " ".join(f"{name}={data[name]}" for name in _TOLD if data.get(name))
    return f"{event['type']} {said}".rstrip()
