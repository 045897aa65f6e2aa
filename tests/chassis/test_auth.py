"""Tokens that hold, and every kind that must not."""

import base64
import json
import secrets
import time
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey, RSAKey

from deploy.local.tokens import mint
from services.chassis.auth import AUDIENCE, ISSUER, STAFF_TYPE, ServiceTokens, StaffTokens, Unauthenticated

KEY = OKPKey.generate_key("Ed25519")
PRIVATE = KEY.as_pem(private=True).decode()
PUBLIC = KEY.as_pem(private=False).decode()
RAW_PUBLIC = base64.urlsafe_b64decode(str(KEY.as_dict(private=False)["x"]) + "=")


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "roles": ["cadre"], "areas": ["/a/"], "exp": now + 60}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def staff_token(header: dict[str, Any] | None = None, key: Any = KEY, **changed: Any) -> str:
    header = {"alg": "Ed25519", "typ": STAFF_TYPE, **(header or {})}
    return jwt.encode(header, claims(**changed), key, algorithms=[header["alg"]])


def unsigned() -> str:
    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': STAFF_TYPE})}.{part(claims())}."


def test_a_minted_token_tells_who_in_what_role_and_where() -> None:
    staff = StaffTokens(PUBLIC).staff(mint(PRIVATE, "cadre", ["/lakeside/"], subject="li"))
    assert (staff.id, staff.roles, staff.areas) == ("li", {"cadre"}, ("/lakeside/",))
    assert staff.may_see("/lakeside/east/")
    assert not staff.may_see("/lakes/")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(unsigned(), id="no signature"),
        pytest.param(staff_token(key=OKPKey.generate_key("Ed25519")), id="another key"),
        pytest.param(staff_token({"alg": "HS256"}, OctKey.import_key(RAW_PUBLIC)), id="public key as HMAC secret"),
        pytest.param(staff_token({"alg": "RS256"}, RSAKey.generate_key(2048)), id="another algorithm"),
        pytest.param(staff_token({"typ": "JWT"}), id="another type of token"),
        pytest.param(staff_token(iss="elsewhere"), id="another issuer"),
        pytest.param(staff_token(aud="elsewhere"), id="another audience"),
        pytest.param(staff_token(exp=int(time.time()) - 60), id="expired"),
        pytest.param(staff_token(exp=None), id="never expires"),
        pytest.param(staff_token(roles="operator"), id="roles not a list"),
        pytest.param(staff_token(areas=["/a"]), id="area without its closing slash"),
        pytest.param(staff_token(areas=[""]), id="area that would match everything"),
        pytest.param(staff_token(areas=["/a/,/"]), id="two areas in one"),
        pytest.param(staff_token(sub="Mei Li"), id="subject that no event takes"),
        pytest.param("not.a.token", id="not a token"),
    ],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_what_does_not_hold_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        StaffTokens(PUBLIC).staff(token)


def test_an_unknown_role_counts_for_nothing() -> None:
    assert StaffTokens(PUBLIC).staff(staff_token(roles=["root", "cadre"])).roles == {"cadre"}


def test_services_know_each_other_and_only_their_own_audience() -> None:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    intake, mediation = ServiceTokens("intake", key), ServiceTokens("mediation", key)
    case = uuid4()
    caller = mediation.caller(intake.issue("mediation", receipt_case=case))
    assert (caller.service, caller.receipt_case) == ("intake", case)
    with pytest.raises(Unauthenticated):
        intake.caller(intake.issue("mediation"))
    with pytest.raises(Unauthenticated):
        mediation.caller(staff_token())
