"""Pages for people: templates over one base, our own style sheets under names of their content, strict headers."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

from services.chassis.problems import ProblemError

WEB = Path(__file__).parent

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

Translate = Callable[[str], str]


def untranslated(text: str) -> str:
    """Every string of a page goes through here; the catalogues come with the languages."""
    return text


class Assets:
    """Files that browsers may keep for ever, since another content has another name."""

    def __init__(self, prefix: str, *files: Path) -> None:
        self._prefix = prefix
        self._contents: dict[str, tuple[bytes, str]] = {}
        self._hashed: dict[str, str] = {}
        for file in files:
            content = file.read_bytes()
            name = f"{file.stem}.{hashlib.sha256(content).hexdigest()[:12]}{file.suffix}"
            self._contents[name] = (content, MEDIA_TYPES[file.suffix])
            self._hashed[file.name] = f"{prefix}/{name}"

    def url(self, name: str) -> str:
        return self._hashed[name]

    def router(self) -> APIRouter:
        router = APIRouter(prefix=self._prefix)

        @router.get("/{name}")
        async def asset(name: str) -> Response:
            if name not in self._contents:
                raise ProblemError(404, "unknown", "There is nothing at this address")
            content, media_type = self._contents[name]
            headers = {"Cache-Control": "public, max-age=31536000, immutable"}
            return Response(content, media_type=media_type, headers=headers)

        return router


class Pages:
    """Renders a service's templates; what is not given to a template is an error, not a gap."""

    def __init__(self, templates: Path, assets: Assets, sheets: Sequence[str]) -> None:
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(templates), FileSystemLoader(WEB / "templates")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._always: dict[str, Any] = {"asset": assets.url, "sheets": sheets}

    def render(
        self,
        template: str,
        context: Mapping[str, Any],
        *,
        status: int = 200,
        translate: Translate = untranslated,
        lang: str = "en",
        dir: str = "ltr",  # noqa: A002 - as HTML calls it
    ) -> HTMLResponse:
        given = {**self._always, **context, "_": translate, "lang": lang, "dir": dir}
        html = self._environment.get_template(template).render(given)
        return HTMLResponse(html, status_code=status, headers=SECURITY_HEADERS)
