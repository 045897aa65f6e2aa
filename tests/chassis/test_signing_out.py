"""Signing out: here, on every device, and by the provider's word; and an account that the provider no longer knows."""

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from services.chassis.auth import Staff
from services.chassis.service import Service
from services.chassis.signin import flow
from services.chassis.signin.claims import ClaimNames
from services.chassis.signin.flow import SignIn
from services.chassis.signin.issuer import Issuer
from services.chassis.signin.sessions import CONFIRM, Tokens
from tests.chassis.town import OWN, PUBLIC, Town, answered, begun, id_token, returned, signed_in
from tests.services import keyed, staff

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT = "/desk/backchannel-logout"
FACES = ("/desk", "/duty")


async def arrive(town: Town, browser: httpx.AsyncClient, face: str = "/desk", **claims: Any) -> httpx.Response:
    """Sign in with what the provider says here, a refresh token among it; they proved just now who they are."""
    claims.setdefault("auth_time", int(time.time()) + 5)
    asked = await begun(browser, face)
    answer = await answered(browser, asked)
    async with town.giving(id_token=id_token(town, asked, **claims), refresh_token="first"):
        return await returned(browser, answer, face)


async def is_in(browser: httpx.AsyncClient, face: str) -> bool:
    return (await browser.get(face, follow_redirects=False)).status_code == 200


def logout_token(town: Town, header: dict[str, Any] | None = None, key: RSAKey | None = None, **changed: Any) -> str:
    """A good one, by `sub`, unless something is changed; None leaves a claim out."""
    issued = int(time.time())
    claims: dict[str, Any] = {
        "iss": f"{PUBLIC}/sign-in",
        "aud": "doorstep",
        "sub": "cadre-lin",
        "iat": issued,
        "exp": issued + 60,
        "jti": keyed()["Idempotency-Key"],
        "events": {EVENT: {}},
        **changed,
    }
    told = {name: value for name, value in claims.items() if value is not None}
    given = {"alg": "RS256", "typ": "logout+jwt", "kid": "demo", **(header or {})}
    return jwt.encode(given, told, key or town.key, algorithms=[given["alg"]])


async def told(town: Town, token: str, address: str = LOGOUT) -> httpx.Response:
    """As the provider itself says it: without a cookie."""
    async with town.browser() as provider:
        return await provider.post(address, data={"logout_token": token})


async def test_signing_out_at_the_provider_ends_that_sign_in_in_every_service_and_no_other(town: Town) -> None:
    async with town.browser() as phone, town.browser() as desk:
        for browser, session in ((phone, "on-the-phone"), (desk, "at-the-desk")):
            for face in FACES:
                assert (await arrive(town, browser, face, sid=session)).status_code == 303
        answer = await told(town, logout_token(town, sid="on-the-phone"))
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert [await is_in(phone, face) for face in FACES] == [False, False]
        assert [await is_in(desk, face) for face in FACES] == [True, True]
        assert (await told(town, logout_token(town))).status_code == 200  # no session named: all of this person
        assert [await is_in(desk, face) for face in FACES] == [False, False]


async def test_each_service_may_be_the_one_that_is_told(town: Town, browser: httpx.AsyncClient) -> None:
    for face in FACES:
        await arrive(town, browser, face, sid="s-1")
    await told(town, logout_token(town, sid="s-1", sub=None), "/duty/backchannel-logout")
    assert [await is_in(browser, face) for face in FACES] == [False, False]


ATTACKS: dict[str, dict[str, Any]] = {
    "another issuer's": {"iss": "https://elsewhere.test"},
    "for another client": {"aud": "payroll"},
    "an ID token with an event": {"nonce": "n"},
    "no event": {"events": None},
    "another event": {"events": {"https://elsewhere.test/event": {}}},
    "an event that is no object": {"events": {EVENT: True}},
    "events that are a list": {"events": [EVENT]},
    "of nobody": {"sub": None},
    "of somebody who is no text": {"sub": 7},
    "of a session that is no text": {"sid": ["s"]},
    "expired": {"exp": int(time.time()) - 60},
    "never expires": {"exp": None},
    "issued at no time": {"iat": None},
    "too old": {"iat": int(time.time()) - 13 * 3600, "exp": int(time.time()) + 60},
    "without an id": {"jti": None},
    "with an id that is no text": {"jti": 7},
    "an access token": {"header": {"typ": "at+jwt"}},
    "a key that nobody has": {"header": {"kid": "other"}},
    "another key under a known id": {"key": RSAKey.generate_key(2048)},
    "signed with what is public": {"header": {"alg": "PS256"}},
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_is_no_logout_token_signs_nobody_out(town: Town, browser: httpx.AsyncClient, attack: str) -> None:
    await arrive(town, browser)
    for address in (LOGOUT, "/inside/mediation/internal/backchannel-logout"):
        answer = await told(town, logout_token(town, **ATTACKS[attack]), address)
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_request"
    assert await is_in(browser, "/desk")


@pytest.mark.parametrize("form", [{}, {"logout_token": ""}, {"logout_token": "not.a.token"}])
async def test_nothing_at_all_signs_nobody_out(town: Town, browser: httpx.AsyncClient, form: dict[str, str]) -> None:
    assert (await browser.post(LOGOUT, data=form)).status_code == 400


async def test_a_logout_token_that_was_overheard_ends_nothing_later(town: Town, browser: httpx.AsyncClient) -> None:
    token = logout_token(town, sub="overheard")
    await arrive(town, browser, sub="overheard")
    assert (await told(town, token)).status_code == 200
    assert not await is_in(browser, "/desk")
    await arrive(town, browser, sub="overheard")
    assert (await told(town, token)).status_code == 200
    assert await is_in(browser, "/desk")


async def test_while_a_service_is_away_the_provider_is_told_to_come_again(
    town: Town, browser: httpx.AsyncClient
) -> None:
    for face in FACES:
        await arrive(town, browser, face, sid="s-2")
    token = logout_token(town, sid="s-2")
    town.silent.add("notifications")
    try:
        assert (await told(town, token)).status_code == 503
    finally:
        town.silent.clear()
    assert [await is_in(browser, face) for face in FACES] == [False, True]
    assert (await told(town, token)).status_code == 200
    assert [await is_in(browser, face) for face in FACES] == [False, False]


async def test_a_sign_in_that_was_under_way_when_it_ended_at_the_provider_begins_no_session(
    town: Town, browser: httpx.AsyncClient
) -> None:
    asked = await begun(browser)
    answer = await answered(browser, asked)
    await told(town, logout_token(town, sid="s-3"))
    async with town.giving(id_token=id_token(town, asked, sid="s-3")):
        came = await returned(browser, answer)
    assert asked_anew(came)
    assert not await is_in(browser, "/desk")


def asked_anew(answer: httpx.Response) -> bool:
    """Whether it leads to the provider, which has to let them prove again who they are."""
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return answer.status_code == 303 and query.get("prompt") == ["login"]


async def test_signing_out_everywhere_ends_it_on_every_device_until_they_show_anew_who_they_are(town: Town) -> None:
    async with town.browser() as phone, town.browser() as desk, town.browser() as colleague:
        for browser in (phone, desk):
            for face in FACES:
                await signed_in_at(browser, "cadre-chen", face)
        await signed_in_at(colleague, "cadre-aygul", "/desk")
        page = await desk.get("/desk/sign-out")
        assert "You are signed in as cadre-chen." in page.text
        csrf = (await desk.get("/desk")).json()["csrf"]
        refused = await desk.post("/desk/sign-out", data={"everywhere": "yes"}, headers=OWN)
        assert refused.status_code == 403
        left = await desk.post("/desk/sign-out", data={"csrf": csrf, "everywhere": "yes"}, headers=OWN)
        assert "You are signed out" in left.text
        for browser in (phone, desk):
            assert [await is_in(browser, face) for face in FACES] == [False, False]
        assert await is_in(colleague, "/desk")
        # The provider still knows the phone, and would let whoever holds it in without a word.
        assert "Who are you today?" in (await phone.get("/desk")).text
        await signed_in_at(phone, "cadre-chen", "/desk")
        assert await is_in(phone, "/desk")


async def signed_in_at(browser: httpx.AsyncClient, person: str, face: str) -> None:
    shown = await browser.get(face)
    if "Who are you today?" in shown.text:
        shown = await signed_in(browser, person, face)
    assert shown.json()["staff"] == person


@pytest.mark.parametrize("by_the_provider", [False, True], ids=["by themselves", "by the provider"])
async def test_who_proved_who_they_are_in_the_very_second_of_it_has_to_do_it_anew(
    town: Town, browser: httpx.AsyncClient, by_the_provider: bool
) -> None:
    person = f"cadre-{keyed()['Idempotency-Key']}"
    second = int(time.time())
    await arrive(town, browser, sub=person, auth_time=second)
    if by_the_provider:
        await told(town, logout_token(town, sub=person, iat=second))
    else:
        csrf = (await browser.get("/desk")).json()["csrf"]
        await browser.post("/desk/sign-out", data={"csrf": csrf, "everywhere": "yes"}, headers=OWN)
    assert asked_anew(await arrive(town, browser, sub=person, auth_time=second))
    assert (await arrive(town, browser, sub=person, auth_time=second + 2)).headers["location"] == "/desk"


async def test_who_could_not_be_signed_out_everywhere_is_told_and_can_try_again(
    town: Town, browser: httpx.AsyncClient
) -> None:
    csrf = (await signed_in(browser, "cadre-dana")).json()["csrf"]
    form = {"csrf": csrf, "everywhere": "yes"}
    town.silent.add("notifications")
    try:
        left = await browser.post("/desk/sign-out", data=form, headers=OWN)
    finally:
        town.silent.clear()
    assert left.status_code == 503
    assert "not signed out everywhere yet" in left.text
    assert csrf in left.text
    assert await is_in(browser, "/desk")
    assert (await browser.post("/desk/sign-out", data=form, headers=OWN)).status_code == 200
    assert not await is_in(browser, "/desk")


async def test_only_a_service_s_word_for_somebody_signs_them_out(town: Town, browser: httpx.AsyncClient) -> None:
    await arrive(town, browser)
    address = "/inside/mediation/internal/signed-out"
    service: Service = town.apps["/duty"].state.service
    tokens = (None, staff("operator")["Authorization"], f"Bearer {service.service_tokens.issue('mediation')}")
    answers = [
        (await browser.post(address, headers={"Authorization": token} if token else {})).status_code for token in tokens
    ]
    assert answers == [401, 401, 403]
    assert await is_in(browser, "/desk")


async def test_the_provider_is_told_whose_sign_in_is_to_end(town: Town, browser: httpx.AsyncClient) -> None:
    await arrive(town, browser)
    csrf = (await browser.get("/desk")).json()["csrf"]
    left = await browser.post("/desk/sign-out", data={"csrf": csrf}, headers=OWN)
    query = parse_qs(urlsplit(left.headers["refresh"]).query)
    [hint] = query["id_token_hint"]
    assert jwt.decode(hint, town.key, algorithms=["RS256"]).claims["sub"] == "cadre-lin"
    assert query["post_logout_redirect_uri"] == [f"{PUBLIC}/desk/signed-out"]


async def test_whoever_reads_the_sessions_finds_no_token_and_no_name_at_the_provider(
    town: Town, browser: httpx.AsyncClient
) -> None:
    await arrive(town, browser, sid="very-own-session")
    token = logout_token(town, sid="someone-elses", sub="very-own-subject")
    await told(town, token)
    service: Service = town.apps["/desk"].state.service
    async with service.worker.connect() as connection:
        sessions = (await connection.exec_driver_sql("SELECT session::text FROM session")).scalars().all()
        ended = (await connection.exec_driver_sql("SELECT signed_out::text FROM signed_out")).scalars().all()
    kept = " ".join([*sessions, *ended])
    assert sessions
    assert ended
    assert not [word for word in ("very-own", "someone", "first", token, "eyJhbGciOiJSUzI1NiI") if word in kept]


async def due(town: Town, face: str = "/desk") -> None:
    """So much time goes by that the provider is to be asked again."""
    service: Service = town.apps[face].state.service
    async with service.worker.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE session SET confirmed_at = confirmed_at - $1::interval", (2 * CONFIRM,)
        )


async def test_roles_and_areas_are_those_that_the_provider_names_now(town: Town, browser: httpx.AsyncClient) -> None:
    await arrive(town, browser)
    assert (await browser.get("/desk/managers")).status_code == 403
    await due(town)
    now_manager = id_token(
        town, {"nonce": ""}, nonce=None, doorstep_roles=["manager"], doorstep_areas=["/lakeside/east/"]
    )
    async with town.giving(id_token=now_manager, refresh_token="second"):
        assert (await browser.get("/desk/managers")).status_code == 200
        assert (await browser.get("/desk")).json()["areas"] == "/lakeside/east/"
    [asked] = town.asked
    assert (asked["grant_type"], asked["refresh_token"]) == ("refresh_token", "first")
    await due(town)
    async with town.giving(refresh_token="third"):  # one that gives no new ID token has nothing new to say
        assert (await browser.get("/desk/managers")).status_code == 200
    assert [asked["refresh_token"] for asked in town.asked] == ["second"]


@pytest.mark.parametrize(
    "now",
    [
        pytest.param({"error": "invalid_grant"}, id="disabled, or signed out there"),
        pytest.param({"doorstep_roles": []}, id="no role left"),
        pytest.param({"doorstep_areas": []}, id="no area left"),
        pytest.param({"sub": "cadre-dana"}, id="somebody else"),
        pytest.param({"aud": "other"}, id="for another client"),
    ],
)
async def test_who_is_no_longer_staff_is_signed_out(
    town: Town, browser: httpx.AsyncClient, now: dict[str, Any]
) -> None:
    await arrive(town, browser)
    await due(town)
    error = now.get("error")
    said = {"error": error} if error else {"id_token": id_token(town, {"nonce": ""}, **now)}
    async with town.giving(400 if error else 200, **said):
        assert not await is_in(browser, "/desk")
    assert not await is_in(browser, "/desk")


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, {"error": "unauthorized_client"}), (500, {}), (200, {"id_token": 7}), (429, {"error": "slow_down"})],
)
async def test_while_the_provider_has_no_answer_sessions_go_on(
    town: Town, browser: httpx.AsyncClient, status: int, said: dict[str, Any]
) -> None:
    await arrive(town, browser)
    await due(town)
    async with town.giving(status, **said):
        assert await is_in(browser, "/desk")
        assert await is_in(browser, "/desk")
    assert len(town.asked) == 1  # and it is not asked again by every request
    await due(town)
    town.away = True
    try:
        assert await is_in(browser, "/desk")
    finally:
        town.away = False


async def test_a_provider_that_hangs_keeps_no_page_waiting_for_more_than_a_confirmation_s_time(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where it has to be asked first where it answers."""
    given_up = asyncio.Event()

    async def hang(_request: httpx.Request) -> httpx.Response:
        await given_up.wait()
        return httpx.Response(503)

    issuer = Issuer(f"{PUBLIC}/sign-in", httpx.AsyncClient(transport=httpx.MockTransport(hang)))
    sign_in = SignIn(town.apps["/desk"].state.settings, issuer, "/desk", bytes(32))
    monkeypatch.setattr(flow, "_CONFIRM_SECONDS", 0.01)
    lin, tokens = Staff("cadre-lin", frozenset({"cadre"}), ("/lakeside/",)), Tokens(id="i", refresh="r")
    async with asyncio.timeout(5):
        assert await sign_in.confirm(lin, tokens) == (lin, tokens)
    given_up.set()


async def test_of_many_requests_at_once_one_asks_the_provider(town: Town, browser: httpx.AsyncClient) -> None:
    """A refresh token counts once: asked with twice, many a provider ends the whole sign-in."""
    await arrive(town, browser)
    await due(town)
    async with town.giving(id_token=id_token(town, {"nonce": ""}), refresh_token="second"):
        assert all(await asyncio.gather(*(is_in(browser, "/desk") for _ in range(8))))
    assert len(town.asked) == 1


async def test_signing_in_again_does_not_put_the_asking_off(town: Town, browser: httpx.AsyncClient) -> None:
    await arrive(town, browser)
    await due(town)
    async with town.giving(400, error="invalid_grant"):
        assert (await browser.get("/desk/sign-in", follow_redirects=False)).headers["location"] == "/desk"
        assert not await is_in(browser, "/desk")


def test_claims_are_found_where_providers_put_them() -> None:
    claims = {
        "sub": "6c1f",
        "preferred_username": "cadre-lin",
        "realm_access": {"roles": ["cadre", "offline_access"]},
        "https://example.org/areas": ["/lakeside/"],
    }
    names = ClaimNames("preferred_username", "realm_access.roles", "https://example.org/areas")
    found = names.staff_in(claims)
    assert (found.id, found.roles, found.areas) == ("cadre-lin", {"cadre"}, ("/lakeside/",))
    assert ClaimNames().staff_in(claims).roles == set()
    assert ClaimNames(roles="realm_access.roles.cadre").staff_in(claims).roles == set()
