"""The realm for Keycloak: nobody and no secret in it, and what the services look for."""

import json
from typing import Any

from deploy.keycloak.admin import CLIENT
from deploy.local.home import PROJECT
from services.chassis.auth import AUDIENCE, ROLES
from services.chassis.settings import ServiceSettings
from services.chassis.signin.sessions import CONFIRM, IDLE, SHIFT
from tests.security.routes import FACES

REALM: dict[str, Any] = json.loads((PROJECT / "deploy" / "keycloak" / "doorstep-realm.json").read_text())
PUBLIC = "${DOORSTEP_PUBLIC_URL}"


def client() -> dict[str, Any]:
    [found] = REALM["clients"]
    assert found["clientId"] == CLIENT
    return found


def default(setting: str) -> Any:
    return ServiceSettings.model_fields[setting].default


def test_it_holds_nobody_and_no_secret() -> None:
    assert "users" not in REALM
    assert client()["secret"] == "${DOORSTEP_OIDC_CLIENT_SECRET}"
    assert "privateKey" not in json.dumps(REALM)


def test_its_roles_are_those_that_doorstep_knows() -> None:
    assert {role["name"] for role in REALM["roles"]["client"][CLIENT]} == ROLES
    assert default("oidc_client_id") == CLIENT


def test_browsers_are_sent_back_to_our_own_pages_alone() -> None:
    assert sorted(client()["redirectUris"]) == sorted(f"{PUBLIC}{face}/signed-in" for face in FACES)
    told = client()["attributes"]
    assert sorted(told["post.logout.redirect.uris"].split("##")) == sorted(
        f"{PUBLIC}{face}/signed-out" for face in FACES
    )
    assert told["backchannel.logout.url"] in {f"{PUBLIC}{face}/backchannel-logout" for face in FACES}
    assert told["backchannel.logout.session.required"] == "true"


def test_there_is_one_way_in_and_it_is_bound_to_the_browser() -> None:
    assert client()["attributes"]["pkce.code.challenge.method"] == "S256"
    assert client()["publicClient"] is False
    ways = ("implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled", "fullScopeAllowed")
    assert not [way for way in ways if client()[way]]


def test_claims_have_the_names_that_services_look_for() -> None:
    scopes = {scope["name"]: scope for scope in REALM["clientScopes"]}
    assert set(client()["defaultClientScopes"]) == scopes.keys()
    told = [mapper["config"] for scope in scopes.values() for mapper in scope["protocolMappers"]]
    claims = {config["claim.name"] for config in told if "claim.name" in config}
    assert {default("oidc_roles_claim"), default("oidc_areas_claim"), "doorstep_staff", "auth_time"} <= claims
    assert AUDIENCE in {config.get("included.custom.audience") for config in told}
    assert default("oidc_audience") == AUDIENCE


def test_a_sign_in_there_lasts_as_long_as_one_here() -> None:
    assert REALM["ssoSessionIdleTimeout"] == IDLE.total_seconds()
    assert REALM["ssoSessionMaxLifespan"] == SHIFT.total_seconds()
    assert REALM["accessTokenLifespan"] <= CONFIRM.total_seconds()


def test_an_answer_that_is_lost_on_the_way_ends_no_sign_in() -> None:
    """Services hold a refresh token each of one sign-in, sealed, and show the client's secret with it: it may stay."""
    assert REALM["revokeRefreshToken"] is False


def test_no_group_lies_in_another_or_it_would_be_given_that_one_s_areas() -> None:
    assert not [group for group in REALM["groups"] if group.get("subGroups")]


def test_nobody_s_address_is_kept() -> None:
    assert (REALM["eventsEnabled"], REALM["adminEventsEnabled"], REALM["eventsListeners"]) == (False, False, [])
