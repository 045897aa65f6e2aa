"""The stories of the day, one function each: what happens, to whom, and how it is left."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from deploy.demo.acts import answer, report, resolve, work
from deploy.demo.day import Story
from deploy.demo.doors import Act
from deploy.demo.setting import STREETS
from deploy.demo.stage import INTAKE, MEDIATION, NOTIFICATIONS, OVERSEER, Sight, Stage, Trouble
from deploy.local.people import MILL_POND, ORCHARD_ROW, WILLOW_LANE

EAST, WEST = STREETS
LIN, AYGUL, CHEN, DANA = "cadre-lin", "cadre-aygul", "cadre-chen", "cadre-dana"
ZHAO, HAN, OMAR = "mediator-zhao", "supervisor-han", "supervisor-omar"

_ROSTER: Final = (
    (EAST, HAN, "first"),
    (WEST, OMAR, "first"),
    (WILLOW_LANE, LIN, "first"),
    (WILLOW_LANE, AYGUL, "second"),
    (MILL_POND, CHEN, "first"),
    (ORCHARD_ROW, DANA, "first"),
)


async def duty(stage: Stage, story: Story) -> None:
    """Everybody goes on duty; mediation must know, or the first case would be nobody's."""
    await stage.begin(story, "taken")
    for area, who, place in _ROSTER:
        act = await stage.by(who).write(f"{NOTIFICATIONS}/duty:take", {"area": area, "place": place})
        await stage.caused(act, _on_duty(stage, act, area, who), _known(stage, act))


async def geese(stage: Stage, story: Story) -> None:
    """A dispute, mediated at home with consent, explained, and confirmed."""
    await stage.begin(story, "reported")
    trouble = await report(stage, story, "geese", area=WILLOW_LANE, kind="dispute", category="animals", on_duty=LIN)
    trouble.ends = ("closed", LIN, WILLOW_LANE)
    await stage.begin(story, "answered")
    await answer(stage, trouble, LIN)
    await stage.begin(story, "opened")
    began = time.monotonic()
    await stage.by(LIN).read(f"{INTAKE}/cases/{trouble.case_id}/report", purpose="triage")
    await stage.seen(began, stage.looked(trouble, "triage"))
    await stage.begin(story, "mediated")
    session = {"result": "agreed", "place": "home", "note": story.texts["note"]}
    await work(stage, trouble, ZHAO, "mediate", session, state="in_mediation", owner=LIN)
    await stage.begin(story, "resolved")
    await resolve(stage, trouble, LIN, "mediated", story.texts["explanation"], stage.letters(trouble, 3))
    await stage.begin(story, "confirmed")
    await _reads(stage, trouble)
    act = await stage.resident(trouble).write(f"{INTAKE}/case:confirm", after=trouble.position)
    trouble.position = act.position
    await stage.caused(act, stage.file(trouble, state="closed"), stage.status(trouble, "confirmed"))


async def pipe(stage: Stage, story: Story) -> None:
    """An urgent fault, handed to a unit; somebody else reports the same, and both are answered."""
    await stage.begin(story, "reported")
    trouble = await report(
        stage,
        story,
        "pipe",
        area=MILL_POND,
        kind="fault",
        category="water-leak",
        urgency="urgent",
        channel="phone",
        on_duty=CHEN,
    )
    trouble.ends = ("resolved", CHEN, MILL_POND)
    await stage.begin(story, "answered")
    await answer(stage, trouble, CHEN)
    await stage.begin(story, "dispatched")
    shared = {"unit": "water-company", "shared": story.texts["shared"]}
    await work(stage, trouble, CHEN, "dispatch", shared, state="dispatched", owner=CHEN)
    await stage.begin(story, "accepted")
    unit = {"unit": "water-company"}
    await work(stage, trouble, CHEN, "dispatch/accept", unit, state="dispatched", owner=CHEN)
    await stage.begin(story, "twin")
    twin = await report(stage, story, "twin", area=MILL_POND, kind="fault", category="water-leak", on_duty=CHEN)
    twin.ends = ("resolved", CHEN, MILL_POND)
    await stage.begin(story, "merged")
    await work(stage, twin, CHEN, "merge", {"into": trouble.case_id}, state="merged", owner=CHEN)
    await stage.begin(story, "done")
    done = {**unit, "note": story.texts["done"]}
    await work(stage, trouble, CHEN, "dispatch/done", done, state="acknowledged", owner=CHEN)
    await stage.begin(story, "resolved")
    twin.position = ""  # what resolves it is caused by the other's resolution, and has no request of its own
    twins = (stage.file(twin, state="resolved"), stage.status(twin, "resolved"), stage.letters(twin, 3))
    await resolve(stage, trouble, CHEN, "by_unit", story.texts["explanation"], stage.letters(trouble, 3), *twins)
    await stage.begin(story, "read")
    await _reads(stage, trouble)
    await _reads(stage, twin)


async def pests(stage: Stage, story: Story) -> None:
    """A fault that the first unit gives back; the second is silent, and the dates for that stand already."""
    await stage.begin(story, "reported")
    trouble = await report(stage, story, "pests", area=ORCHARD_ROW, kind="fault", category="pest", on_duty=DANA)
    trouble.ends = ("dispatched", DANA, ORCHARD_ROW)
    await stage.begin(story, "answered")
    await answer(stage, trouble, DANA)
    await stage.begin(story, "dispatched")
    first = {"unit": "garden-unit", "shared": story.texts["shared_first"]}
    await work(stage, trouble, DANA, "dispatch", first, state="dispatched", owner=DANA)
    await stage.begin(story, "returned")
    returned = {"unit": "garden-unit", "reason": "not_ours", "note": story.texts["returned"]}
    await work(stage, trouble, DANA, "dispatch/return", returned, state="acknowledged", owner=DANA)
    await stage.begin(story, "handed_on")
    second = {"unit": "plant-protection", "shared": story.texts["shared_second"]}
    await work(stage, trouble, DANA, "dispatch", second, state="dispatched", owner=DANA)
    await stage.begin(story, "silent")
    await stage.seen(time.monotonic(), _if_silent(stage, trouble))


async def school(stage: Stage, story: Story) -> None:
    """A need that takes longer: a date for the resident, and the level above, which can decide."""
    await stage.begin(story, "reported")
    trouble = await report(
        stage, story, "school", area=MILL_POND, kind="need", category="school-transfer", on_duty=CHEN
    )
    trouble.ends = ("resolved", HAN, EAST)
    await stage.begin(story, "answered")
    await answer(stage, trouble, CHEN)
    await stage.begin(story, "longer")
    await stage.seen(time.monotonic(), stage.status(trouble, "acknowledged", dated=True))
    await stage.begin(story, "escalated")
    caused = (stage.alert(trouble, HAN), stage.letters(trouble, 3))
    await work(stage, trouble, CHEN, "escalate", {}, *caused, state="assigned", owner=HAN)
    await stage.begin(story, "answered_above")
    await answer(stage, trouble, HAN)
    await stage.begin(story, "resolved")
    await resolve(stage, trouble, HAN, "explained", story.texts["explanation"], stage.letters(trouble, 4))
    await stage.begin(story, "read")
    await _reads(stage, trouble)


async def talk(stage: Stage, story: Story) -> None:
    """Somebody to talk to, at the counter; it ends there."""
    await stage.begin(story, "came")
    trouble = await report(
        stage, story, "talk", area=WILLOW_LANE, kind="listening", category="talk", channel="counter", on_duty=LIN
    )
    trouble.ends = ("resolved", LIN, WILLOW_LANE)
    await stage.begin(story, "resolved")
    await resolve(stage, trouble, LIN, "on_the_spot", story.texts["explanation"], stage.no_alert(trouble))


async def idea(stage: Stage, story: Story) -> None:
    """An idea goes on: somebody's, with a date."""
    await stage.begin(story, "reported")
    trouble = await report(stage, story, "idea", area=WILLOW_LANE, kind="idea", category="golden-idea", on_duty=LIN)
    trouble.ends = ("acknowledged", AYGUL, WILLOW_LANE)
    await stage.begin(story, "answered")
    await answer(stage, trouble, AYGUL, stage.letters(trouble, 3))
    await stage.begin(story, "dated")
    await stage.seen(time.monotonic(), stage.status(trouble, "acknowledged", dated=True))


async def light(stage: Stage, story: Story) -> None:
    """Solved, says the desk; not solved, says the resident. It goes to another person."""
    await stage.begin(story, "reported")
    trouble = await report(stage, story, "light", area=WILLOW_LANE, kind="fault", category="street-light", on_duty=LIN)
    trouble.ends = ("acknowledged", AYGUL, WILLOW_LANE)
    await stage.begin(story, "answered")
    await answer(stage, trouble, LIN)
    await stage.begin(story, "resolved")
    await resolve(stage, trouble, LIN, "on_the_spot", story.texts["explanation"], stage.letters(trouble, 3))
    await stage.begin(story, "objected")
    await _reads(stage, trouble)
    objection = {"text": story.texts["objection"]}
    act = await stage.resident(trouble).write(f"{INTAKE}/case:ask-reopening", objection, after=trouble.position)
    trouble.position = act.position
    await stage.caused(act, stage.file(trouble, state="assigned"), stage.alert(trouble, AYGUL))
    await stage.begin(story, "taken_over")
    await answer(stage, trouble, AYGUL)


STORIES: Final[Mapping[str, Callable[[Stage, Story], Awaitable[None]]]] = {
    "duty": duty,
    "geese": geese,
    "pipe": pipe,
    "pests": pests,
    "school": school,
    "talk": talk,
    "idea": idea,
    "light": light,
}
"""In the order of the day. Each but the first is complete in itself, once duty is taken."""


async def _reads(stage: Stage, trouble: Trouble) -> None:
    await stage.seen(time.monotonic(), stage.status(trouble, "resolved", explained=True))


def _on_duty(stage: Stage, act: Act, area: str, who: str) -> Sight:
    async def look() -> str | None:
        found = await stage.by(OVERSEER).read(f"{NOTIFICATIONS}/duty", act.position, area=area)
        if found is None:
            return None
        first, following = found["cadre"], found["next"] and found["next"]["cadre"]
        if who not in (first, following):
            return None
        words = stage.day.words
        said = words.on_duty if following else words.on_duty_alone
        return f"{area} {said.format(who=first, following=following)}"

    return "notifications", look


def _known(stage: Stage, act: Act) -> Sight:
    """Mediation gives a case to whoever it knows to be on duty."""

    async def look() -> str | None:
        found = await stage.by(OVERSEER).read(f"{MEDIATION}/cases", act.position, limit="1")
        return None if found is None else "duty.taken"

    return "mediation", look


def _if_silent(stage: Stage, trouble: Trouble) -> Sight:
    async def look() -> str | None:
        found = await stage.by(DANA).read(f"{MEDIATION}/cases/{trouble.case_id}")
        given = [one for event in found["events"] for one in event["data"].get("deadlines", ())]
        accept = [one for one in given if one["rule"] == "accept"][-1]
        remind, due = stage.clock(accept.get("remind_at")), stage.clock(accept["due_at"])
        return stage.day.words.silent.format(who=DANA, remind=remind, due=due)

    return "mediation", look
