"""Access tokens of the configured issuer: the good one, and every kind of attack that must not pass."""

import asyncio
import base64
import hmac
import json
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwe
from joserfc.jwk import RSAKey

from deploy.local.tokens import mint
from services.chassis.auth import ServiceTokens, StaffTokens, Unauthenticated
from services.chassis.problems import ProblemError
from services.chassis.signin.access import StaffAccess
from services.chassis.signin.issuer import FRESH_SECONDS, STALE_SECONDS, UNKNOWN_KEY_SECONDS
from tests.security.provider import URL, Provider, claims, ec_key, okp_key, rsa_key, signed
from tests.services import staff_key

KEY = rsa_key()
PUBLIC_PEM = KEY.as_pem(private=False)
NOW = int(time.time())
CLIENT = "doorstep-pages"


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def by_hand(header: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """What a library refuses to make."""
    content = f"{part({'typ': 'at+jwt', 'kid': KEY.kid, **header})}.{part(claims())}"
    return f"{content}.{base64.urlsafe_b64encode(sign(content.encode())).decode().rstrip('=')}"


def as_rs256(content: bytes) -> bytes:
    return cast("RSAPrivateKey", KEY.private_key).sign(content, PKCS1v15(), SHA256())


def under(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda content: hmac.digest(secret, content, "sha256")


def unsigned(algorithm: str) -> str:
    return f"{part({'alg': algorithm, 'typ': 'at+jwt', 'kid': KEY.kid})}.{part(claims())}."


def changed_after_signing() -> str:
    header, _payload, signature = signed(KEY).split(".")
    return f"{header}.{part(claims(doorstep_roles=['operator'], doorstep_areas=['/']))}.{signature}"


def with_its_own_key() -> str:
    """One that brings the key it wants to be checked with."""
    own = rsa_key("first")
    return signed(
        own, {"jwk": own.as_dict(private=False), "x5u": "https://elsewhere.test/cert", "jku": "https://x.test"}
    )


def encrypted() -> str:
    return jwe.encrypt_compact(
        {"alg": "RSA-OAEP-256", "enc": "A256GCM", "typ": "at+jwt", "kid": KEY.kid},
        json.dumps(claims()),
        RSAKey.import_key(PUBLIC_PEM),
        algorithms=["RSA-OAEP-256", "A256GCM"],
    )


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(rsa_key(), "RS256"), (ec_key(), "ES256"), (okp_key(), "Ed25519")],
    ids=["RS256", "ES256", "Ed25519"],
)
async def test_what_the_issuer_signed_tells_who_in_what_role_and_where(key: Any, algorithm: str) -> None:
    provider = Provider(rsa_key("other"), key)
    staff = await provider.access.staff(signed(key, {"alg": algorithm}))
    assert (staff.id, staff.roles) == ("cadre-lin", {"cadre"})
    assert staff.areas == ("/lakeside/east/willow-lane/",)


async def test_the_forger_s_hand_is_good_enough_to_pass_with_nothing_forged() -> None:
    assert (await Provider(KEY).access.staff(by_hand({"alg": "RS256"}, as_rs256))).id == "cadre-lin"


async def test_who_has_no_role_or_area_there_may_do_nothing() -> None:
    staff = await Provider(KEY).access.staff(signed(KEY, doorstep_roles=None, doorstep_areas=None))
    assert (staff.roles, staff.areas) == (frozenset(), ())


ATTACKS = {
    "no signature": unsigned("none"),
    "no signature, spelt otherwise": unsigned("nOnE"),
    "the public key as HMAC secret": by_hand({"alg": "HS256"}, under(PUBLIC_PEM)),
    "the public key in binary as HMAC secret": by_hand({"alg": "HS256"}, under(KEY.as_der(private=False))),
    "an HMAC of some other secret": by_hand({"alg": "HS256"}, under(b"secret")),
    "an algorithm that is not on the list": signed(KEY, {"alg": "PS256"}),
    "another key under a known id": signed(rsa_key("first")),
    "a key that nobody has": signed(rsa_key("second")),
    "a key of its own in the header": with_its_own_key(),
    "a critical header that nobody knows": by_hand({"alg": "RS256", "crit": ["exp-policy"], "exp-policy": 1}, as_rs256),
    "changed after signing": changed_after_signing(),
    "encrypted for us": encrypted(),
    "an ID token": signed(KEY, {"typ": "JWT"}, aud=CLIENT, nonce="n"),
    "an ID token for our audience": signed(KEY, {"typ": "JWT"}, nonce="n"),
    "no type": signed(KEY, {"typ": None}),
    "a logout token": signed(KEY, {"typ": "logout+jwt"}),
    "another audience": signed(KEY, aud="payroll"),
    "no audience": signed(KEY, aud=None),
    "another issuer": signed(KEY, iss="https://elsewhere.test"),
    "the issuer with something behind it": signed(KEY, iss=f"{URL}/"),
    "expired": signed(KEY, exp=NOW - 60),
    "never expires": signed(KEY, exp=None),
    "too old, though it says it holds": signed(KEY, iat=NOW - 13 * 3600, exp=NOW + 10**6),
    "issued at no time": signed(KEY, iat=None),
    "issued tomorrow": signed(KEY, iat=NOW + 86_400, exp=NOW + 90_000),
    "not valid yet": signed(KEY, nbf=NOW + 3600),
    "nobody": signed(KEY, sub=None),
    "a subject that no event takes": signed(KEY, sub="Mei Li"),
    "roles that are not a list": signed(KEY, doorstep_roles="operator"),
    "an area without its closing slash": signed(KEY, doorstep_areas=["/lakeside"]),
    "an area that would match everything": signed(KEY, doorstep_areas=[""]),
    "two areas in one": signed(KEY, doorstep_areas=["/a/,/"]),
    "not a token": "not.a.token",
    "nothing": "",
    "not even text": "\udce9\x00.é.é",
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_an_attack_is_refused(attack: str) -> None:
    provider = Provider(KEY)
    with pytest.raises(Unauthenticated):
        await provider.access.staff(ATTACKS[attack])
    await provider.access.staff(signed(KEY))


async def test_after_a_rotation_the_new_key_counts_at_once_and_the_old_one_no_longer() -> None:
    old, new = rsa_key("old"), rsa_key("new")
    provider = Provider(old)
    await provider.access.staff(signed(old))
    provider.keys = [new]
    await provider.access.staff(signed(new))
    with pytest.raises(Unauthenticated):
        await provider.access.staff(signed(old))


async def test_a_key_that_was_taken_back_holds_no_longer_than_what_is_remembered() -> None:
    stolen = rsa_key("stolen")
    provider = Provider(stolen, KEY)
    await provider.access.staff(signed(stolen))
    provider.keys = [KEY]
    provider.clock += FRESH_SECONDS
    with pytest.raises(Unauthenticated):
        await provider.access.staff(signed(stolen))


async def test_made_up_keys_do_not_make_us_ask_again_and_again() -> None:
    provider = Provider(KEY)
    for nth in range(20):
        with pytest.raises(Unauthenticated):
            await provider.access.staff(signed(KEY, {"kid": f"made-up-{nth}"}))
    assert provider.asked_for_keys == 2
    provider.clock += UNKNOWN_KEY_SECONDS
    with pytest.raises(Unauthenticated):
        await provider.access.staff(signed(KEY, {"kid": "made-up"}))
    assert provider.asked_for_keys == 3


async def test_while_the_issuer_is_away_what_it_said_lately_counts_and_then_nothing() -> None:
    provider = Provider(KEY)
    await provider.access.staff(signed(KEY))
    provider.away = True
    provider.clock += FRESH_SECONDS
    await provider.access.staff(signed(KEY))
    provider.clock += STALE_SECONDS
    with pytest.raises(ProblemError) as away:
        await provider.access.staff(signed(KEY))
    assert away.value.problem.status == 503


async def test_of_all_who_meet_a_provider_that_hangs_one_asks_and_it_is_not_asked_again_at_once() -> None:
    provider = Provider(KEY)
    issuer = provider.issuer
    known = await issuer.metadata()
    provider.clock = FRESH_SECONDS + 1
    asked: list[httpx.Request] = []

    async def time_out(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        await asyncio.sleep(0)
        raise httpx.ConnectTimeout("it hangs")

    issuer.http = httpx.AsyncClient(transport=httpx.MockTransport(time_out))
    assert await asyncio.gather(*(issuer.metadata() for _ in range(20))) == [known] * 20
    provider.clock += UNKNOWN_KEY_SECONDS - 1
    assert await issuer.metadata() == known
    assert len(asked) == 1
    provider.clock += 1
    assert await issuer.metadata() == known
    assert len(asked) == 2
    provider.clock = FRESH_SECONDS + STALE_SECONDS
    for _ in range(20):
        with pytest.raises(ProblemError):
            await issuer.metadata()
    assert len(asked) == 3


async def test_while_a_provider_that_gave_no_answer_is_asked_again_nobody_else_waits_for_it() -> None:
    provider = Provider(KEY)
    issuer = provider.issuer
    known = await issuer.metadata()
    provider.away, provider.clock = True, FRESH_SECONDS
    await issuer.metadata()
    provider.clock += UNKNOWN_KEY_SECONDS
    asked, answering = asyncio.Event(), asyncio.Event()

    async def hang(_request: httpx.Request) -> httpx.Response:
        asked.set()
        await answering.wait()
        raise httpx.ReadTimeout("it hung")

    issuer.http = httpx.AsyncClient(transport=httpx.MockTransport(hang))
    first = asyncio.create_task(issuer.metadata())
    await asked.wait()
    assert await issuer.metadata() == known
    answering.set()
    assert await first == known


async def test_who_goes_away_while_the_provider_is_asked_spoils_it_for_nobody() -> None:
    provider = Provider(KEY)
    first = asyncio.create_task(provider.issuer.metadata())
    second = asyncio.create_task(provider.issuer.metadata())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).issuer == URL
    assert provider.asked_for_keys == 1


async def test_a_document_of_another_issuer_is_not_believed() -> None:
    provider = Provider(KEY)
    provider.named = "https://elsewhere.test"
    with pytest.raises(ProblemError):
        await provider.access.staff(signed(KEY))


async def test_tokens_of_this_machine_hold_only_where_they_are_known() -> None:
    own = mint(staff_key().private, "operator")
    local, provider = StaffTokens(staff_key().public), Provider(KEY)
    both = StaffAccess(local, provider.access)
    assert (await both.staff(own)).roles == {"operator"}
    assert (await both.staff(signed(KEY))).roles == {"cadre"}
    with pytest.raises(Unauthenticated):
        await StaffAccess(None, provider.access).staff(own)
    with pytest.raises(Unauthenticated):
        await StaffAccess(local, None).staff(signed(KEY))
    with pytest.raises(Unauthenticated):
        await StaffAccess(None, None).staff(own)


async def test_a_service_s_token_is_no_member_of_staff_and_holds_at_one_service_alone() -> None:
    key = b64encode(b"k" * 32).decode()
    intake, mediation, reporting = (ServiceTokens(name, key) for name in ("intake", "mediation", "reporting"))
    token = intake.issue("mediation", receipt_case=uuid4())
    assert mediation.caller(token).service == "intake"
    with pytest.raises(Unauthenticated):
        reporting.caller(token)
    with pytest.raises(Unauthenticated):
        await StaffAccess(StaffTokens(staff_key().public), Provider(KEY).access).staff(token)
    for other in (signed(KEY), mint(staff_key().private, "operator")):
        with pytest.raises(Unauthenticated):
            mediation.caller(other)


async def test_a_service_vouches_for_staff_whom_a_page_knows() -> None:
    key = b64encode(b"k" * 32).decode()
    mediation, intake = ServiceTokens("mediation", key), ServiceTokens("intake", key)
    staff = await Provider(KEY).access.staff(signed(KEY))
    assert intake.caller(mediation.issue("intake", staff=staff)).staff == staff
    assert intake.caller(mediation.issue("intake")).staff is None
