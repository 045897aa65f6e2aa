"""What happened in a schedule, read from the services' own logs when it is over."""

from tests.simulation.world import World


def note(world: World) -> None:
    """What the services' own logs say was met."""
    met = world.probes.met
    for name, database in world.databases.items():
        for row in database.rows("event"):
            match row.type:
                case "alert.raised" if '"step"' in row.data:
                    met("alert passed on")
                case "alert.unanswered":
                    met("alert unanswered")
                case "case.escalated" if row.actor == "doorstep":
                    met("case escalated by time")
                case "case.reminded":
                    met("case reminded of")
                case "case.reopened":
                    met("case reopened")
                case "case.resolved" if row.actor == "doorstep":
                    met("case merged and answered")
                case "case.withdrawn":
                    met("report withdrawn")
                case "case.erased" if name == "intake":
                    met("report erased")
                case _:
                    pass
    records = [
        (record.topic, record.key, dict(record.headers)["ce_id"])
        for log in world.bus.logs.values()
        for record in log.records
    ]
    if len(set(records)) < len(records):
        met("event published twice")
