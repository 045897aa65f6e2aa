"""What may be said of a community: which it is, for good, and where it lies, again and again."""

from dataclasses import replace

from services.contracts.registry import (
    CommunityClosed,
    CommunityLocated,
    CommunityRegistered,
    CommunityReopened,
    community_stream,
)
from services.intake.domain.commands import LocateCommunity, RegisterCommunity
from services.intake.domain.errors import NotRegistered, RegisteredOtherwise
from services.intake.domain.registry import COMMUNITIES
from tests.given import Given

given = Given(COMMUNITIES)

AREA = "/lakeside/east/willow-lane/"
COMMUNITY = community_stream(AREA)
REGISTER = RegisterCommunity(COMMUNITY, AREA, "Willow Lane", "Asia/Shanghai")
REGISTERED = CommunityRegistered(community=COMMUNITY, area=AREA, name="Willow Lane", time_zone="Asia/Shanghai")
LOCATE = LocateCommunity((43.8256, 87.6168), ("House 3",))
LOCATED = CommunityLocated(community=COMMUNITY, latitude=43.8256, longitude=87.6168, buildings=("House 3",))
CLOSED = CommunityClosed(community=COMMUNITY)


def test_a_community_is_registered_once_and_for_good() -> None:
    given().when(REGISTER).then(REGISTERED)
    given(REGISTERED, LOCATED).when(REGISTER).then()
    given(REGISTERED).when(replace(REGISTER, name="Other")).refused(
        RegisteredOtherwise, path=AREA, name="Willow Lane (Asia/Shanghai)"
    )


def test_where_it_lies_is_the_last_word_as_a_whole() -> None:
    given(REGISTERED).when(LOCATE).then(LOCATED)
    given(REGISTERED, LOCATED).when(LOCATE).then()
    nowhere = CommunityLocated(community=COMMUNITY)
    given(REGISTERED, LOCATED).when(LocateCommunity(None, ())).then(nowhere)
    given(REGISTERED, LOCATED, nowhere).when(LOCATE).then(LOCATED)


def test_it_is_located_also_while_it_is_closed_and_stays_so_when_it_opens_again() -> None:
    given(REGISTERED, CLOSED).when(LOCATE).then(LOCATED)
    given(REGISTERED, LOCATED, CLOSED).when(LOCATE).then()
    given(REGISTERED, LOCATED, CLOSED, CommunityReopened(community=COMMUNITY)).when(LOCATE).then()


def test_what_was_never_registered_lies_nowhere() -> None:
    given().when(LOCATE).refused(NotRegistered)
