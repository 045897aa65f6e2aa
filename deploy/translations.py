"""The catalogues: brought up to date from code and templates, and checked for what is missing or stale."""

import argparse
import io
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from babel.messages.catalog import Catalog
from babel.messages.extract import extract as babel_extract
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po

from services.chassis.web.languages import SERVICES, TRANSLATED, catalogue

ROOT = SERVICES.parent

Text = str | tuple[str, ...]
"""What stands in the code; a pair for one and many."""

_KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "marked": None, "ngettext": (1, 2), "marked_plural": (1, 2)}
_JINJA = {"trim_blocks": "true", "lstrip_blocks": "true"}
_NAMED = re.compile(r"\{([a-z_]*)[^{}]*\}|%\(([a-z_]+)\)")
UNCHECKED = "unchecked"
"""The comment of a text that no native reader has looked at."""


def services() -> list[str]:
    """Those with texts for people; the shared ones come first."""
    return ["chassis", "intake", "mediation", "notifications", "reporting"]


def texts_of(service: str) -> dict[Text, list[str]]:
    """Each text of a service with the files that it stands in."""
    found: dict[Text, list[str]] = {}
    folder = SERVICES / service
    for file in sorted(folder.rglob("*.py")):
        _gather(found, file, _extracted("python", file, {}))
    for file in sorted([*folder.rglob("*.html"), *folder.glob("templates/mail/*.txt")]):
        _gather(found, file, _extracted("jinja2", file, _JINJA))
    for file in (folder / "categories.yaml", folder / "help_at_once.yaml"):
        if file.exists():
            _gather(found, file, _names(yaml.safe_load(file.read_text())))
    return found


def expected() -> dict[str, dict[Text, list[str]]]:
    """The texts that each service's catalogues must hold: its own, without those that are shared."""
    found = {service: texts_of(service) for service in services()}
    shared = found["chassis"]
    return {
        service: texts if service == "chassis" else {text: where for text, where in texts.items() if text not in shared}
        for service, texts in found.items()
    }


def extract() -> list[Path]:
    """Bring every catalogue up to date: new texts empty, translations kept, texts that are gone dropped."""
    return [
        file
        for service, texts in expected().items()
        for language in TRANSLATED
        if (file := _update(service, language, texts)) is not None
    ]


def check() -> list[str]:
    """What is missing, stale or broken, a line for each."""
    return [
        complaint
        for service, texts in expected().items()
        for language in TRANSLATED
        for complaint in _complaints(service, language, texts)
    ]


def _extracted(method: str, file: Path, options: dict[str, str]) -> Iterator[Text]:
    with file.open("rb") as content:
        for _line, text, _comments, _context in babel_extract(method, content, keywords=_KEYWORDS, options=options):
            if isinstance(text, str):
                if text:
                    yield text
            else:
                yield tuple(text)


def _names(tree: Any) -> Iterator[str]:
    """The leaves of a tree of names, and the names in a list of things that have one."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list):
        for thing in cast("list[dict[str, str]]", tree):
            yield thing["name"]
    elif isinstance(tree, dict):
        for branch in cast("dict[str, Any]", tree).values():
            yield from _names(branch)


def _gather(found: dict[Text, list[str]], file: Path, texts: Iterable[Text]) -> None:
    for text in texts:
        places = found.setdefault(text, [])
        place = str(file.relative_to(ROOT))
        if place not in places:
            places.append(place)


def _update(service: str, language: str, texts: dict[Text, list[str]]) -> Path | None:
    file = catalogue(service, language)
    before = _read(file, language)
    after = Catalog(locale=language, fuzzy=False)
    for text, places in sorted(texts.items(), key=lambda item: (item[1], _first(item[0]))):
        message = before.get(_first(text))
        kept = message is not None and isinstance(message.id, str) == isinstance(text, str)
        after.add(
            text,
            string=message.string if message and kept else None,
            locations=[(place, 0) for place in places],
            user_comments=list(message.user_comments) if message and kept else (),
        )
    if not texts and not file.exists():
        return None
    written = _header(language) + _body(after)
    if file.exists() and file.read_text() == written:
        return None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(written)
    return file


def _first(text: Text) -> str:
    return text if isinstance(text, str) else text[0]


def _read(file: Path, language: str) -> Catalog:
    if not file.exists():
        return Catalog(locale=language)
    with file.open("rb") as content:
        return read_po(content, locale=language)


def _header(language: str) -> str:
    """Without dates and names, so that nothing changes where no text has."""
    return (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {language}\\n"\n'
        '"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {get_plural(language).plural_forms}\\n"\n\n'
    )


def _body(texts: Catalog) -> str:
    written = io.BytesIO()
    write_po(written, texts, width=120, omit_header=True, include_lineno=False)
    return written.getvalue().decode()


def _complaints(service: str, language: str, texts: dict[Text, list[str]]) -> Iterator[str]:
    file = catalogue(service, language)
    place = file.relative_to(ROOT)
    held = _read(file, language)
    translated = {message.id: message for message in held if message.id}
    for text, where in texts.items():
        message = translated.get(text)
        shown = _first(text)
        if message is None or not _whole(message.string):
            yield f"{place}: no translation of {shown!r} ({where[0]})"
        elif unfilled := _unfilled(text, message.string):
            yield f"{place}: {shown!r} loses or invents {', '.join(sorted(unfilled))}"
    for text in translated:
        if text not in texts:
            yield f"{place}: stale: {text!r}; run `python -m deploy.translations extract`"


def _whole(string: Any) -> bool:
    return bool(string) if isinstance(string, str) else bool(string) and all(string)


def _unfilled(text: Text, string: Any) -> set[str]:
    """The places to fill in that are not the same on both sides; a plural form may leave `n` out."""
    source = {name for form in ([text] if isinstance(text, str) else text) for name in _places(form)}
    forms: Sequence[str] = [string] if isinstance(string, str) else string
    loose = set[str]() if isinstance(text, str) else {"{n}"}
    return {name for form in forms for name in _places(form) ^ source} - loose


def _places(text: str) -> set[str]:
    return {f"{{{found[1] or found[2] or ''}}}" for found in _NAMED.finditer(text)}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.translations", description=__doc__)
    parser.add_argument("what", choices=("extract", "check"))
    parser.add_argument("--report", action="store_true", help="count what is missing, and do not fail")
    asked = parser.parse_args(arguments)
    if asked.what == "extract":
        for file in extract():
            print(file.relative_to(ROOT))
        return 0
    complaints = check()
    if asked.report:
        for service, texts in expected().items():
            for language in TRANSLATED:
                missing = sum(1 for _ in _complaints(service, language, texts))
                print(f"{service:15} {language:3} {len(texts) - missing:4} of {len(texts)}")
        return 0
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
