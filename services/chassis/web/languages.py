"""In which language a page or a mail speaks: who asked for which, its texts, and its dates and numbers by CLDR."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta, get_datetime_format
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit
from fastapi import Request, Response
from fastapi.datastructures import URL

from services.chassis.clock import now, within_reach
from services.chassis.web.arabic_kazakh import in_arabic_script

COOKIE = "doorstep-lang"
ASKED = "lang"
"""The parameter by which the switch asks for a language; it is then kept in the cookie."""
_KEPT_SECONDS = 365 * 24 * 3600

SERVICES = Path(__file__).parent.parent.parent

Direction = Literal["ltr", "rtl"]
_Step = Literal["year", "month", "day", "hour", "minute"]
_Unit = Literal["duration-day", "duration-hour", "duration-minute"]
_NEVER = float("inf")
"""Babel would else turn to the next larger unit by itself."""

_STEPS: tuple[tuple[_Step, timedelta], ...] = (
    ("year", timedelta(days=365)),
    ("month", timedelta(days=30)),
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A language in one script. `source` is whose catalogue it reads: both scripts of Kazakh have one text."""

    code: str
    name: str
    """In its own words and script."""
    dir: Direction
    locale: str
    source: str
    accepted: tuple[str, ...]
    """Beginnings of what browsers call it."""


VARIANTS: tuple[Variant, ...] = (
    Variant("zh", "中文", "ltr", "zh_Hans_CN", "zh", ("zh",)),
    Variant("ug", "ئۇيغۇرچە", "rtl", "ug", "ug", ("ug",)),
    Variant("kk-Arab", "قازاقشا", "rtl", "kk_Arab", "kk", ("kk-arab", "kk-cn")),
    Variant("kk", "Қазақша", "ltr", "kk", "kk", ("kk",)),
    Variant("en", "English", "ltr", "en_GB", "en", ("en",)),
)
CODES = tuple(variant.code for variant in VARIANTS)
DEFAULT = "en"
TRANSLATED = ("zh", "ug", "kk")
"""The catalogues; English is what is written in the code."""

_BY_CODE = {variant.code: variant for variant in VARIANTS}


@dataclass(frozen=True, slots=True)
class Language:
    """One language with the texts of one service. Take it from `translator`, or in a page from `Pages.language`."""

    code: str
    name: str
    dir: Direction
    locale: Locale
    _texts: NullTranslations = field(repr=False)

    def gettext(self, text: str) -> str:
        return self._texts.gettext(text)

    def ngettext(self, one: str, many: str, n: int) -> str:
        """The plural form for `n`; both may hold `{n}`, which `.format(n=language.number(n))` fills in."""
        return self._texts.ngettext(one, many, n)

    def number(self, value: float) -> str:
        return format_decimal(value, locale=self.locale)

    def percent(self, share: float, digits: int = 0) -> str:
        """`share` is 0.5 for 50 %."""
        return format_percent(share, format=f"#,##0{'.' if digits else ''}{'0' * digits}%", locale=self.locale)

    def day(self, at: date, zone: tzinfo = UTC) -> str:
        """`25 November 2026`."""
        return format_date(_there(at, zone), "long", locale=self.locale)

    def short_day(self, at: date, zone: tzinfo = UTC) -> str:
        """`Wed 25 Nov`."""
        return format_skeleton("MMMEd", _there(at, zone), locale=self.locale)

    def month(self, at: date) -> str:
        """`November 2026`."""
        return format_skeleton("yMMMM", at, locale=self.locale)

    def short_month(self, at: date) -> str:
        """`Nov 2026`."""
        return format_skeleton("yMMM", at, locale=self.locale)

    def clock(self, at: datetime, zone: tzinfo = UTC) -> str:
        """`18:30`."""
        return format_time(_clock(at, zone), "short", locale=self.locale)

    def moment(self, at: datetime, zone: tzinfo = UTC) -> str:
        """`25 November 2026, 18:30`, and which clock it is where that is no place's own."""
        pattern = str(get_datetime_format("medium", locale=self.locale))
        told = pattern.replace("{1}", self.day(at, zone)).replace("{0}", self.clock(at, zone))
        return told if zone is not UTC else f"{told} UTC"

    def near(self, at: datetime, zone: tzinfo = UTC, since: datetime | None = None) -> str:
        """`today 18:30`, `tomorrow 09:00`, `Wed 25 Nov 18:30`, and with its year where that is another."""
        then, here = _clock(at, zone), _clock(since or now(), zone)
        time = self.clock(at, zone)
        days = (then.date() - here.date()).days
        if (told := self._beside_today(days)) is not None:
            return told.format(time=time)
        skeleton = "MMMEd" if then.year == here.year else "yMMMEd"
        return self.gettext("{day} {time}").format(day=format_skeleton(skeleton, then, locale=self.locale), time=time)

    def _beside_today(self, days: int) -> str | None:
        _ = self.gettext
        match days:
            case -1:
                return _("yesterday {time}")
            case 0:
                return _("today {time}")
            case 1:
                return _("tomorrow {time}")
            case _:
                return None

    def relative(self, at: datetime, since: datetime | None = None) -> str:
        """`in 2 hours`, `3 days ago`, `now`; never more than is left or has passed."""
        apart = at - (since or now())
        for step, length in _STEPS:
            if (number := abs(apart) // length) >= 1:
                return format_timedelta(
                    number * length * (1 if apart > timedelta(0) else -1),
                    granularity=step,
                    threshold=_NEVER,
                    add_direction=True,
                    locale=self.locale,
                )
        return self.gettext("now")

    def ahead(self, at: datetime, since: datetime | None = None) -> str:
        """`in 2 hrs 10 mins`, of a date that somebody counts on; of what has passed the same as `relative`."""
        left = at - (since or now())
        if left < timedelta(minutes=1):
            return self.relative(at, since)
        return self.gettext("in {time}").format(time=self.span(left))

    def span(self, apart: timedelta) -> str:
        """`2 hrs 10 mins`: two units while they matter; never more than is left or has passed."""
        days, rest = apart.days, apart.seconds
        hours, minutes = rest // 3600, rest % 3600 // 60
        if days >= 2:
            return self._units(days, "duration-day")
        hours += days * 24
        parts = [self._units(hours, "duration-hour")] if hours else []
        if minutes and hours < 12:
            parts.append(self._units(minutes, "duration-minute"))
        return " ".join(parts)

    def _units(self, n: int, unit: _Unit) -> str:
        return format_unit(n, unit, "short", locale=self.locale)

    def when(self, at: datetime, zone: tzinfo = UTC, since: datetime | None = None) -> str:
        """Relative and absolute together: `in 2 hrs 10 mins · today 18:30`."""
        return f"{self.ahead(at, since)} · {self.near(at, zone, since)}"


def known(code: str | None) -> bool:
    return code in _BY_CODE


@lru_cache(maxsize=64)
def translator(code: str | None, service: str = "chassis") -> Language:
    """The language with this code, with the texts of `service` and the shared ones; English for an unknown code.

    `translator(contact.language, "notifications").gettext("…")` is what a mail says.
    """
    variant = _BY_CODE.get(code or "", _BY_CODE[DEFAULT])
    texts = _read(variant, catalogue("chassis", variant.source))
    if service != "chassis":
        own = _read(variant, catalogue(service, variant.source))
        own.add_fallback(texts)
        texts = own
    return Language(variant.code, variant.name, variant.dir, Locale.parse(variant.locale), texts)


def catalogue(service: str, language: str) -> Path:
    """Where the texts of a service lie in one language; `chassis` has the shared ones."""
    folder = SERVICES / "chassis" / "web" if service == "chassis" else SERVICES / service
    return folder / "locale" / language / "LC_MESSAGES" / f"{service}.po"


def _read(variant: Variant, file: Path) -> NullTranslations:
    if not file.exists():
        return NullTranslations()
    with file.open("rb") as content:
        texts = read_po(content, locale=variant.source)
    if variant.code == "kk-Arab":
        _into_arabic_script(texts)
    compiled = io.BytesIO()
    write_mo(compiled, texts, use_fuzzy=True)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _into_arabic_script(texts: Catalog) -> None:
    for message in texts:
        if not message.id:
            continue
        if isinstance(message.string, str):
            message.string = in_arabic_script(message.string)
        else:
            message.string = tuple(in_arabic_script(form) for form in message.string or ())


def asked_for(request: Request) -> str | None:
    """The language that this very request asks for, to be kept."""
    asked = request.query_params.get(ASKED)
    return asked if known(asked) else None


def spoken(request: Request, default: str = DEFAULT) -> str:
    """The code of the reader's language: asked for now, kept from before, understood by the browser, else `default`."""
    if (asked := asked_for(request)) is not None:
        return asked
    if known(kept := request.cookies.get(COOKIE)):
        assert kept is not None
        return kept
    return _understood(request.headers.get("Accept-Language", "")) or default


def keep(response: Response, code: str, *, secure: bool) -> None:
    """Remember the choice in this browser. It says nothing about who it is, and no script needs it."""
    response.set_cookie(COOKIE, code, max_age=_KEPT_SECONDS, path="/", httponly=True, samesite="lax", secure=secure)


def _understood(header: str) -> str | None:
    """The first of ours in the browser's order of preference."""
    wanted: list[tuple[float, str]] = []
    for part in header.lower().split(",")[:20]:
        tag, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if quality > 0:
            wanted.append((-quality, tag.strip()))
    for _, tag in sorted(wanted, key=lambda one: one[0]):
        for variant in VARIANTS:
            if any(tag == begins or tag.startswith(f"{begins}-") for begins in variant.accepted):
                return variant.code
    return None


def _there(at: date, zone: tzinfo) -> date:
    return _clock(at, zone) if isinstance(at, datetime) else at


def _clock(at: datetime, zone: tzinfo) -> datetime:
    """What the clocks there show; the last moments that there are have no time east of Greenwich."""
    return within_reach(at).astimezone(zone)


def switch(request: Request, code: str, at: str | None = None) -> list[Mapping[str, str]]:
    """One entry for each language, its link to this same page: at the address of the request, or `at` another."""

    def asking(code: str) -> str:
        address = (URL(at) if at else request.url).include_query_params(**{ASKED: code})
        return str(address) if at else f"?{address.query}"

    return [
        {
            "code": variant.code,
            "name": variant.name,
            "dir": variant.dir,
            "href": asking(variant.code),
            "current": "true" if variant.code == code else "",
        }
        for variant in VARIANTS
    ]
