"""`doorstep demo`: a made-up day in three communities, told on the running stack, through its public interfaces."""

import asyncio

import httpx
import typer
from rich.console import Console

from deploy.demo.day import LANGUAGES, Day, day_in
from deploy.demo.doors import Failed
from deploy.demo.setting import DISTRICT, set_up
from deploy.demo.showing import Ended, Show
from deploy.demo.stage import REPORTING, Stage
from deploy.demo.stories import STORIES
from deploy.installation import NotRunning, this_machines
from deploy.local.production import NotForProduction
from services.chassis.operating.telling import complain

REST_SECONDS = 2.6
"""After a scene, at speed 1: about two minutes for the whole day."""

SUMMARY_SECONDS = 2.0
"""How long the summary waits for a service that is away: it says what it knows."""


def demo(lang: str, speed: float, once: str | None) -> None:
    """Exit code 1 when a step failed, 2 when nothing could begin, 130 when it was broken off."""
    if lang not in LANGUAGES:
        complain(f"The day is not told in {lang}: choose one of {', '.join(LANGUAGES)}.", 2)
    if once is not None and once not in STORIES:
        complain(f"There is no step {once}: choose one of {', '.join(STORIES)}.", 2)
    try:
        here = this_machines()
    except (NotRunning, NotForProduction) as error:
        complain(str(error), 2)
    rest = REST_SECONDS / speed if speed else 0.0
    told = Telling(here.url, here.state.staff_private_key, day_in(lang), Console(), rest)
    raise typer.Exit(told.run(list(STORIES) if once is None else list(dict.fromkeys(("duty", once)))))


class Telling:
    """The day on one Doorstep, from its first line to the summary, whatever happens between."""

    def __init__(self, url: str, staff_key: str, day: Day, console: Console, rest: float) -> None:
        self._url, self._day, self._show = url, day, Show(console, day)
        self._stage = Stage(day, staff_key, self._show, rest)

    def run(self, stories: list[str]) -> int:
        """The exit code."""
        try:
            whole = asyncio.run(self._tell(stories))
        except KeyboardInterrupt:
            self._show.broken_off()
            asyncio.run(self._close())
            return 130
        return 0 if asyncio.run(self._close(whole=whole)) else 1

    async def _tell(self, stories: list[str]) -> bool:
        """Whether all of it went as told; what failed is the last that was tried."""
        self._show.begin()
        name = stories[0]
        async with _client(self._url) as self._stage.http:
            try:
                self._stage.scene_now = "setting"
                await set_up(self._stage)
                for name in stories:
                    self._show.story(self._day.stories[name].title)
                    await STORIES[name](self._stage, self._day.stories[name])
            except Failed as failed:
                self._show.failed(name, self._stage.scene_now, str(failed))
                return False
        return True

    async def _close(self, *, whole: bool = False) -> bool:
        """The summary; whether each case is where its story leaves it."""
        async with _client(self._url) as self._stage.http:
            self._stage.patience = SUMMARY_SECONDS
            cases = asyncio.gather(*map(self._stage.ended, self._stage.troubles))
            ended, counted = await asyncio.gather(cases, self._counted())
        if counted:
            self._show.counted(counted)
        self._show.summary(self._url, ended)
        return whole and self._as_told(ended)

    def _as_told(self, ended: list[Ended]) -> bool:
        right = True
        for trouble, case in zip(self._stage.troubles, ended, strict=True):
            if trouble.ends != (case.state, case.owner, case.level):
                right = False
                told = f"{case.case_id} is {case.state}, of {case.owner or 'nobody'}, at {case.level or '?'}"
                self._show.failed(case.title, "summary", f"{told}; the story leaves it otherwise: {trouble.ends}")
        return right

    async def _counted(self) -> str | None:
        """What the manager's board shows; a number that can't be asked for is left out."""
        try:
            found = await self._stage.by("manager-li").read(f"{REPORTING}/indicators", area=DISTRICT)
        except Failed:
            return None
        values = {one["name"]: one["value"] for one in found["indicators"]}
        return self._day.words.counted.format(area=self._day.places[DISTRICT], **values)


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=30.0, trust_env=False)
