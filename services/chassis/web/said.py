"""A page of a few words: a title, what it means, and the way on."""

from collections.abc import Sequence

from fastapi import Request, Response

from services.chassis.web.pages import Pages


def said(
    pages: Pages,
    request: Request,
    status: int,
    title: str,
    told: Sequence[str],
    home: str,
    onward: tuple[str, str] | None = None,
    *,
    switchable: bool = True,
    workplaces: bool = False,
) -> Response:
    """Words are marked ones. `home` is where the mark leads, `onward` an address and what its link says.

    The answer to a form offers other languages at `home`. Not `switchable`, it offers none: that would repeat the
    request. `workplaces` offers the other faces, to whoever is signed in.
    """
    language = pages.language(request)
    to, label = onward or ("", "")
    context = {
        "home": home,
        "title": language.gettext(title),
        "told": [language.gettext(one) for one in told],
        "onward": to,
        "onward_label": language.gettext(label) if label else "",
        "face": home if workplaces else "",
    }
    shown, at = request if switchable else None, None if request.method == "GET" else home
    return pages.render("said.html", context, request=shown, language=language, status=status, at=at)
