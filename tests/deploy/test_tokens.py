"""Demo tokens say what staff tokens say."""

import time
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from deploy.local.home import Home
from deploy.local.state import load
from deploy.local.tokens import WrongToken, mint
from services.chassis.auth import ROLES, StaffTokens


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_the_claims_are_those_of_the_contract(home: Home) -> None:
    state = load(home)
    token = jwt.decode(
        mint(state.staff_private_key, "cadre", ["/nyc/"]),
        OKPKey.import_key(state.staff_public_key),
        algorithms=["Ed25519"],
    )
    issued = token.claims.pop("iat")
    assert token.header == {"alg": "Ed25519", "typ": "doorstep-staff+jwt"}
    assert token.claims == {
        "iss": "doorstep-local",
        "aud": "doorstep",
        "sub": "demo-cadre",
        "name": "Demo cadre",
        "roles": ["cadre"],
        "areas": ["/nyc/"],
        "exp": issued + 30 * 86_400,
    }
    assert abs(issued - time.time()) < 60


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_role_is_taken_by_the_services(home: Home, role: str) -> None:
    state = load(home)
    staff = StaffTokens(state.staff_public_key).staff(mint(state.staff_private_key, role))
    assert (staff.roles, staff.areas) == ({role}, ("/",))


@pytest.mark.parametrize(("role", "area"), [("mayor", "/"), ("cadre", "nyc"), ("cadre", "/nyc"), ("cadre", "nyc/")])
def test_what_no_service_would_take_is_not_minted(home: Home, role: str, area: str) -> None:
    with pytest.raises(WrongToken):
        mint(load(home).staff_private_key, role, [area])
