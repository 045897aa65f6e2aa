"""The tree of areas, as paths: `/city/street/lane/` lies in `/city/street/`, and the closing slash is part of it."""


def up_from(area: str) -> list[str]:
    """The area, then each above it, up to the root."""
    steps = area.strip("/").split("/") if area != "/" else []
    return ["/" + "".join(f"{step}/" for step in steps[:depth]) for depth in range(len(steps), -1, -1)]


def area_above(area: str) -> str | None:
    """`/city/d1/street/` of `/city/d1/street/community/`; none above the outermost area."""
    return next((above for above in up_from(area)[1:] if above != "/"), None)
