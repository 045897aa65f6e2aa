"""Who is told that something was written: the tracker, and the resident who left a way to reach them. Never what."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.chassis.ids import new_id
from services.contracts.cases import CaseAssigned, CaseDeclined, CaseMessageWritten, DeclineReason
from services.notifications.deliveries.planned import Audience, What
from services.notifications.deliveries.rows import Claimed
from services.notifications.deliveries.writing import Place, Writer
from tests.notifications.post_office import PUBLIC, PostOffice, body, opened
from tests.services import keyed

EMAIL, OTHER = "zxqvy.mail@home.example", "zxqvy.other@home.example"
MEI, PROTECTION = "mei@staff.example", "protection@staff.example"
WORDS = "zxqvy it is the drums"
RESIDENTS = "/api/intake/v1/case"


async def resident(post_office: PostOffice, report: dict[str, str], what: str, **form: object) -> None:
    headers = {"Doorstep-Receipt": report["receipt"], **keyed()}
    answer = await post_office.door.client.post(f"{RESIDENTS}:{what}", json=form, headers=headers)
    assert answer.status_code == 200, answer.text
    await post_office.intake_tells()


async def test_the_tracker_is_told_that_the_resident_wrote_and_where_to_look(post_office: PostOffice) -> None:
    await post_office.reached_at("mei", email=MEI)
    report = await post_office.report()
    case = UUID(report["case_id"])
    await post_office.mediation_tells(case, opened(), CaseAssigned(owner="mei"))
    await resident(post_office, report, "write", text=WORDS)
    await post_office.send()
    [mail] = post_office.letterbox.mails
    assert (mail["Subject"], mail["To"]) == ("A resident wrote to you", MEI)
    assert f"{PUBLIC}/desk/cases/{case}" in body(mail).splitlines()
    assert "drums" not in mail.as_string()


async def test_the_resident_is_told_that_there_is_news_and_not_which(post_office: PostOffice) -> None:
    report = await post_office.report(email=EMAIL)
    case = UUID(report["case_id"])
    await post_office.send()
    post_office.letterbox.empty()
    declined = CaseDeclined(by="mei", reason=DeclineReason.NOTHING_FOUND, explanation=new_id(), language="en")
    await post_office.mediation_tells(case, opened(), CaseMessageWritten(by="mei", message=new_id()), declined)
    while await post_office.send():
        pass
    assert post_office.letterbox.subjects == ["There is news about your report"] * 2
    for mail in post_office.letterbox.mails:
        assert "Look with the words of your receipt." in body(mail)
        assert not [word for word in ("mei", "declined", "message") if word in body(mail).splitlines()[0]]


async def test_after_a_correction_the_new_address_is_written_to_and_the_old_one_never(post_office: PostOffice) -> None:
    report = await post_office.report(email=EMAIL)
    case = UUID(report["case_id"])
    await post_office.send()
    post_office.letterbox.empty()
    await resident(post_office, report, "correct", email=OTHER)
    await post_office.mediation_tells(case, opened(), CaseAssigned(owner="mei"))
    await post_office.send()
    assert [one for one in post_office.letterbox.recipients if one in (EMAIL, OTHER)] == [OTHER]
    post_office.letterbox.empty()
    await resident(post_office, report, "correct", email=None)
    await post_office.mediation_tells(case, CaseMessageWritten(by="mei", message=new_id()), first=3)
    await post_office.send()
    assert not {EMAIL, OTHER}.intersection(post_office.letterbox.recipients)


async def test_the_protection_desk_is_told_of_a_minor_who_is_alone(post_office: PostOffice) -> None:
    await post_office.reached_at("protection-lakeside", email=PROTECTION)
    report = await post_office.report()
    alone = opened().model_copy(update={"minor": True, "protection": "protection-lakeside"})
    await post_office.mediation_tells(UUID(report["case_id"]), alone)
    await post_office.send()
    assert post_office.letterbox.subjects == ["Somebody under 18 needs you beside them"]
    assert post_office.letterbox.recipients == [PROTECTION]


@pytest.mark.parametrize(
    ("category", "language", "said"),
    [
        ("water-leak", "en", "Water leak"),
        ("water-leak", "zh", "漏水"),
        ("golden-idea", "en", "Golden idea"),
        ("noise", "en", "Noise and disturbance / Noise"),
        ("potholes.deep", "en", "Potholes · deep"),
        ("other", "en", None),
    ],
)
def test_a_category_is_called_by_its_name_in_the_reader_s_language(
    category: str, language: str, said: str | None
) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    alert = Claimed(
        new_id(), new_id(), Audience.STAFF, "mei", What.ALERT, "/a/", None, category, "urgent", None, at, at, 1, None
    )
    text = Writer(PUBLIC).write(alert, Place("Willow Lane"), language).text
    assert (said in text) if said else ("Category" not in text)
    assert f": {category}" not in text
