"""Sign-in from end to end: a browser, two faces, and the demo's own provider; and what must not get in."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError
from structlog.testing import capture_logs

from deploy.local.people import PEOPLE
from deploy.local.postgres import Dsns
from services.chassis.auth import ROLES
from services.chassis.service import Service
from services.chassis.settings import ServiceSettings
from services.chassis.signin.routes import own_page
from services.chassis.signin.sessions import IDLE, SHIFT
from tests.chassis.town import (
    OWN,
    PUBLIC,
    Town,
    answered,
    begun,
    choose,
    cookies,
    face_of,
    id_token,
    returned,
    signed_in,
    strict,
)
from tests.conftest import Databases
from tests.services import settings_for, staff


async def test_a_browser_signs_in_and_gets_the_page_that_it_wanted(town: Town, browser: httpx.AsyncClient) -> None:
    shown = await signed_in(browser, "cadre-aygul", "/desk?state=open&area=/lakeside/")
    assert shown.status_code == 200
    assert str(shown.url) == f"{PUBLIC}/desk?state=open&area=/lakeside/"
    assert shown.json()["staff"] == "cadre-aygul"
    assert shown.json()["areas"] == "/lakeside/east/willow-lane/"
    returned = shown.history[-1]
    kept = cookies(returned)["__Host-doorstep-mediation"]
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= kept
    assert not any(attribute.startswith("Domain") for attribute in kept)
    assert [name for name in browser.cookies if name.startswith("__Host-doorstep-mediation-")] == []


async def test_one_sign_in_opens_the_other_face_too(browser: httpx.AsyncClient) -> None:
    await signed_in(browser, "supervisor-han", "/desk")
    duty = await browser.get("/duty")
    assert duty.json()["staff"] == "supervisor-han"
    assert all(one.status_code == 303 for one in duty.history)


async def test_everybody_of_the_demo_can_sign_in_as_what_they_are(town: Town) -> None:
    for person in PEOPLE:
        async with town.browser() as browser:
            shown = await signed_in(browser, person.id)
            assert (shown.json()["staff"], shown.json()["areas"]) == (person.id, person.area)
    assert {person.role for person in PEOPLE} == ROLES


async def test_the_session_is_stored_as_a_digest_and_a_new_one_is_made_at_each_sign_in(
    town: Town, browser: httpx.AsyncClient
) -> None:
    await signed_in(browser)
    first = browser.cookies["__Host-doorstep-mediation"]
    service: Service = town.apps["/desk"].state.service
    async with service.worker.connect() as connection:
        rows = (await connection.exec_driver_sql("SELECT session::text FROM session")).scalars().all()
    assert rows
    assert not any(first in row for row in rows)
    await town.sessions("/desk").end(first)
    assert (await browser.get("/desk")).json()["staff"] == "cadre-lin"
    assert browser.cookies["__Host-doorstep-mediation"] != first


async def test_a_session_of_one_service_is_none_at_another(town: Town, browser: httpx.AsyncClient) -> None:
    await signed_in(browser)
    key = browser.cookies["__Host-doorstep-mediation"]
    async with town.browser() as other:
        answer = await other.get(
            "/duty", headers={"Cookie": f"__Host-doorstep-notifications={key}"}, follow_redirects=False
        )
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/duty/sign-in")


@pytest.mark.parametrize("over", [IDLE, SHIFT], ids=["unused", "at the end of the shift"])
async def test_a_session_ends(town: Town, browser: httpx.AsyncClient, over: timedelta) -> None:
    await signed_in(browser)
    service: Service = town.apps["/desk"].state.service
    column = "last_used_at" if over == IDLE else "expires_at"
    async with service.worker.begin() as connection:
        await connection.exec_driver_sql(f"UPDATE session SET {column} = {column} - $1::interval", (over,))
    assert (await browser.get("/desk", follow_redirects=False)).status_code == 303


async def test_use_keeps_a_session_alive(town: Town, browser: httpx.AsyncClient) -> None:
    await signed_in(browser)
    service: Service = town.apps["/desk"].state.service
    for _hour in range(4):
        async with service.worker.begin() as connection:
            await connection.exec_driver_sql(
                "UPDATE session SET last_used_at = last_used_at - $1::interval", (IDLE / 2,)
            )
        assert (await browser.get("/desk", follow_redirects=False)).status_code == 200


async def test_signing_out_ends_it_here_and_at_the_provider(town: Town, browser: httpx.AsyncClient) -> None:
    csrf = (await signed_in(browser)).json()["csrf"]
    key = browser.cookies["__Host-doorstep-mediation"]
    left = await browser.post("/desk/sign-out", data={"csrf": csrf}, headers=OWN)
    assert "You are signed out" in left.text
    assert await town.sessions("/desk").find(key) is None
    back = await browser.get(left.headers["refresh"].removeprefix("0; url="))
    assert str(back.url) == f"{PUBLIC}/desk/signed-out"
    assert "Who are you today?" in (await browser.get("/desk")).text


async def test_a_form_needs_our_own_page(browser: httpx.AsyncClient) -> None:
    csrf = (await signed_in(browser)).json()["csrf"]
    form = {"csrf": csrf}
    assert (await browser.post("/desk/do", data=form, headers=OWN)).json() == "done by cadre-lin"
    assert (await browser.post("/desk/do", data=form, headers={"Origin": PUBLIC})).status_code == 200
    for headers in (
        {},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.test"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://other.doorstep.test"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "https://elsewhere.test"},
        {"Origin": "http://doorstep.test"},
        {"Origin": f"{PUBLIC}.elsewhere.test"},
        {"Origin": "null"},
    ):
        assert (await browser.post("/desk/do", data=form, headers=headers)).status_code == 403, headers
    for wrong in ({}, {"csrf": ""}, {"csrf": csrf[:-1]}, {"csrf": "é"}):
        assert (await browser.post("/desk/do", data=wrong, headers=OWN)).status_code == 403, wrong
    assert (await browser.post("/desk/do", json=form, headers=OWN)).status_code == 403
    assert (await browser.post("/desk/sign-out", data={}, headers=OWN)).status_code == 403
    assert (await browser.get("/desk")).json()["staff"] == "cadre-lin"


async def test_another_session_s_token_opens_no_form(town: Town, browser: httpx.AsyncClient) -> None:
    await signed_in(browser)
    async with town.browser() as other:
        foreign = (await signed_in(other)).json()["csrf"]
    assert (await browser.post("/desk/do", data={"csrf": foreign}, headers=OWN)).status_code == 403


async def test_a_program_with_a_token_needs_no_session(browser: httpx.AsyncClient) -> None:
    cadre = staff("cadre", "/lakeside/", subject="li")
    assert (await browser.get("/desk", headers=cadre)).json() == {"staff": "li", "csrf": "", "areas": "/lakeside/"}
    assert (await browser.post("/desk/do", headers=cadre)).json() == "done by li"
    assert (await browser.get("/desk/managers", headers=cadre)).status_code == 403
    refused = await browser.get("/desk", headers={"Authorization": "Bearer nonsense"}, follow_redirects=False)
    assert refused.status_code == 401


async def test_who_may_not_see_a_page_is_told_so(browser: httpx.AsyncClient) -> None:
    await signed_in(browser)
    answer = await browser.get("/desk/managers")
    assert answer.status_code == 403
    assert "This page is not for you" in answer.text
    assert strict(answer)


async def test_and_finds_the_way_out_of_it_and_to_the_other_workplaces(browser: httpx.AsyncClient) -> None:
    await signed_in(browser)
    answer = await browser.get("/desk/managers")
    assert '<a class="button" href="/desk/sign-out">Sign out</a>' in answer.text
    assert '<a href="/desk" aria-current="true">Desk</a>' in answer.text
    assert '<a href="/board">Board</a>' in answer.text
    assert (await browser.get("/desk/sign-out")).status_code == 200


BY_HAND = {**OWN, "Accept": "text/html,*/*;q=0.8"}


async def test_what_was_typed_when_the_sign_in_had_ended_is_shown_to_be_copied(browser: httpx.AsyncClient) -> None:
    form = {"csrf": "c" * 20, "key": "k" * 20, "kind": "leak", "told": "The pipe <b>broke</b>.", "phone": "13800000000"}
    with capture_logs() as noted:
        answer = await browser.post("/desk/do", data=form, headers=BY_HAND, follow_redirects=False)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (401, "no-store")
    assert "Nothing was sent." in answer.text
    assert re.findall(r"<textarea[^>]*readonly[^>]*>\n([^<]*)</textarea>", answer.text) == [
        "The pipe &lt;b&gt;broke&lt;/b&gt;.",
        "13800000000",
    ]
    assert 'href="/desk/sign-in?next=%2Fdesk"' in answer.text
    assert strict(answer)
    assert not any(secret in answer.text for secret in ("c" * 20, "k" * 20))
    assert "pipe" not in str(noted)


async def test_then_sign_in_leads_back_to_where_it_was_typed_if_that_is_a_page(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/desk/sent", data={"told": "A pipe."}, headers=BY_HAND, follow_redirects=False)
    assert 'href="/desk/sign-in?next=%2Fdesk%2Fsent"' in answer.text


@pytest.mark.parametrize(
    ("sent", "headers"),
    [
        ({"csrf": "c", "kind": "leak"}, BY_HAND),
        ({"told": "A pipe."}, {**BY_HAND, "Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.test"}),
        ({"told": "A pipe."}, {**OWN, "Accept": "*/*"}),
    ],
    ids=["nothing typed", "words of another site", "a script"],
)
async def test_nothing_else_is_shown_again(
    browser: httpx.AsyncClient, sent: dict[str, str], headers: dict[str, str]
) -> None:
    form = await browser.post("/desk/do", data=sent, headers=headers, follow_redirects=False)
    assert (form.status_code, form.headers["location"]) == (303, "/desk/sign-in?next=%2Fdesk")


async def test_parts_of_a_page_and_streams_of_events_are_told_that_nobody_is_signed_in(
    browser: httpx.AsyncClient,
) -> None:
    part = await browser.get("/desk?x=1", headers={"HX-Request": "true"}, follow_redirects=False)
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/desk/sign-in?next=%2Fdesk")
    stream = await browser.get("/desk", headers={"Accept": "text/event-stream"}, follow_redirects=False)
    assert stream.status_code == 401
    assert strict(stream)
    form = await browser.post("/desk/do", follow_redirects=False)
    assert strict(form)
    assert (form.status_code, form.headers["location"]) == (303, "/desk/sign-in?next=%2Fdesk")


@pytest.mark.parametrize(
    "wanted",
    [
        "https://elsewhere.test/desk",
        "//elsewhere.test/desk",
        "/\\elsewhere.test",
        "/desk\\..\\..",
        "/desk//elsewhere.test",
        "/desk/../board",
        "/desk\r\nSet-Cookie: a=b",
        "/desk\t/x",
        "/desktop",
        "/board",
        "desk",
        "javascript:alert(1)",
        "/desk/sign-out",
        "/desk/sign-in?next=/desk",
        "/desk/signed-in?code=1",
        "",
    ],
)
async def test_after_sign_in_nobody_is_sent_elsewhere(town: Town, browser: httpx.AsyncClient, wanted: str) -> None:
    assert own_page("/desk", wanted) == "/desk"
    page = f"/desk/sign-in?{urlencode({'next': wanted})}"
    shown = await choose(browser, await browser.get(page), "cadre-lin")
    assert str(shown.url) == f"{PUBLIC}/desk"
    again = await browser.get(page, follow_redirects=False)  # who is signed in goes on at once, and no further either
    assert again.headers["location"] == "/desk"


@pytest.mark.parametrize("wanted", ["/desk", "/desk?q=//x", "/desk/cases/0197?tab=1#last", "/desk/signals"])
def test_own_pages_are_kept(wanted: str) -> None:
    assert own_page("/desk", wanted) == wanted


async def test_what_is_asked_of_the_provider_is_bound_to_this_browser(browser: httpx.AsyncClient) -> None:
    one, other = await begun(browser), await begun(browser)
    assert one["response_type"] == "code"
    assert one["code_challenge_method"] == "S256"
    assert all(one[name] != other[name] for name in ("state", "nonce", "code_challenge"))
    assert all(len(one[name]) >= 43 for name in ("state", "nonce", "code_challenge"))
    for asked in (one, other):  # two pages opened at once don't spoil each other's
        assert (await returned(browser, await answered(browser, asked))).status_code == 303


async def test_a_sign_in_that_was_not_begun_here_gets_nobody_in(town: Town, browser: httpx.AsyncClient) -> None:
    """Or somebody could be signed in as another, who then reads what they write."""
    answer = await answered(browser, await begun(browser))
    async with town.browser() as victim:
        refused = await returned(victim, answer)
        assert refused.status_code == 403
        await begun(victim)
        assert (await returned(victim, answer)).status_code == 403
        own = await begun(victim)
        assert (await returned(victim, {**answer, "state": own["state"]})).status_code == 403
        own = await answered(victim, await begun(victim))
        beginning = own["state"][:12]  # what finds the cookie is not enough
        assert (await returned(victim, {**own, "state": f"{beginning}{'x' * 31}"})).status_code == 403
        assert "__Host-doorstep-mediation" not in victim.cookies
    assert "code" not in refused.text.lower().replace("charset", "")


async def test_an_answer_counts_once_at_one_face_and_from_one_issuer(browser: httpx.AsyncClient) -> None:
    answer = await answered(browser, await begun(browser))
    assert (await returned(browser, {**answer, "iss": "https://elsewhere.test"})).status_code == 403
    answer = await answered(browser, await begun(browser))
    assert (await returned(browser, {name: answer[name] for name in ("code", "state")})).status_code == 403
    answer = await answered(browser, await begun(browser))
    assert (await returned(browser, answer, "/duty")).status_code == 403
    kept = dict(browser.cookies)
    assert (await returned(browser, answer)).status_code == 303
    browser.cookies.update(kept)
    assert (await returned(browser, answer)).status_code == 403


async def test_what_the_provider_refuses_is_told_and_can_be_repeated(browser: httpx.AsyncClient) -> None:
    asked = await begun(browser)
    refused = await returned(browser, {"error": "access_denied", "state": asked["state"], "iss": f"{PUBLIC}/sign-in"})
    assert refused.status_code == 403
    assert "broken off" in refused.text
    assert 'href="/desk/sign-in"' in refused.text
    assert strict(refused)


async def test_the_provider_gives_its_code_to_whoever_began_alone(browser: httpx.AsyncClient) -> None:
    asked = await begun(browser)
    answer = await answered(browser, asked)
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": asked["redirect_uri"],
        "client_id": "doorstep",
        "code_verifier": "v" * 43,
    }
    assert (await browser.post("/sign-in/token", data=form)).json() == {"error": "invalid_grant"}
    for changed in ({"redirect_uri": "https://elsewhere.test/"}, {"client_id": "other"}):
        page = await browser.get(f"/sign-in/authorize?{urlencode({**asked, **changed})}", follow_redirects=False)
        assert page.status_code == 400
    for changed in ({"code_challenge_method": "plain"}, {"code_challenge": ""}, {"response_type": "token"}):
        back = await browser.get(f"/sign-in/authorize?{urlencode({**asked, **changed})}", follow_redirects=False)
        assert "error=invalid_request" in back.headers["location"]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        pytest.param({}, 303, id="none"),
        pytest.param({"aud": ["doorstep", "other"], "azp": "doorstep"}, 303, id="ours among others"),
        pytest.param({"nonce": "another"}, 403, id="another sign-in's"),
        pytest.param({"aud": "other"}, 403, id="for another client"),
        pytest.param({"aud": ["doorstep", "other"], "azp": "other"}, 403, id="given to another client"),
        pytest.param({"iss": "https://elsewhere.test"}, 403, id="another issuer's"),
        pytest.param({"exp": 1}, 403, id="expired"),
        pytest.param({"header": {"typ": "at+jwt"}}, 403, id="an access token"),
        pytest.param({"doorstep_roles": []}, 403, id="no role"),
        pytest.param({"doorstep_roles": ["gardener"]}, 403, id="a role that nobody knows"),
        pytest.param({"doorstep_areas": []}, 403, id="no area"),
        pytest.param({"doorstep_areas": ["lakeside"]}, 403, id="an area that is none"),
        pytest.param({"sub": "Lin Mei"}, 403, id="a subject that no event takes"),
    ],
)
async def test_an_id_token_counts_only_whole(
    town: Town, browser: httpx.AsyncClient, changed: dict[str, Any], status: int
) -> None:
    """The provider is made to answer with a token of the test's own."""
    asked = await begun(browser)
    answer = await answered(browser, asked)
    async with town.giving(id_token=id_token(town, asked, **changed)):
        came = await returned(browser, answer)
    assert came.status_code == status
    assert ("__Host-doorstep-mediation" in browser.cookies) == (status == 303)


async def test_while_the_provider_is_away_nobody_new_gets_in_and_is_told(
    postgres: Databases, town: Town, browser: httpx.AsyncClient
) -> None:
    other = Town(dict(town.apps), town.key, away=True)
    async with face_of(postgres, other, "mediation"), other.browser() as stranger:
        answer = await stranger.get("/desk")
        assert answer.status_code == 503
        assert "You can&#39;t sign in just now" in answer.text
        assert (await stranger.get("/desk", headers=staff("cadre"))).status_code == 200


async def test_without_a_provider_the_page_says_so(postgres: Databases) -> None:
    bare = Town({}, RSAKey.generate_key(2048))
    async with face_of(postgres, bare, "mediation", oidc_issuer=""), bare.browser() as browser:
        for path in ("/desk", "/desk/signed-in?code=1&state=2"):
            answer = await browser.get(path)
            assert answer.status_code == 503
            assert "Sign-in is not set up" in answer.text


def test_settings_that_could_not_work_or_not_safely_are_refused() -> None:
    nowhere = Dsns(*["postgresql://nobody@127.0.0.1:1/none"] * 3)
    with pytest.raises(ValidationError, match="DOORSTEP_PUBLIC_URL"):
        settings_for(ServiceSettings, nowhere, oidc_issuer="https://issuer.test")
    with pytest.raises(ValidationError, match="https"):
        settings_for(
            ServiceSettings,
            nowhere,
            env="production",
            oidc_issuer="http://issuer.test",
            public_url="https://doorstep.test",
        )


async def test_in_production_this_machine_s_own_tokens_open_nothing(postgres: Databases, town: Town) -> None:
    other = Town(dict(town.apps), town.key)
    async with face_of(postgres, other, "mediation", env="production"), other.browser() as browser:
        assert (await browser.get("/desk", headers=staff("operator"))).status_code == 401
        assert (await signed_in(browser)).json()["staff"] == "cadre-lin"
