"""Keycloak's admin interface, as far as accounts of staff go: who they are, their role, their areas."""

import secrets
from collections.abc import Sequence
from typing import Any

import httpx

CLIENT = "doorstep"


class NotMade(Exception):
    """Keycloak refused; the message is for whoever asked, and says what to do."""


class Admin:
    """Somebody who may administer `realm` at `url`. Accounts of the realm `master` sign in, by password.

    Raises:
        NotMade: they may not, or nobody answers.
    """

    def __init__(self, url: str, realm: str, name: str, password: str) -> None:
        self._http = httpx.Client(base_url=url.rstrip("/"), timeout=30)
        self._realm = f"/admin/realms/{realm}"
        form = {"grant_type": "password", "client_id": "admin-cli", "username": name, "password": password}
        try:
            answer = self._http.post("/realms/master/protocol/openid-connect/token", data=form)
        except httpx.HTTPError:
            raise NotMade(f"Nobody answers at {url}: name the address where Keycloak itself answers.") from None
        if answer.status_code != 200:
            raise NotMade(f"Keycloak did not take {name} and that password: try those of its administrator.")
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def add(self, name: str, roles: Sequence[str], areas: Sequence[str]) -> str:
        """A new account; its first password, which has to be changed at the first sign-in.

        Raises:
            NotMade: there is one of that name, or Keycloak does not take the name, a role or an area.
        """
        client = self._client()
        known: dict[str, dict[str, Any]] = {one["name"]: one for one in self._get(f"/clients/{client}/roles")}
        if unknown := set(roles) - known.keys():
            raise NotMade(f"there is no role {', '.join(sorted(unknown))}: choose of {', '.join(sorted(known))}")
        groups = [self._group(area) for area in areas]
        password = secrets.token_urlsafe(15)
        account: dict[str, Any] = {
            "username": name,
            "enabled": True,
            "credentials": [{"type": "password", "value": password, "temporary": True}],
        }
        made = self._http.post(f"{self._realm}/users", json=account)
        if made.status_code == 409:
            raise NotMade(f"there is an account {name} already; nothing was changed")
        _held(made)
        user = made.headers["Location"].rsplit("/", 1)[1]
        given = [known[role] for role in roles]
        _held(self._http.post(f"{self._realm}/users/{user}/role-mappings/clients/{client}", json=given))
        for group in groups:
            _held(self._http.put(f"{self._realm}/users/{user}/groups/{group}"))
        return password

    def _client(self) -> str:
        found = self._get("/clients", clientId=CLIENT)
        if not found:
            raise NotMade("the realm has no client doorstep: import deploy/keycloak/doorstep-realm.json first")
        return found[0]["id"]

    def _group(self, area: str) -> str:
        """The group of an area, made if there is none.

        Never one below another: Keycloak gives whoever is in a group the areas of those above it too.
        """
        name = area.strip("/").replace("/", ".") or "everywhere"
        for group in self._get("/groups", search=name, exact="true"):
            if group["name"] == name:
                return group["id"]
        made = self._http.post(f"{self._realm}/groups", json={"name": name, "attributes": {"areas": [area]}})
        _held(made)
        return made.headers["Location"].rsplit("/", 1)[1]

    def _get(self, path: str, **query: str) -> list[dict[str, Any]]:
        answer = self._http.get(f"{self._realm}{path}", params=query)
        _held(answer)
        return answer.json()

    def close(self) -> None:
        self._http.close()


def _held(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    try:
        told: dict[str, Any] = answer.json()
    except ValueError:
        told = {}
    why: object = told.get("errorMessage") or told.get("error_description") or told.get("error") or "no reason given"
    raise NotMade(f"Keycloak refused ({answer.status_code}): {why}")
