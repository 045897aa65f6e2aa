"""The realm of deploy/keycloak in a real Keycloak, the services told by configuration alone, and a real browser."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect
from typer.testing import CliRunner

from deploy.cli import app
from deploy.keycloak.admin import NotMade
from tests.keycloak.conftest import FACES, Site
from tests.keycloak.server import Keycloak

pytestmark = pytest.mark.long

STREET, COMMUNITY = "/lakeside/street/", "/lakeside/street/community/"
PASSWORD = "geese at the lake on saturday"


@pytest.fixture
async def person(provider: Keycloak) -> str:
    """A cadre of one community, whose account was just made."""
    return f"cadre-{secrets.token_hex(4)}"


@pytest.fixture
async def browser(chromium: Browser) -> AsyncGenerator[BrowserContext]:
    context = await chromium.new_context()
    yield context
    await context.close()


async def sign_in(page: Page, site: Site, name: str, password: str, face: str = "/desk") -> None:
    await page.goto(f"{site.url}{face}?lang=en")
    await prove(page, name, password)


async def prove(page: Page, name: str, password: str) -> None:
    """On Keycloak's page."""
    if await page.locator("input#username").count():  # whom it knows, it asks for the password alone
        await page.locator("#username").fill(name)
    await page.locator("#password").fill(password)
    await page.locator("#kc-login").click()


async def joined(page: Page, provider: Keycloak, site: Site, name: str, role: str = "cadre", *areas: str) -> None:
    """Somebody's account, and their first sign-in, with a password of their own."""
    first = await provider.add(name, role, *(areas or (COMMUNITY,)))
    await sign_in(page, site, name, first)
    await page.locator("#password-new").fill(PASSWORD)
    await page.locator("#password-confirm").fill(PASSWORD)
    await page.locator("[type=submit]").click()
    await page.wait_for_url(f"{site.url}/desk*")


async def is_in(page: Page, site: Site, face: str) -> bool:
    """Whether the page opens, or leads to Keycloak's sign-in."""
    await page.goto(f"{site.url}{face}?lang=en")
    return page.url.startswith(site.url) and await page.locator("form[action$='/sign-out']").count() > 0


async def program(provider: Keycloak, roles: list[str], areas: list[str], scopes: list[str]) -> tuple[str, str]:
    """A program's client and secret, made as deploy/keycloak/README.md says."""
    name, secret = f"program-{secrets.token_hex(4)}", secrets.token_urlsafe(32)
    made = {
        "clientId": name,
        "secret": secret,
        "standardFlowEnabled": False,
        "serviceAccountsEnabled": True,
        "defaultClientScopes": scopes,
        "attributes": {"access.token.header.type.rfc9068": "true"},
    }
    await provider.ask("POST", "/clients", json=made)
    [client] = await provider.ask("GET", "/clients", params={"clientId": name})
    [doorstep] = await provider.ask("GET", "/clients", params={"clientId": "doorstep"})
    account = await provider.ask("GET", f"/clients/{client['id']}/service-account-user")
    known = await provider.ask("GET", f"/clients/{doorstep['id']}/roles")
    given = [role for role in known if role["name"] in roles]
    await provider.ask("POST", f"/users/{account['id']}/role-mappings/clients/{doorstep['id']}", json=given)
    await provider.ask("PUT", f"/users/{account['id']}", json={**account, "attributes": {"areas": areas}})
    return name, secret


async def token_of(provider: Keycloak, name: str, secret: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.post(f"{provider.issuer}/protocol/openid-connect/token", data=form)


async def cases(site: Site, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.get(f"{site.url}/api/mediation/v1/cases", headers=headers)


async def test_a_cadre_signs_in_once_and_every_workplace_of_theirs_opens(
    site: Site, provider: Keycloak, browser: BrowserContext, person: str
) -> None:
    page = await browser.new_page()
    await joined(page, provider, site, person)
    await expect(page.get_by_role("heading").first).to_be_visible()
    await page.goto(f"{site.url}/duty?lang=en")
    assert page.url.startswith(f"{site.url}/duty")
    await expect(page.locator("#duty")).to_be_visible()
    assert await is_in(page, site, "/board")
    await page.goto(f"{site.url}/duty/sign-out?lang=en")
    await expect(page.get_by_text(f"You are signed in as {person}.")).to_be_visible()


async def test_areas_are_those_of_the_account_s_groups_and_no_other(
    site: Site, provider: Keycloak, browser: BrowserContext, person: str
) -> None:
    """Groups lie side by side: from one above another Keycloak would hand its areas down."""
    page = await browser.new_page()
    await provider.add(f"{person}-above", "supervisor", STREET)
    await joined(page, provider, site, person, "cadre", COMMUNITY, "/orchard/")
    async with site.services["mediation"].worker.connect() as connection:
        found = await connection.exec_driver_sql("SELECT areas, roles FROM session WHERE subject = $1", (person,))
        row = found.one()
    assert (sorted(row.areas), row.roles) == ([COMMUNITY, "/orchard/"], ["cadre"])
    assert all(not group["subGroupCount"] for group in await provider.ask("GET", "/groups"))


async def test_signing_out_here_ends_it_there_and_in_every_service_without_a_question(
    site: Site, provider: Keycloak, browser: BrowserContext, person: str
) -> None:
    page = await browser.new_page()
    await joined(page, provider, site, person, "supervisor", "/lakeside/")
    for face in FACES.values():
        await page.goto(f"{site.url}{face}?lang=en")
    await page.goto(f"{site.url}/desk?lang=en")
    await page.locator("header form[action='/desk/sign-out'] button").click()
    await page.wait_for_url(f"{site.url}/desk/signed-out*")
    assert not await provider.is_known(person)
    for face in FACES.values():
        assert not await is_in(page, site, face)


async def test_signing_out_at_the_provider_ends_it_in_every_service(
    site: Site, provider: Keycloak, browser: BrowserContext, person: str
) -> None:
    page = await browser.new_page()
    await joined(page, provider, site, person, "supervisor", "/lakeside/")
    for face in FACES.values():
        await page.goto(f"{site.url}{face}?lang=en")
        assert page.url.startswith(f"{site.url}{face}")
    await provider.ask("POST", f"/users/{(await provider.user(person))['id']}/logout")
    for service in site.services.values():
        async with service.worker.connect() as connection:
            found = await connection.exec_driver_sql("SELECT 1 FROM session WHERE subject = $1", (person,))
            assert found.all() == [], service.name
    for face in FACES.values():
        assert not await is_in(page, site, face)


async def test_an_account_that_is_disabled_opens_nothing_once_the_provider_is_asked(
    site: Site, provider: Keycloak, browser: BrowserContext, person: str
) -> None:
    page = await browser.new_page()
    await joined(page, provider, site, person)
    await site.due()
    assert [await is_in(page, site, face) for face in ("/desk", "/duty")] == [True, True]  # asked, and confirmed
    user = await provider.user(person)
    await provider.ask("PUT", f"/users/{user['id']}", json={**user, "enabled": False})
    assert [await is_in(page, site, face) for face in ("/desk", "/duty")] == [True, True]
    await site.due()
    for face in ("/desk", "/duty"):
        assert not await is_in(page, site, face)
    await prove(page, person, PASSWORD)
    await expect(page.get_by_text("Account is disabled")).to_be_visible()


async def test_a_role_that_was_taken_away_is_gone_once_the_provider_is_asked(
    site: Site, provider: Keycloak, browser: BrowserContext, person: str
) -> None:
    page = await browser.new_page()
    await joined(page, provider, site, person, "supervisor", "/lakeside/")
    await page.goto(f"{site.url}/board?lang=en")
    assert await page.locator("h1").inner_text() != "This page is not for you"
    user, [client] = await provider.user(person), await provider.ask("GET", "/clients", params={"clientId": "doorstep"})
    of_person = f"/users/{user['id']}/role-mappings/clients/{client['id']}"
    roles = {role["name"]: role for role in await provider.ask("GET", f"/clients/{client['id']}/roles")}
    await provider.ask("DELETE", of_person, json=[roles["supervisor"]])
    await provider.ask("POST", of_person, json=[roles["mediator"]])
    await site.due()
    await page.goto(f"{site.url}/board?lang=en")
    await expect(page.locator("h1")).to_have_text("This page is not for you")


async def test_a_lost_phone_is_signed_out_from_the_desk_and_has_to_prove_anew_who_holds_it(
    site: Site, provider: Keycloak, chromium: Browser, browser: BrowserContext, person: str
) -> None:
    phone = await chromium.new_context(viewport={"width": 360, "height": 740})
    lost, page = await phone.new_page(), await browser.new_page()
    await joined(page, provider, site, person)
    await sign_in(lost, site, person, PASSWORD, "/duty")
    await expect(lost.locator("#duty")).to_be_visible()
    await page.goto(f"{site.url}/desk?lang=en")
    await page.get_by_role("link", name="Sign out on every device").click()
    await page.get_by_role("button", name="Sign out everywhere").click()
    await page.wait_for_url(f"{site.url}/desk/signed-out*")
    assert await provider.is_known(person)  # there the phone is still signed in
    for face in ("/duty", "/desk"):
        assert not await is_in(lost, site, face)
        await expect(lost.locator("#password")).to_be_visible()
    await prove(lost, person, PASSWORD)
    await lost.wait_for_url(f"{site.url}/desk*")
    await phone.close()


async def test_a_program_s_token_opens_the_api_for_its_areas(site: Site, provider: Keycloak) -> None:
    name, secret = await program(provider, ["cadre"], [COMMUNITY], ["basic", "doorstep"])
    answer = await token_of(provider, name, secret)
    assert answer.json()["expires_in"] == 300
    assert (await cases(site, answer.json()["access_token"])).status_code == 200
    [client] = await provider.ask("GET", "/clients", params={"clientId": name})
    account = await provider.ask("GET", f"/clients/{client['id']}/service-account-user")
    await provider.ask("PUT", f"/users/{account['id']}", json={**account, "enabled": False})
    assert (await token_of(provider, name, secret)).status_code in {400, 401}


async def test_a_token_for_somebody_else_or_of_another_kind_opens_nothing(site: Site, provider: Keycloak) -> None:
    name, secret = await program(provider, ["operator"], ["/"], ["basic"])
    assert (await cases(site, (await token_of(provider, name, secret)).json()["access_token"])).status_code == 401
    name, secret = await program(provider, ["operator"], ["/"], ["basic", "doorstep"])
    [client] = await provider.ask("GET", "/clients", params={"clientId": name})
    plain: dict[str, Any] = {**client, "attributes": {"access.token.header.type.rfc9068": "false"}}
    await provider.ask("PUT", f"/clients/{client['id']}", json=plain)
    assert (await cases(site, (await token_of(provider, name, secret)).json()["access_token"])).status_code == 401


async def test_when_keycloak_signs_with_a_new_key_its_tokens_hold_at_once(site: Site, provider: Keycloak) -> None:
    name, secret = await program(provider, ["cadre"], [COMMUNITY], ["basic", "doorstep"])
    before = (await token_of(provider, name, secret)).json()["access_token"]
    assert (await cases(site, before)).status_code == 200
    key = {
        "name": "new",
        "providerId": "rsa-generated",
        "providerType": "org.keycloak.keys.KeyProvider",
        "config": {"priority": ["200"], "algorithm": ["RS256"]},
    }
    await provider.ask("POST", "/components", json=key)
    after = (await token_of(provider, name, secret)).json()["access_token"]
    assert before.split(".")[0] != after.split(".")[0]
    assert (await cases(site, after)).status_code == 200
    assert (await cases(site, before)).status_code == 200


async def test_passwords_can_t_be_guessed_at(
    site: Site, provider: Keycloak, browser: BrowserContext, person: str
) -> None:
    page = await browser.new_page()
    first = await provider.add(person, "cadre", COMMUNITY)
    await page.goto(f"{site.url}/desk?lang=en")
    for guess in range(6):
        await prove(page, person, f"a guess, the {guess} one")
        await expect(page.get_by_text("Invalid username or password")).to_be_visible()
    await prove(page, person, first)
    assert not page.url.startswith(site.url)
    await expect(page.locator("#password-new")).to_have_count(0)


async def test_the_command_makes_an_account_and_tells_its_first_password_once(
    site: Site, provider: Keycloak, browser: BrowserContext, person: str
) -> None:
    asked = ["account", person, "--role", "cadre", "--area", COMMUNITY, "--keycloak", provider.url]
    environment = {"DOORSTEP_KEYCLOAK_PASSWORD": provider.password}
    told = await asyncio.to_thread(CliRunner().invoke, app, asked, env=environment)
    assert told.exit_code == 0, told.output
    first = told.stdout.strip().removeprefix(f"{person} signs in with ")
    page = await browser.new_page()
    await sign_in(page, site, person, first)
    await expect(page.locator("#password-new")).to_be_visible()
    again = await asyncio.to_thread(CliRunner().invoke, app, asked, env=environment)
    assert again.exit_code == 2
    assert "already" in again.stderr


async def test_an_account_is_refused_that_doorstep_could_not_take(provider: Keycloak) -> None:
    name = f"cadre-{secrets.token_hex(4)}"
    for wrong, why in (
        (("Mei Li", "cadre", COMMUNITY), "pseudonym"),
        ((name, "gardener", COMMUNITY), "choose of cadre"),
    ):
        with pytest.raises(NotMade, match=why):
            await provider.add(*wrong)
    await provider.add(name, "cadre", COMMUNITY)
    with pytest.raises(NotMade, match="already"):
        await provider.add(name, "cadre", COMMUNITY)
