"""What a document tells beyond what FastAPI finds out."""

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header

from services.chassis import openapi, problems
from services.chassis.http import IdempotencyKey


def document() -> dict[str, Any]:
    router = APIRouter()

    @router.post("/things", responses=problems.PROBLEM_RESPONSES)
    async def make(key: IdempotencyKey, colour: Annotated[str | None, Header()] = None) -> dict[str, str]:
        return {}

    app = FastAPI()
    app.include_router(router)
    openapi.complete(app)
    return app.openapi()["paths"]["/things"]["post"]


def test_every_error_comes_as_a_problem() -> None:
    responses = document()["responses"]
    assert {status for status, told in responses.items() if list(told["content"]) == [problems.MEDIA_TYPE]} == {
        str(status) for status in problems.PROBLEM_RESPONSES
    }
    assert list(responses["200"]["content"]) == ["application/json"]


def test_the_key_is_required_and_no_header_is_null() -> None:
    headers = {one["name"]: one for one in document()["parameters"]}
    assert headers["idempotency-key"]["required"]
    assert headers["idempotency-key"]["schema"]["pattern"] == "^[!-~]{16,200}$"
    assert not headers["colour"]["required"]
    assert headers["colour"]["schema"]["type"] == "string"
