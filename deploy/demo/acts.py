"""What people do in the stories: each act is one request, shown with all that it caused."""

from collections.abc import Mapping
from typing import Any, Final

from deploy.demo.day import Story
from deploy.demo.doors import until
from deploy.demo.stage import INTAKE, MEDIATION, NOTIFICATIONS, Sight, Stage, Trouble

ON_REPORTING: Final = 2
"""Letters: it has arrived, and somebody has it."""


async def report(
    stage: Stage,
    story: Story,
    name: str,
    *,
    area: str,
    kind: str,
    category: str,
    on_duty: str,
    urgency: str = "ordinary",
    channel: str = "web",
) -> Trouble:
    """A resident tells of a trouble; it becomes a case of whoever is on duty, who is alerted."""
    written = story.reports[name]
    address = f"{written.email}.{stage.run}@example.org" if written.email else ""
    form = {
        "community": stage.communities[area],
        "kind": kind,
        "category": category,
        "urgency": urgency,
        "channel": channel,
        "language": stage.day.language,
        **written.model_dump(include={"text", "name", "place"}, exclude_none=True),
        **({"email": address} if address else {}),
    }
    act = await stage.resident().write(f"{INTAKE}/reports", form)
    told = act.body
    title = story.title if len(story.reports) == 1 else f"{story.title} ({written.name})"
    trouble = Trouble(title, area, told["case_id"], told["receipt"], address, act.position)
    stage.troubles.append(trouble)
    await stage.caused(
        act,
        stage.file(trouble, state="assigned", owner=on_duty),
        stage.alert(trouble, on_duty),
        *([stage.letters(trouble, ON_REPORTING)] if address else []),
    )
    return trouble


async def answer(stage: Stage, trouble: Trouble, who: str, *also: Sight) -> None:
    """Somebody on duty answers the alert, and the case is theirs."""
    alert = await until("The alert", lambda: stage.open_alert(trouble))
    act = await stage.by(who).write(f"{NOTIFICATIONS}/alerts/{alert['alert_id']}/acknowledge")
    trouble.position = act.position
    await stage.caused(
        act, stage.file(trouble, state="acknowledged", owner=who), stage.status(trouble, "acknowledged"), *also
    )


async def work(
    stage: Stage, trouble: Trouble, who: str, verb: str, form: Mapping[str, Any], *also: Sight, state: str, owner: str
) -> None:
    """Somebody does something with the case at the desk; then it is in `state`, and the resident can read so."""
    act = await stage.by(who).write(f"{MEDIATION}/cases/{trouble.case_id}/{verb}", form)
    trouble.position = act.position
    await stage.caused(act, stage.file(trouble, state=state, owner=owner), stage.status(trouble, state), *also)


async def resolve(stage: Stage, trouble: Trouble, who: str, resolution: str, explanation: str, *also: Sight) -> None:
    """Somebody solves the case, and explains it to the resident."""
    form = {"resolution": resolution, "explanation": explanation, "language": stage.day.language}
    await work(stage, trouble, who, "resolve", form, *also, state="resolved", owner=who)
