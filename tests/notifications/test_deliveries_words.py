"""Who is told that something was written: the tracker, and the resident who left a way to reach them. Never what."""

from uuid import UUID

from services.chassis.ids import new_id
from services.contracts.cases import CaseAssigned, CaseDeclined, CaseMessageWritten, DeclineReason
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
