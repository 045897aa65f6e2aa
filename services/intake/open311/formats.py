"""One content, written as JSON or as XML: in JSON a list stands bare, in XML it and its items have names.

The names are GeoReport v2's, the way from one to the other its Spark convention.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeAlias
from xml.etree.ElementTree import Element, SubElement, tostring

import orjson

Value: TypeAlias = "bool | int | str | Sequence[Value] | Mapping[str, Value] | None"


class Format(StrEnum):
    XML = "xml"
    JSON = "json"


MEDIA_TYPES: Mapping[Format, str] = {Format.XML: "text/xml", Format.JSON: "application/json"}

_ITEMS: Mapping[str, str] = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "service_requests_updates": "request_update",
    "endpoints": "endpoint",
    "formats": "format",
    "errors": "error",
}
"""What one of a list is called."""

_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML has no way to hold."""


def write(root: str, content: Value, written: Format) -> bytes:
    """`root` names the content in XML; JSON leaves it out."""
    if written is Format.JSON:
        return orjson.dumps(content)
    element = Element(root)
    _fill(element, content)
    return tostring(element, encoding="utf-8", xml_declaration=True)


def _fill(element: Element, content: Value) -> None:
    match content:
        case None:
            pass
        case bool():
            element.text = "true" if content else "false"
        case int() | str():
            element.text = _UNWRITABLE.sub("", str(content))
        case Mapping():
            for name, value in content.items():
                _fill(SubElement(element, name), value)
        case _:
            for value in content:
                _fill(SubElement(element, _ITEMS[element.tag]), value)
