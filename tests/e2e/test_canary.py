"""What a resident writes stays where it was taken: marked words are looked for everywhere else.

The marks go in through every door, the error paths too. The positive control is a reference, which does travel: a
search that can't find that one finds nothing.
"""

import io
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import httpx
import orjson
import pytest
from PIL import Image

from deploy.local.postgres import BIN
from deploy.local.stack import postgres_of
from tests.e2e.conftest import Stack
from tests.e2e.waiting import until

NAME = f"Zxqvyname{token_hex(4)}"
PHONE = f"+86 10 {int(token_hex(4), 16):010}"
SENTENCE = f"zxqvysentence{token_hex(4)} kept awake by geese"
EMAIL = f"zxqvymail{token_hex(4)}@home.example"
MESSAGE = f"zxqvymessage{token_hex(4)} to whoever has it"
ANSWER = f"zxqvyanswer{token_hex(4)} to who reported it"
CORRECTED = f"zxqvycorrected{token_hex(4)} after all"
GUARDIAN = f"Zxqvyguardian{token_hex(4)}"
GUEST = f"zxqvyguest{token_hex(4)}@home.example"
MARKS = (NAME, PHONE, SENTENCE, EMAIL, MESSAGE, ANSWER, CORRECTED, GUARDIAN, GUEST)
REFERENCE = f"CONTROL-{token_hex(6)}"
SERVICES = ("intake", "mediation", "notifications", "reporting")
API = "/api/intake/v1"
SEALED = "--table=particulars"


@pytest.fixture(scope="module")
def told(stack: Stack) -> dict[str, str]:
    """Everything that a resident, a community's system and staff can say wrong or right, with the marks in it."""
    operator = {"Authorization": f"Bearer {stack.token('operator')}"}
    with httpx.Client(base_url=stack.url, trust_env=False, timeout=30) as http:
        for path, name in (("/canary/", "Canary"), ("/canary/east/", "East")):
            http.post(f"{API}/areas", json={"path": path, "name": name}, headers=operator).raise_for_status()
        place = {"area": "/canary/east/lane/", "name": "Lane", "time_zone": "Asia/Shanghai"}
        community = http.post(f"{API}/communities", json=place, headers=operator).json()
        keys = f"{API}/communities/{community['community_id']}/keys"
        system = http.post(keys, json={"scopes": ["report", "history"]}, headers=operator).json()["api_key"]
        marked = {"text": SENTENCE, "name": NAME, "phone": PHONE, "email": EMAIL, "place": f"beside {NAME}"}
        report = {"community": community["community_id"], "kind": "dispute", "category": "animals", **marked}
        report |= {"minor": True, "guardian": GUARDIAN}

        key = {"Idempotency-Key": token_hex(16)}
        taken = http.post(f"{API}/reports", json=report, headers=key)
        assert taken.status_code == 201

        def refused(answer: httpx.Response, status: int) -> None:
            assert answer.status_code == status, answer.text
            assert not [mark for mark in MARKS if mark in answer.text]

        again = {"Idempotency-Key": token_hex(16)}
        refused(http.post(f"{API}/reports", json={**report, "text": SENTENCE + "!"}, headers=key), 422)
        refused(http.post(f"{API}/reports", json={**report, "category": NAME}, headers=again), 422)
        refused(http.post(f"{API}/reports", json={**report, "text": SENTENCE + "\0"}, headers=again), 422)
        refused(http.post(f"{API}/reports", json={**report, "text": SENTENCE * 40_000}, headers=again), 422)
        refused(http.post(f"{API}/reports", json={**report, NAME: SENTENCE}, headers=again), 422)
        json = {"Content-Type": "application/json"}
        refused(http.post(f"{API}/reports", content=f'{{"text": "{SENTENCE}'.encode(), headers={**again, **json}), 422)
        refused(http.post(f"{API}/reports", content=f'"{NAME}å'.encode("latin-1"), headers={**again, **json}), 422)
        refused(http.get(f"{API}/case", headers={"Doorstep-Receipt": NAME}), 404)
        refused(http.get(f"{API}/{NAME}"), 404)
        refused(
            http.post(f"{API}/reports:bulk", content=SENTENCE, headers={"Authorization": f"Bearer dk_{NAME}_x"}), 401
        )

        line = {"reference": REFERENCE, "kind": "dispute", "category": "animals", **marked, "row": {"who": NAME}}
        other = {**line, "text": SENTENCE + "?"}
        broken = [f'{{"text": "{SENTENCE}'.encode(), orjson.dumps({**line, "kind": NAME}), SENTENCE.encode() * 30_000]
        lines = b"\n".join([orjson.dumps(line), orjson.dumps(other), *broken])
        bulk = http.post(f"{API}/reports:bulk", content=lines, headers={"Authorization": f"Bearer {system}"})
        statuses = [orjson.loads(one)["status"] for one in bulk.content.splitlines()]
        assert statuses == ["accepted", "conflict", "rejected", "rejected", "rejected"]
        assert not [mark for mark in MARKS if mark in bulk.text]

        fault = {
            "api_key": system,
            "jurisdiction_id": "canary.east.lane",
            "service_code": "water-leak",
            "description": SENTENCE,
            "address_string": f"beside {NAME}",
            "first_name": NAME,
            "device_id": NAME,
            "phone": PHONE,
            "email": EMAIL,
        }
        requests = "/open311/v2/requests"
        public = http.post(f"{requests}.json", data=fault)
        refused(public, 200)
        refused(http.post(f"{requests}.xml", data={**fault, "service_code": NAME}), 404)
        refused(http.post(f"{requests}.xml", data={**fault, "email": SENTENCE, f"attribute[{NAME}]": NAME}), 400)
        refused(http.post(f"{requests}.xml", data={**fault, "api_key": f"dk_{NAME}_x"}), 403)
        refused(http.get(f"{requests}/{NAME}.xml", params={"jurisdiction_id": "canary.east.lane"}), 404)
        arrived = {"Doorstep-Position": public.headers["Doorstep-Position"]}
        request = f"{requests}/{public.json()[0]['service_request_id']}.xml"

        def shown() -> httpx.Response | None:
            answer = http.get(request, params={"jurisdiction_id": "canary.east.lane"}, headers=arrived)
            return answer if answer.is_success else None

        refused(until(shown, "the request"), 200)

        case = taken.json()["case_id"]
        receipt = {"Doorstep-Receipt": taken.json()["receipt"]}
        photo = f"{API}/case:add-photo"
        refused(http.post(photo, content=SENTENCE.encode(), headers=receipt), 422)
        refused(http.post(photo, content=b"\xff\xd8\xff" + SENTENCE.encode(), headers=receipt), 422)
        added = http.post(photo, content=pictured(), headers=receipt)
        refused(added, 201)
        assert http.get(added.json()["link"]).content.startswith(b"\xff\xd8\xff")
        cadre = {"Authorization": f"Bearer {stack.token('cadre')}", "Idempotency-Key": token_hex(16)}
        opened = http.get(f"{API}/cases/{case}/report", params={"purpose": "triage"}, headers=cadre)
        assert SENTENCE in opened.text
        position = {"Doorstep-Position": taken.headers["Doorstep-Position"]}
        desk = f"/api/mediation/v1/cases/{case}"

        def there() -> bool | None:
            return http.get(desk, headers={**cadre, **position}).is_success or None

        until(there, "the case")
        refused(http.post(f"{desk}/resolve", json={"explanation": SENTENCE, "resolution": NAME}, headers=cadre), 422)
        refused(http.post(f"{desk}/mediate", json={"result": NAME, "note": SENTENCE}, headers=cadre), 422)
        told_back(http, taken.json()["receipt"], desk, cadre)
        called_off(http, community["community_id"], cadre)
    return {"case": case}


def pictured() -> bytes:
    """A photo with the marks in all that a camera writes beside its pixels."""
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = SENTENCE, NAME
    written = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(written, "JPEG", exif=exif, comment=PHONE.encode(), xmp=EMAIL.encode())
    return written.getvalue()


def sealed_photos(stack: Stack) -> list[bytes]:
    return [file.read_bytes() for file in stack.home.attachments.rglob("*") if file.is_file()]


def told_back(http: httpx.Client, receipt: str, desk: str, cadre: dict[str, str]) -> None:
    """Messages to and fro, a correction and a refusal, with the marks in them, right and wrong."""

    def keyed(**headers: str) -> dict[str, str]:
        return {**headers, "Idempotency-Key": token_hex(16)}

    def resident(what: str, status: int, **form: object) -> None:
        answer = http.post(f"{API}/case:{what}", json=form, headers=keyed(**{"Doorstep-Receipt": receipt}))
        assert answer.status_code == status, answer.text
        assert not [mark for mark in MARKS if mark in answer.text]

    resident("write", 200, text=MESSAGE)
    resident("write", 422, text=MESSAGE, **{NAME: MESSAGE})
    resident("correct", 200, text=CORRECTED, guardian=GUARDIAN + "!")
    resident("correct", 422, phone=MESSAGE)
    resident("appeal", 409, text=MESSAGE)
    staff = {"Authorization": cadre["Authorization"]}
    written = http.post(f"{desk}/write", json={"message": ANSWER}, headers=keyed(**staff))
    assert written.status_code == 200, written.text
    wrong = http.post(f"{desk}/decline", json={"reason": NAME, "explanation": ANSWER}, headers=keyed(**staff))
    assert wrong.status_code == 422
    assert ANSWER not in wrong.text

    def both_said() -> bool | None:
        told = http.get(f"{API}/case", headers={"Doorstep-Receipt": receipt}).json()
        return {MESSAGE, ANSWER} <= {one["text"] for one in told["conversation"]} or None

    until(both_said, "the positive control: who may read them does")


def called_off(http: httpx.Client, community: str, cadre: dict[str, str]) -> None:
    """A gathering that somebody signs up for, with the mark by which they are told that it does not take place."""

    def asked(path: str, form: object, status: int, **headers: str) -> httpx.Response:
        answer = http.post(f"{API}/gatherings{path}", json=form, headers={**headers, "Idempotency-Key": token_hex(16)})
        assert answer.status_code == status, answer.text
        assert GUEST not in answer.text
        return answer

    staff = {"Authorization": cadre["Authorization"]}
    begins = datetime.now(UTC) + timedelta(days=3)
    plan = {"title": "A talk", "place": "Hall", "starts_at": begins, "ends_at": begins + timedelta(hours=1)}
    form = {"community": community, "kind": "lecture", **plan}
    announced = asked("", orjson.loads(orjson.dumps(form)), 201, **staff)
    gathering = announced.json()["gathering_id"]
    asked(f"/{gathering}/sign-up", {"people": 0, "email": GUEST}, 422)
    asked(f"/{gathering}/sign-up", {"people": 1, "email": GUEST, GUEST: 1}, 422)
    asked(f"/{gathering}/sign-up", {"people": 1, "email": GUEST}, 201)
    asked(f"/{gathering}/cancel", {}, 200, **staff)


def dump(stack: Stack, service: str, *arguments: str) -> str:
    """A service's database as text, read by the one user whom no policy keeps a row from."""
    admin = postgres_of(stack.home, stack.state).admin_dsn.rsplit("/", 1)[0]
    command = [str(BIN / "pg_dump"), "--dbname", f"{admin}/doorstep_{service}", "--data-only", "--inserts", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def dump_with_control(stack: Stack, service: str) -> str:
    """The database once the reference has arrived: the positive control, without which a search finds nothing."""

    def found() -> str | None:
        text = dump(stack, service)
        return text if REFERENCE in text else None

    return until(found, f"the reference in {service}")


def marks_in(text: str) -> list[str]:
    """Those that a database's text holds, as text or as bytes."""
    return [mark for mark in MARKS if mark in text or mark.encode().hex() in text]


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("service", SERVICES)
def test_no_database_holds_a_mark(stack: Stack, service: str) -> None:
    """Intake's too: even its sealed rows show nothing."""
    assert marks_in(dump_with_control(stack, service)) == []


@pytest.mark.usefixtures("told")
def test_kafka_s_segments_hold_no_mark(stack: Stack) -> None:
    """Records are not compressed: what is in them can be searched."""
    segments = b"".join(log.read_bytes() for log in sorted(stack.home.folder.rglob("*.log")) if "kafka" in str(log))
    assert REFERENCE.encode() in segments, "the positive control must be found"
    assert not [mark for mark in MARKS if mark.encode() in segments]


@pytest.mark.usefixtures("told")
def test_no_photo_on_disk_can_be_looked_at_or_holds_a_mark(stack: Stack) -> None:
    assert all(mark.encode() in pictured() for mark in (SENTENCE, NAME, PHONE, EMAIL)), (
        "the positive control must be found"
    )
    photos = sealed_photos(stack)
    assert len(photos) == 2, "the photo, and its thumbnail"
    assert not [mark for mark in (*MARKS, "JFIF") for photo in photos if mark.encode() in photo]


@pytest.mark.usefixtures("told")
def test_no_log_holds_a_mark(stack: Stack) -> None:
    logs = sorted(stack.home.logs.iterdir())
    assert {log.stem for log in logs} >= {*SERVICES, "postgres", "kafka", "gateway"}
    said = "".join(log.read_text(errors="replace") for log in logs)
    assert "doorstep" in said, "the positive control must be found"
    assert not [(mark, log) for log in logs for mark in MARKS if mark in log.read_text(errors="replace")]


@pytest.mark.usefixtures("told")
def test_no_trace_holds_a_mark(stack: Stack) -> None:
    until(lambda: traces_with(stack, "POST /reports") or None, "the positive control")
    assert not [mark for mark in MARKS if traces_with(stack, mark)]
    assert not traces_with(stack, "127.0.0.1")


def traces_with(stack: Stack, wanted: str) -> list[str]:
    """Files of traces that hold it, once each service has written its own."""

    def all_services() -> list[Path] | None:
        files = sorted(stack.home.traces.iterdir())
        return files if {file.name.split(".")[0] for file in files} == set(SERVICES) else None

    return [file.name for file in until(all_services, "traces of every service") if wanted in file.read_text()]


@pytest.mark.usefixtures("told")
def test_no_message_holds_a_mark_but_its_reader_s_address(stack: Stack) -> None:
    """The letterbox is the world outside: what lies in it has left."""

    def written_to() -> list[dict[str, str]] | None:
        found = [one for one in letters(stack) if one["to"] in (EMAIL, GUEST)]
        return found if {one["to"] for one in found} == {EMAIL, GUEST} else None

    sent = until(written_to, "the positive control")
    assert not [mark for mark in MARKS for one in sent if mark in f"{one['subject']} {one['text']} {one['message_id']}"]


@pytest.mark.usefixtures("told")
def test_no_file_of_the_stack_holds_an_address_that_was_written_to(stack: Stack) -> None:
    files = [file for file in stack.home.folder.rglob("*") if file.is_file() and not file.is_symlink()]
    assert any(holds(file, REFERENCE) for file in files), "the positive control must be found"
    assert not [file for file in files if holds(file, EMAIL) or holds(file, GUEST)]


def holds(file: Path, wanted: str) -> bool:
    """Servers take files of theirs away at any time: one that is gone holds nothing."""
    try:
        return wanted.encode() in file.read_bytes()
    except FileNotFoundError:
        return False


def letters(stack: Stack) -> list[dict[str, str]]:
    return httpx.get(f"{stack.url}/mail/messages", trust_env=False).json()


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("service", SERVICES)
def test_no_metric_holds_a_mark(stack: Stack, service: str) -> None:
    metrics = httpx.get(f"{stack.url}/api/{service}/metrics", trust_env=False).text
    assert "doorstep_http_requests_total" in metrics, "the positive control must be found"
    assert not [mark for mark in MARKS if mark in metrics]


def test_what_was_erased_is_gone_everywhere_and_the_case_stays_counted(stack: Stack, told: dict[str, str]) -> None:
    counted = counts(stack)
    assert told["case"] in dump(stack, "intake", SEALED)
    stack.doorstep("erase", told["case"])
    assert_gone(stack, told["case"])
    assert counts(stack) == counted


@pytest.mark.long
def test_what_was_erased_stays_gone_when_all_is_restored_to_before(
    stack: Stack, told: dict[str, str], tmp_path: Path
) -> None:
    counted = counts(stack)
    assert told["case"] in dump(stack, "intake", SEALED)
    assert len(sealed_photos(stack)) == 2, "the photo, and its thumbnail"
    stack.doorstep("backup", tmp_path / "backup")
    stack.doorstep("erase", told["case"])
    stack.doorstep("down")
    shutil.rmtree(stack.home.postgres)
    shutil.rmtree(stack.home.attachments)
    stack.doorstep("restore", tmp_path / "backup")
    stack.doorstep("up")
    until(lambda: counts(stack) == counted or None, "the board as it was")
    assert_gone(stack, told["case"])


def assert_gone(stack: Stack, case: str) -> None:
    assert sealed_photos(stack) == []
    assert case not in dump(stack, "intake", SEALED)
    assert case not in dump(stack, "mediation", SEALED)
    assert case in dump(stack, "intake", "--table=erased")
    for service in SERVICES:
        assert marks_in(dump_with_control(stack, service)) == []
    logs = [log.read_text(errors="replace") for log in stack.home.logs.iterdir()]
    assert not [mark for mark in MARKS for log in logs if mark in log]


def counts(stack: Stack) -> dict[str, float]:
    """What the board says of the area."""
    told = stack.get("/api/reporting/v1/indicators", area="/canary/")["indicators"]
    counted = {one["name"]: one["value"] for one in told}
    assert counted["reported"] > 0, "the positive control: it counts"
    return counted


def test_the_marks_would_be_found() -> None:
    """The search itself: a mark that is there is seen, as text and as the bytes that PostgreSQL shows."""
    assert marks_in(f"INSERT … ('{NAME}', '\\x{PHONE.encode().hex()}')") == [NAME, PHONE]
