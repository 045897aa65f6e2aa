"""How the desk's pages look, and what is said on them when something can't be done."""

from pathlib import Path

from services.chassis.web.marked import marked
from services.chassis.web.pages import Assets, Pages
from services.chassis.web.trouble import StaffFace

MEDIATION = Path(__file__).parent.parent
FACE = "/desk"

assets = Assets(f"{FACE}/assets", MEDIATION / "assets" / "desk.css", MEDIATION / "assets" / "desk.js")
pages = Pages(MEDIATION / "templates", assets, ("tokens.css", "base.css", "desk.css"), ("desk.js",))

DeskRoute = StaffFace(pages, FACE, marked("To the desk"), marked("There is no such case")).route_class()
of_units = StaffFace(pages, "/")
"""For those who have a link and no account."""
