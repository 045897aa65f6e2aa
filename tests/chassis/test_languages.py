"""Five ways to read Doorstep: which is chosen, what is shown in it, and Kazakh in both of its scripts."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from services.chassis.web.arabic_kazakh import in_arabic_script
from services.chassis.web.languages import CODES, spoken, translator
from services.chassis.web.pages import WEB, Assets, Pages

AT = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
URUMQI = ZoneInfo("Asia/Urumqi")


def request(query: str = "", cookie: str = "", accepts: str = "", env: str = "local") -> Request:
    headers = [(b"cookie", cookie.encode()), (b"accept-language", accepts.encode())]
    app = SimpleNamespace(state=SimpleNamespace(settings=SimpleNamespace(env=env, language="en")))
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/board",
            "scheme": "http",
            "server": ("doorstep.test", 80),
            "query_string": query.encode(),
            "headers": headers,
            "app": app,
        }
    )


@pytest.mark.parametrize(
    ("query", "cookie", "accepts", "code"),
    [
        ("", "", "", "en"),
        ("", "", "fr;q=1, zh-CN;q=0.8, ug;q=0.9", "ug"),
        ("", "", "kk-Arab-CN", "kk-Arab"),
        ("", "", "kk-CN, en", "kk-Arab"),
        ("", "", "kk-KZ, en", "kk"),
        ("", "", "zh;q=0, *;q=broken, tlh", "en"),
        ("", "doorstep-lang=kk", "zh", "kk"),
        ("lang=zh", "doorstep-lang=kk", "ug", "zh"),
        ("lang=tlh", "doorstep-lang=tlh", "ug", "ug"),
    ],
)
def test_who_asks_now_is_heard_before_what_was_kept_and_what_the_browser_says(
    query: str, cookie: str, accepts: str, code: str
) -> None:
    assert spoken(request(query, cookie, accepts)) == code


def test_an_installation_has_a_language_for_those_who_say_nothing() -> None:
    assert spoken(request(), "zh") == "zh"


@pytest.mark.parametrize("code", CODES)
def test_every_page_says_its_language_and_offers_the_others_at_the_same_address(code: str) -> None:
    pages = Pages(WEB / "templates", Assets("/assets"), ("tokens.css", "base.css"))
    page = pages.render("base.html", {}, request=request(f"area=/x/&lang={code}"))
    html = bytes(page.body).decode()
    language = translator(code)
    assert f'<html lang="{code}" dir="{language.dir}">' in html
    assert (language.dir == "rtl") == (code in ("ug", "kk-Arab"))
    for other in CODES:
        link = f'href="?area=%2Fx%2F&amp;lang={other}" lang="{other}"'
        assert (link in html) == (other != code)
        assert translator(other).name in html
    assert ("arabic." in html) == (language.dir == "rtl"), "no other page loads the Arabic letters"
    assert page.headers["set-cookie"].startswith(f"doorstep-lang={code};")
    assert "samesite=lax" in page.headers["set-cookie"].lower()


def test_who_chose_nothing_is_given_no_cookie() -> None:
    pages = Pages(WEB / "templates", Assets("/assets"), ())
    assert "set-cookie" not in pages.render("base.html", {}, request=request(accepts="ug")).headers


@pytest.mark.parametrize(
    ("code", "number", "moment", "relative"),
    [
        ("en", "12,345", "25 November 2026, 18:30", "in 2 hours"),
        ("zh", "12,345", "2026年11月25日 18:30", "2小时后"),
        ("ug", "12,345", "25-نويابىر، 2026، 18:30", "2 سائەتتىن كېيىن"),
        ("kk", "12\N{NO-BREAK SPACE}345", "2026 ж. 25 қараша, 18:30", "2 сағаттан кейін"),
        ("kk-Arab", "12,345", "25-قاراشا، 2026, 18:30", "2 ساعاتتان كەيىن"),
    ],
)
def test_numbers_and_times_are_those_of_the_language(code: str, number: str, moment: str, relative: str) -> None:
    language = translator(code)
    assert language.number(12345) == number
    assert language.moment(AT, ZoneInfo("Asia/Shanghai")).replace("\N{NARROW NO-BREAK SPACE}", " ") == moment
    assert language.relative(AT + timedelta(hours=2, minutes=59), AT) == relative, "never more than is left"


def test_a_time_is_near_or_has_its_day() -> None:
    english = translator("en")
    for days, told in ((-1, "yesterday 16:30"), (0, "today 16:30"), (1, "tomorrow 16:30"), (4, "Sun 29 Nov 16:30")):
        assert english.near(AT + timedelta(days=days), URUMQI, AT) == told
    assert english.near(AT + timedelta(days=90), URUMQI, AT) == "Tue, 23 Feb 2027 16:30"
    for beyond in (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)):
        assert english.near(beyond, ZoneInfo("Pacific/Kiritimati"), AT)
        assert english.moment(beyond, ZoneInfo("Pacific/Pago_Pago"))
    assert english.when(AT - timedelta(minutes=5), URUMQI, AT) == "5 minutes ago · today 16:25"
    assert english.relative(AT + timedelta(seconds=59), AT) == "now"
    # At 23:00 in Ürümqi it is still the afternoon of the same day elsewhere: the reader's own midnight counts.
    late = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
    assert english.near(late + timedelta(hours=1, minutes=30), URUMQI, late) == "tomorrow 00:30"


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (timedelta(hours=1, minutes=59, seconds=59), "in 1 hr 59 mins · today 18:29"),
        (timedelta(minutes=10), "in 10 mins · today 16:40"),
        (timedelta(hours=30, minutes=5), "in 30 hrs · tomorrow 22:35"),
        (timedelta(seconds=59), "now · today 16:30"),
    ],
)
def test_a_date_that_is_counted_on_is_told_to_the_minute_while_minutes_matter(left: timedelta, told: str) -> None:
    assert translator("en").when(AT + left, URUMQI, AT) == told


def words_in_both_scripts() -> list[tuple[str, str]]:
    """The months and days that CLDR has in Cyrillic and in Arabic letters."""
    cyrillic, arabic = Locale.parse("kk"), Locale.parse("kk_Arab")
    months = [(cyrillic.months["format"]["wide"][n], arabic.months["format"]["wide"][n]) for n in range(1, 13)]
    days = [(cyrillic.days["format"]["wide"][n], arabic.days["format"]["wide"][n]) for n in range(7)]
    return months + days


@pytest.mark.parametrize(("cyrillic", "arabic"), words_in_both_scripts())
def test_kazakh_turns_into_arabic_letters_as_it_is_written_in_china(cyrillic: str, arabic: str) -> None:
    assert in_arabic_script(cyrillic) == arabic


@given(st.sampled_from(["{owner}", "%(n)s", "<b>", "&amp;", "Doorstep", "12,5", "https://example.org/а"]), st.text())
def test_what_a_program_fills_in_survives_the_other_script(kept: str, around: str) -> None:
    around = re.sub(r"[{}%<>&;\S]*https?\S*|[{}%<>&]", "", around)
    assert kept in in_arabic_script(f"Сіздің {around} {kept} өтінішіңіз")


def test_punctuation_and_hamza() -> None:
    assert in_arabic_script("Үй, іс; өтініш?") == "ءۇي، ءىس؛ ءوتىنىش؟"
    assert in_arabic_script("Азия 3,5") == "ازيا 3,5"


def test_what_others_made_is_what_it_was() -> None:
    vendor = WEB / "vendor"
    lines = [line.split() for line in (vendor / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert {file.name for file in vendor.iterdir()} == {*sums, "SHA256SUMS", "README.md"}
    for name, digest in sums.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest


def test_styles_hold_in_both_directions() -> None:
    """Only logical properties: nothing is called left or right."""
    sheets = [*WEB.glob("*.css"), *Path(WEB.parent.parent).glob("*/assets/*.css")]
    assert len(sheets) > 3
    physical = re.compile(
        r"(margin|padding|border|inset)-(left|right|top|bottom)|(?<![-\w])(left|right|top|bottom)\s*:"
    )
    for sheet in sheets:
        assert not physical.search(sheet.read_text()), sheet
        assert "text-align: left" not in sheet.read_text(), sheet
