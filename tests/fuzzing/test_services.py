"""Whatever is sent to a service, it answers as its own document says, and never with a failure of its own.

Requests are drawn by schemathesis from the OpenAPI documents, sound ones and broken ones, in the name of every role.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack, suppress
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from requests import Request
from schemathesis.checks import load_all_checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from tests.conftest import Databases
from tests.fuzzing.faces import FACES, Face

pytestmark = pytest.mark.fuzz

EXAMPLES = 30
"""For each operation, in each of the two modes."""

SHORT = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
JUDGED: Any = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


@pytest.fixture(scope="module")
def runner() -> Generator[asyncio.Runner]:
    """An event loop that waits between two requests: drawing them is no coroutine."""
    load_all_checks()
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest, runner: asyncio.Runner, postgres: Databases) -> Generator[Face]:
    stack = AsyncExitStack()
    yield runner.run(stack.enter_async_context(FACES[request.param](postgres)))
    runner.run(stack.aclose())


def test_every_answer_is_as_the_document_says(face: Face, runner: asyncio.Runner, subtests: pytest.Subtests) -> None:
    schema = schemathesis.openapi.from_dict(face.app.openapi())
    for found in schema.get_all_operations():
        operation: Any = found.ok()
        if streams(operation):
            continue
        for mode in GenerationMode:
            # What takes no input can't be asked wrongly.
            with subtests.test(operation.label, mode=mode.value), suppress(Unsatisfiable):
                fuzzed(face, runner, operation, mode)()


def streams(operation: Any) -> bool:
    """Whether its answers go on for ever."""
    return "text/event-stream" in str(operation.definition.raw)


def fuzzed(face: Face, runner: asyncio.Runner, operation: Any, mode: GenerationMode) -> Callable[[], None]:
    @SHORT
    @given(case=operation.as_strategy(generation_mode=mode), caller=st.sampled_from(list(face.callers)), data=st.data())
    def one(case: Any, caller: str, data: st.DataObject) -> None:
        for place in (case.path_parameters, case.query, case.body):
            make_sense(place, face, data)
        answer = runner.run(sent(face.client, case, face.callers[caller]))
        case.validate_response(answer, checks=JUDGED)

    return one


def make_sense(place: Any, face: Face, data: st.DataObject) -> None:
    """Put values that mean something in the place of some of those that were drawn: few would be met by chance."""
    if isinstance(place, dict):
        for name in face.known.keys() & place.keys():
            if face.known[name] and data.draw(st.booleans()):
                place[name] = data.draw(st.sampled_from(face.known[name]))


async def sent(client: httpx.AsyncClient, case: Any, headers: dict[str, str]) -> httpx.Response:
    wanted = case.as_transport_kwargs(base_url=str(client.base_url))
    wanted["headers"].update(headers)
    request = Request(**wanted).prepare()
    return await client.request(request.method, request.url, headers=dict(request.headers), content=request.body)
