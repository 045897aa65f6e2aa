"""The templates of sign-in, under the address of the face that they stand in for."""

from functools import cache
from pathlib import Path

from services.chassis.web.pages import Assets, Pages

HERE = Path(__file__).parent


@cache
def assets_of(face: str) -> Assets:
    return Assets(f"{face}/sign-in/assets")


@cache
def pages_of(face: str) -> Pages:
    return Pages(HERE / "templates", assets_of(face), ("tokens.css", "base.css"))
