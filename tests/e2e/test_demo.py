"""The demo's day on a whole stack: told twice, in both languages, and every case ends where its story says."""

import re
from collections import Counter

from deploy.demo.day import day_in
from tests.e2e.conftest import Stack

EAST = "/lakeside/east/"
WILLOW_LANE, MILL_POND, ORCHARD_ROW = f"{EAST}willow-lane/", f"{EAST}mill-pond/", "/lakeside/west/orchard-row/"

ENDS = Counter(
    {
        ("animals", "closed", "cadre-lin", WILLOW_LANE): 1,
        ("water-leak", "resolved", "cadre-chen", MILL_POND): 2,
        ("pest", "dispatched", "cadre-dana", ORCHARD_ROW): 1,
        ("school-transfer", "resolved", "supervisor-han", EAST): 1,
        ("talk", "resolved", "cadre-lin", WILLOW_LANE): 1,
        ("golden-idea", "acknowledged", "cadre-aygul", WILLOW_LANE): 1,
        ("street-light", "acknowledged", "cadre-aygul", WILLOW_LANE): 1,
    }
)


SUBJECTS = ["Your report has arrived", "Somebody has your report", "There is an answer to your report"]


def where_cases_stand(stack: Stack) -> Counter[tuple[str, str, str, str]]:
    cases = stack.get("/api/mediation/v1/cases", area="/lakeside/", limit="500")["cases"]
    return Counter((one["category"], one["state"], one["owner"], one["level"]) for one in cases)


def registered(stack: Stack) -> list[str]:
    communities = stack.get("/api/intake/v1/communities")["communities"]
    units = stack.get("/api/mediation/v1/units", area="/lakeside/")
    return [one["area"] for one in communities if one["area"].startswith("/lakeside/")] + [u["unit"] for u in units]


def test_each_run_is_a_new_day_in_the_same_place(stack: Stack) -> None:
    """`doorstep` fails the test unless the demo ends with exit code 0."""
    english = stack.doorstep("demo", "--speed", "0")
    assert where_cases_stand(stack) == ENDS
    place = registered(stack)
    assert len(place) == len(set(place)) == 6

    chinese = stack.doorstep("demo", "--speed", "0", "--lang", "zh")
    twice = Counter({end: 2 * number for end, number in ENDS.items()})
    assert where_cases_stand(stack) == twice
    assert registered(stack) == place

    for told, day in ((english, day_in("en")), (chinese, day_in("zh"))):
        for story in day.stories.values():
            assert story.title in told
        for effect in (
            "case.opened",
            "case.mediated",
            "case.dispatch_returned",
            "case.merged",
            "case.reopened",
            " ms ",
        ):
            assert effect in told
        assert day.stories["geese"].texts["explanation"][:20] in told, "read back by the receipt"
        for page in ("/counter", "/desk", "/duty", "/board", "/mail/"):
            assert f"{stack.url}{page}" in told


def test_residents_have_mail_of_it_at_made_up_addresses_alone(stack: Stack) -> None:
    told = stack.doorstep("demo", "--speed", "0", "--once", "geese")
    addresses = set(re.findall(r"\S+@\S+(?=:)", told))
    assert len(addresses) == 1
    assert addresses.pop().endswith("@example.org")
    letters = [one for one in stack.get("/mail/messages") if one["to"] in told]
    assert [one["subject"] for one in reversed(letters)] == SUBJECTS


def test_one_step_is_told_alone(stack: Stack) -> None:
    before = where_cases_stand(stack)
    told = stack.doorstep("demo", "--speed", "0", "--once", "talk")
    assert where_cases_stand(stack) - before == Counter([("talk", "resolved", "cadre-lin", WILLOW_LANE)])
    assert day_in("en").stories["geese"].title not in told
