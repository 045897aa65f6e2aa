"""The page: who may look, what it shows and hides, and that a browser is told to run nothing but our own files."""

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from itertools import pairwise, product
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.auth import Staff
from services.chassis.signin.sessions import Sessions
from services.chassis.web.languages import translator
from services.reporting import charts
from services.reporting.board import Board, Told, board
from services.reporting.charts import Series
from services.reporting.domain.disclosure import SMALL
from services.reporting.freshness import Freshness, freshness
from services.reporting.read_models.figures import Figures, Question
from services.reporting.read_models.indicators import BY_NAME
from tests.reporting.bureau import Bureau, happened, registered
from tests.reporting.constituents import Casework, counted
from tests.reporting.test_case_fact import AREA, REPORTED
from tests.services import staff

MANAGER = staff("manager", "/nyc/")
ENGLISH = translator("en", "reporting")
OWN_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
CSP = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


class Page(HTMLParser):
    """What matters of a page: its words, its links, and what a strict policy would refuse."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.sheets: list[str] = []
        self.refused: list[str] = []
        self._in_svg = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "style") or "style" in given or any(name.startswith("on") for name in given):
            self.refused.append(self.get_starttag_text() or tag)
        if tag == "a":
            self.links.append(given.get("href") or "")
        if tag == "link":
            self.sheets.append(given.get("href") or "")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(self.words)


async def page(bureau: Bureau, path: str, headers: dict[str, str] = MANAGER) -> Page:
    answer = await bureau.client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-security-policy"] == CSP
    assert answer.headers["cache-control"] == "no-store"
    found = Page(answer.text)
    assert found.refused == []
    return found


async def test_the_board_shows_the_numbers_their_sentences_and_definitions(
    history: Bureau, sample: list[Casework]
) -> None:
    found = await page(history, "/board")
    for name in ("reported", "resolved", "resolved_same_day", "resolved_within_7_days"):
        value = counted(sample)[name]
        assert value
        assert f"{value:,}" in found.words
        assert str(BY_NAME[name].sentence).format(value=f"{value:,}") in found.text
        assert BY_NAME[name].definition in found.text
    assert "New York City" in found.words
    assert "imported history" in found.text
    assert re.search(r"As known on \d+ \w+ \d{4}, \d\d:\d\d UTC \(now\)", found.text)


async def test_each_number_leads_to_its_events(history: Bureau, sample: list[Casework]) -> None:
    board = await page(history, "/board?area=/nyc/nycc21/")
    [link] = [link for link in board.links if "name=reported" in link]
    events = await page(history, link)
    newest = max(work.reported_on for work in sample if work.area == "/nyc/nycc21/")
    assert ENGLISH.day(newest) in events.words
    assert "Council District 21" in events.words
    [following] = [link for link in events.links if "after=" in link]
    seen = re.findall(r"[0-9a-f-]{36}", events.text)
    assert len(set(seen)) == 50
    assert not set(seen) & set(re.findall(r"[0-9a-f-]{36}", (await page(history, following)).text))


@pytest.mark.parametrize("path", ["/board", "/board/events?name=reported"])
async def test_it_leads_to_the_other_workplaces(history: Bureau, path: str) -> None:
    html = (await history.client.get(path, headers=MANAGER)).text
    assert {"/desk", "/counter", "/duty", "/board"} <= set(Page(html).links)
    assert '<a href="/board" aria-current="true">' in html


async def test_small_numbers_are_hidden_and_their_events_not_linked(history: Bureau, sample: list[Casework]) -> None:
    assert counted([work for work in sample if work.area == "/nyc/nycc04/"])["reported"] == 1
    found = await page(history, "/board?area=/nyc/nycc04/")
    assert "fewer than 5" in found.words
    assert "1" not in found.words
    assert not [link for link in found.links if "/board/events" in link]


async def test_a_month_and_a_place_are_boards_of_their_own(history: Bureau) -> None:
    found = await page(history, "/board")
    [place] = [link for link in found.links if "nycc47" in link]
    assert "Council District 47" in (await page(history, place)).words
    month = next(link for link in found.links if "from=2017-03-01" in link)
    assert "to=2017-03-31" in month
    assert "Reported from 1 March 2017 to 31 March 2017" in (await page(history, month)).text


async def test_the_board_as_of_then_says_so(history: Bureau) -> None:
    found = await page(history, "/board?area=/nyc/&as_of=2017-01-01T00:00")
    assert "As known on 1 January 2017, 00:00 UTC (9 years ago)" in found.text


async def test_the_board_speaks_its_readers_language_and_its_numbers(history: Bureau) -> None:
    uyghur = translator("ug", "reporting")
    answer = await history.client.get("/board?from=2017-03-01&lang=ug", headers=MANAGER)
    assert '<html lang="ug" dir="rtl">' in answer.text
    assert uyghur.month(date(2017, 3, 1)) in answer.text
    for link in ("from=2017-03-01&amp;lang=zh", "from=2017-03-01&amp;lang=en"):
        assert link in answer.text, "another language of the same question"
    history.client.cookies.clear()


async def test_provisional_numbers_say_so(history: Bureau) -> None:
    """No consumer runs in this test."""
    assert "Provisional." in (await page(history, "/board")).words


async def test_an_empty_board_teaches(empty: Bureau) -> None:
    found = await page(empty, "/board", staff("manager", "/"))
    assert "Nothing was reported here in this time" in found.words


async def test_the_way_back_from_events_is_called_as_the_board_is(empty: Bureau) -> None:
    back = await page(empty, "/board/events?name=reported", staff("manager", "/"))
    assert "All areas" in back.words
    assert "/" not in back.words


async def test_what_the_form_says_wrong_is_told_and_not_echoed(history: Bureau) -> None:
    found = await page(history, "/board?from=<b>never</b>&as_of=later")
    assert "“Reported from” is not a date; write it as 2026-03-01." in found.words
    assert "“As known at” is not a time; write it as 2026-03-01T09:30." in found.words
    assert "lies after" in (await page(history, "/board?from=2018-01-01&to=2017-01-01")).text


@pytest.mark.parametrize("path", ["/board?", "/board/events?name=reported&"])
async def test_the_ends_of_time_can_be_asked_for(history: Bureau, path: str) -> None:
    found = await page(history, f"{path}from=0001-01-01&to=9999-12-31")
    assert "New York City" in found.words
    for as_of in ("0001-01-01T00:00:00%2B14:00", "0001-01-01T00:00", "9999-12-31T23:59:59-14:00"):
        await page(history, f"{path}as_of={as_of}")
    told = (await page(history, "/board?as_of=0001-01-01T00:00")).words
    assert "“As known at” lies outside of the years 1900 to 2199; leave it out to ask as of now." in told


async def test_another_area_is_not_there(history: Bureau) -> None:
    own = staff("supervisor", "/nyc/nycc33/")
    for path in ("/board?area=/nyc/", "/board?area=/nyc/nycc08/", "/board/events?name=open&area=/nyc/"):
        answer = await history.client.get(path, headers=own)
        told = "There is no such area" in answer.text and "To the board" in answer.text
        assert (answer.status_code, told) == (404, True)
    found = await page(history, "/board", own)
    assert "New York City" not in found.words


async def test_nobody_is_sent_to_sign_in_and_comes_back_to_what_they_wanted(history: Bureau) -> None:
    answer = await history.client.get("/board?area=/nyc/nycc33/&from=2017-01-01")
    assert answer.status_code == 303
    wanted = "%2Fboard%3Farea%3D%2Fnyc%2Fnycc33%2F%26from%3D2017-01-01"
    assert answer.headers["location"] == f"/board/sign-in?next={wanted}"


async def test_a_token_that_does_not_hold_or_does_not_open_the_board_is_refused(history: Bureau) -> None:
    for headers, status in (({"Authorization": "Bearer nonsense"}, 401), (staff("mediator", "/nyc/"), 403)):
        assert (await history.client.get("/board", headers=headers)).status_code == status


async def test_a_session_opens_the_board_and_its_form_ends_it(history: Bureau) -> None:
    sessions: Sessions = history.app.state.sessions
    key = await sessions.begin(Staff("manager-li", frozenset({"manager"}), ("/nyc/",)))
    cookie = {"Cookie": f"{sessions.cookie}={key}"}
    await page(history, "/board", cookie)
    events = await history.client.get("/board/events?name=reported", headers=cookie)
    [csrf] = re.findall(r'name="csrf" value="([^"]+)"', events.text)
    left = await history.client.post("/board/sign-out", data={"csrf": csrf}, headers={**cookie, **OWN_ORIGIN})
    assert left.status_code == 200
    assert (await history.client.get("/board", headers=cookie)).status_code == 303
    history.client.cookies.clear()


async def test_style_sheets_are_our_own_and_may_be_kept(history: Bureau) -> None:
    found = await page(history, "/board")
    assert len(found.sheets) == 4
    for sheet in found.sheets:
        answer = await history.client.get(sheet)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(margin|padding|border)-(left|right)|text-align: (left|right)", answer.text)
    assert (await history.client.get("/board/assets/other.css")).status_code == 404


def figures(month: date | None = None, place: str | None = None, **values: int) -> Figures:
    every = {name: values.get(name, 0) for name in BY_NAME}
    return Figures(values={**every}, imported=0, month=month, place=place)


def view(parts: list[Figures], area: str = "/city/") -> Board:
    return board(Question(area, None, None, datetime(2026, 3, 1, tzinfo=UTC)), parts, {}, ["/city/"], ENGLISH)


@pytest.mark.parametrize(("days", "said"), [(0, "0 days"), (1, "1 day"), (2, "2 days")])
def test_one_day_is_one_day(days: int, said: str) -> None:
    done = {"reported": 6, "resolved": 6, "resolved_within_7_days": 6}
    told = {"days_to_resolution_median": days, "days_to_resolution_p90": days}
    numbers = {number.name: number for number in view([figures(None, None, **done, **told)]).numbers}
    median, most = numbers["days_to_resolution_median"], numbers["days_to_resolution_p90"]
    assert median.sentence == f"Half of the resolved cases were resolved within {said}."
    assert most.sentence == f"Nine in ten of the resolved cases were resolved within {said}."
    assert (f"{median.told.text} {median.unit}", f"{most.told.text} {most.unit}") == (said, said)


async def test_one_month_and_one_event_are_one(empty: Bureau) -> None:
    await empty.learn([*registered([AREA]), happened(REPORTED, UUID(int=7), area=AREA)])
    empty.app.dependency_overrides[freshness] = lambda: Freshness(connected=True, waiting=1)
    found = await page(empty, "/board")
    assert "The numbers of 1 month" in found.words
    assert "1 event is published and not yet counted; look again in a moment." in found.words


def test_a_small_number_of_a_place_takes_another_with_it() -> None:
    places = [
        figures(place="/city/a/", reported=43, open=3, resolved=40),
        figures(place="/city/b/", reported=60, open=20, resolved=40),
        figures(place="/city/c/", reported=90, open=30, resolved=60),
    ]
    shown = view([figures(reported=193, open=53, resolved=140), *places])
    told = {row.name: dict(zip(shown.columns, row.cells, strict=True)) for row in shown.places}
    assert told["a"]["Open"].text == "fewer than 5"
    hidden = {(place, name) for place, cells in told.items() for name, cell in cells.items() if cell.exact is None}
    assert hidden == {("a", "Open"), ("a", "Resolved"), ("b", "Open"), ("b", "Resolved")}
    assert shown.hides


def hidden_of(shown: Board) -> set[tuple[str, str]]:
    """Which numbers are not told: those of the whole by their name, those of a month by its column."""
    of_months = {
        (row.name, column)
        for row in shown.months
        for column, cell in zip(shown.columns, row.cells, strict=True)
        if cell.exact is None and cell.text != "–"
    }
    return of_months | {("", number.name) for number in shown.numbers if number.told.exact is None}


def test_withdrawn_can_not_be_worked_out() -> None:
    values = {"reported": 20, "open": 10, "resolved": 8, "withdrawn": 2, "resolved_within_7_days": 5}
    shown = view([figures(None, None, **values), figures(date(2026, 2, 1), None, **values)])
    assert hidden_of(shown) >= {("", "withdrawn"), ("", "resolved"), ("February 2026", "Resolved")}
    assert ("", "reported") not in hidden_of(shown)


def test_one_withdrawal_hides_little_else() -> None:
    months = [
        figures(month=date(2026, 1, 1), reported=30, open=10, resolved=20, resolved_within_7_days=15),
        figures(month=date(2026, 2, 1), reported=41, open=12, resolved=28, resolved_within_7_days=20, withdrawn=1),
        figures(month=date(2026, 3, 1), reported=20, open=10, resolved=10, resolved_within_7_days=9),
    ]
    whole = figures(reported=91, open=32, resolved=58, resolved_within_7_days=44, withdrawn=1)
    assert hidden_of(view([whole, *months])) == {
        ("", "withdrawn"),
        ("", "open"),
        ("February 2026", "Withdrawn"),
        ("February 2026", "Open"),
    }


def test_months_that_have_long_been_done_with_keep_what_was_resolved() -> None:
    done = [
        figures(month=date(2025, month, 1), reported=20, resolved=18, resolved_within_7_days=10, withdrawn=2)
        for month in range(1, 10)
    ]
    recent = figures(month=date(2025, 10, 1), reported=20, open=15, resolved=5, resolved_within_7_days=5)
    whole = figures(reported=200, open=15, resolved=167, resolved_within_7_days=95, withdrawn=18)
    hidden = hidden_of(view([whole, *done, recent]))
    assert {column for _, column in hidden} == {"Withdrawn", "Open"}


LEAVES = ("open", "same_day", "in_the_week", "later", "withdrawn", "declined")


def added_up(open_: int, same_day: int, in_the_week: int, later: int, withdrawn: int, declined: int) -> dict[str, int]:
    resolved = same_day + in_the_week + later
    return {
        "reported": open_ + resolved + withdrawn + declined,
        "open": open_,
        "resolved": resolved,
        "resolved_same_day": same_day,
        "resolved_within_7_days": same_day + in_the_week,
        "withdrawn": withdrawn,
        "declined": declined,
    }


def reckoned_with(told: Told, value: int) -> range:
    """What a reader takes for possible; large numbers are tried near the true one only."""
    if told.exact is not None:
        return range(value, value + 1)
    if told.text == "fewer than 5":
        return range(1 if value else 0, SMALL)
    return range(SMALL if value >= SMALL else 0, value + 3)


@given(st.tuples(*[st.integers(0, 7)] * len(LEAVES)))
@settings(max_examples=100, deadline=None)
def test_a_reader_of_the_board_works_out_no_small_number(leaves: tuple[int, ...]) -> None:
    """Nor how many were neither resolved nor wait, whoever ended them."""
    truth = added_up(*leaves)
    shown = view([figures(None, None, **truth), figures(date(2026, 2, 1), None, **truth)])
    told = {number.name: number.told for number in shown.numbers if number.name in truth}
    possible = {name: reckoned_with(told[name], value) for name, value in truth.items()}
    every = [range(value + 3) for value in leaves]
    for nth, name in ((0, "open"), (1, "resolved_same_day"), (4, "withdrawn"), (5, "declined")):
        every[nth] = possible[name]
    small = {name for name, value in truth.items() if 0 < value < SMALL}
    ended = truth["withdrawn"] + truth["declined"]
    seen: dict[str, set[int]] = {name: set() for name in (*small, *(["ended"] if 0 < ended < SMALL else []))}
    for guess in map(added_up, *zip(*product(*every), strict=True)):
        if all(value in possible[name] for name, value in guess.items()):
            for name, values in seen.items():
                values.add(guess["withdrawn"] + guess["declined"] if name == "ended" else guess[name])
            if all(len(values) > 1 for values in seen.values()):
                return
    assert {name: values for name, values in seen.items() if len(values) < 2} == {}


def test_months_without_a_report_are_months_too() -> None:
    shown = view(
        [
            figures(reported=20, open=20),
            figures(month=date(2025, 11, 1), reported=10, open=10),
            figures(month=date(2026, 2, 1), reported=10, open=10),
        ]
    )
    assert [row.name for row in shown.months] == [
        "February 2026",
        "January 2026",
        "December 2025",
        "November 2025",
    ]


def test_places_stand_by_name_so_that_their_order_tells_nothing() -> None:
    parts = [figures(place=f"/city/{name}/", reported=10 * nth) for nth, name in enumerate(["d10", "d9", "d1"], 1)]
    assert [row.name for row in view([figures(reported=60), *parts]).places] == ["d1", "d9", "d10"]


def test_a_line_has_a_gap_where_nothing_may_be_shown() -> None:
    line = charts.sparkline([10, 20, None, 30, None, 40, 50], top=50)
    assert len(line.runs) == 2
    assert len(line.dots) == 1
    assert line.end == (236.0, 6.0)


def test_labels_of_a_chart_do_not_lie_on_each_other() -> None:
    months = [date(2026, month, 1) for month in range(1, 7)]
    same = [Series(name, name, [100] * 6) for name in ("a", "b", "c")]
    drawn = charts.chart(months, same, 700, 260, 100, 6, ENGLISH)
    heights = sorted(line.label_at for line in drawn.lines)
    assert all(below - above >= charts.LABEL_HEIGHT for above, below in pairwise(heights))
    assert [level.label for level in drawn.levels] == ["100", "50"]
