"""Pages for people: templates over one base, our own style sheets under names of their content, strict headers."""

import gzip
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from services.chassis.problems import ProblemError
from services.chassis.settings import ServiceSettings
from services.chassis.web.languages import DEFAULT, Language, asked_for, keep, spoken, switch, translator
from services.chassis.web.marked import marked

WEB = Path(__file__).parent
VENDOR = WEB / "vendor"

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}

_COMPRESSED = frozenset({".css", ".js", ".svg"})
"""Fonts are compressed in themselves."""

SHARED = (
    VENDOR / "noto-naskh-arabic-arabic-400-normal.woff2",
    VENDOR / "noto-naskh-arabic-arabic-700-normal.woff2",
    VENDOR / "htmx.min.js",
    VENDOR / "hx-sse.min.js",
    WEB / "mark.svg",
    WEB / "tokens.css",
    WEB / "base.css",
    WEB / "arabic.css",
)
"""What every face may use; each serves it under its own address."""

Translate = Callable[[str], str]

untranslated = marked

_NAMED = re.compile(rb'url\("([a-z0-9.-]+)"\)')


class Assets:
    """Files that browsers may keep for ever, since another content has another name.

    The shared ones are always among them. A style sheet names another file, given before it, as `url("name")`.
    """

    def __init__(self, prefix: str, *files: Path) -> None:
        self._prefix = prefix
        self._contents: dict[str, tuple[bytes, str]] = {}
        self._zipped: dict[str, bytes] = {}
        self._hashed: dict[str, str] = {}
        for file in (*SHARED, *files):
            content = file.read_bytes()
            if file.suffix == ".css":
                content = _NAMED.sub(lambda found: f'url("{self._hashed[found[1].decode()]}")'.encode(), content)
            name = f"{file.stem}.{hashlib.sha256(content).hexdigest()[:12]}{file.suffix}"
            self._contents[name] = (content, MEDIA_TYPES[file.suffix])
            if file.suffix in _COMPRESSED:
                self._zipped[name] = gzip.compress(content, 9, mtime=0)
            self._hashed[file.name] = f"{prefix}/{name}"

    def url(self, name: str) -> str:
        return self._hashed[name]

    def router(self) -> APIRouter:
        router = APIRouter(prefix=self._prefix)

        @router.get("/{name}")
        async def asset(request: Request, name: str) -> Response:
            if name not in self._contents:
                raise ProblemError(404, "unknown", "There is nothing at this address")
            content, media_type = self._contents[name]
            headers = {"Cache-Control": "public, max-age=31536000, immutable"}
            if name in self._zipped:
                headers["Vary"] = "Accept-Encoding"
                if "gzip" in request.headers.get("Accept-Encoding", ""):
                    content, headers["Content-Encoding"] = self._zipped[name], "gzip"
            return Response(content, media_type=media_type, headers=headers)

        return router


class Pages:
    """Renders a service's templates; what is not given to a template is an error, not a gap.

    The service's texts are those of the folder that `templates` lies in. A template has `_`, `ngettext`,
    `{% trans %}`, `language`, and the filters `number`, `percent`, `day`, `moment`, `near`, `relative`, `when`,
    which tell instants by the clock of `zone` where the context holds one. Macros of another file need
    `{% import … with context %}`.
    """

    def __init__(self, templates: Path, assets: Assets, sheets: Sequence[str], scripts: Sequence[str] = ()) -> None:
        self._service = templates.parent.name
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(templates), FileSystemLoader(WEB / "templates")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        filters: dict[str, Callable[..., Any]] = self._environment.filters
        filters.update(FILTERS)
        self._always: dict[str, Any] = {"asset": assets.url, "sheets": sheets, "scripts": scripts}

    def language(self, request: Request) -> Language:
        """The reader's, with this service's texts."""
        settings: ServiceSettings = request.app.state.settings
        return translator(spoken(request, settings.language), self._service)

    def render(
        self,
        template: str,
        context: Mapping[str, Any],
        *,
        request: Request | None = None,
        language: Language | None = None,
        status: int = 200,
        at: str | None = None,
    ) -> HTMLResponse:
        """The page in the reader's language, or in `language`; without `request` it offers no other.

        `at` is where it offers them, if not at the address of the request: a form's may be no page's.
        """
        if language is None:
            language = self.language(request) if request else translator(DEFAULT, self._service)
        given = {
            "languages": switch(request, language.code, at) if request else [],
            **self._always,
            **context,
            "language": language,
            "lang": language.code,
            "dir": language.dir,
            "_": language.gettext,
            "gettext": language.gettext,
            "ngettext": language.ngettext,
        }
        html = self._environment.get_template(template).render(given)
        answer = HTMLResponse(html, status_code=status, headers={**SECURITY_HEADERS, "Vary": "Accept-Language, Cookie"})
        if request and (chosen := asked_for(request)):
            keep_choice(answer, request, chosen)
        return answer


def keep_choice(answer: Response, request: Request, code: str) -> None:
    """Let this browser remember the language that its reader chose."""
    settings: ServiceSettings = request.app.state.settings
    keep(answer, code, secure=settings.env != "local")


def _language(context: Context) -> Language:
    return context["language"]


def _zone(context: Context) -> tzinfo:
    zone = context.get("zone")
    return zone if isinstance(zone, tzinfo) else UTC


def _timed(at: datetime, told: str, more: str) -> Markup:
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(timespec="seconds"), more, told)


@pass_context
def _number(context: Context, value: float) -> str:
    return _language(context).number(value)


@pass_context
def _percent(context: Context, share: float, digits: int = 0) -> str:
    return _language(context).percent(share, digits)


@pass_context
def _day(context: Context, at: date) -> str:
    return _language(context).day(at, _zone(context))


@pass_context
def _moment(context: Context, at: datetime) -> Markup:
    language, zone = _language(context), _zone(context)
    return _timed(at, language.moment(at, zone), language.relative(at))


@pass_context
def _near(context: Context, at: datetime) -> Markup:
    language, zone = _language(context), _zone(context)
    return _timed(at, language.near(at, zone), language.moment(at, zone))


@pass_context
def _relative(context: Context, at: datetime) -> Markup:
    language, zone = _language(context), _zone(context)
    return _timed(at, language.relative(at), language.moment(at, zone))


@pass_context
def _when(context: Context, at: datetime) -> Markup:
    language, zone = _language(context), _zone(context)
    return _timed(at, language.when(at, zone), language.moment(at, zone))


FILTERS: dict[str, Callable[..., Any]] = {
    "number": _number,
    "percent": _percent,
    "day": _day,
    "moment": _moment,
    "near": _near,
    "relative": _relative,
    "when": _when,
}
