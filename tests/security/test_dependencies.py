"""What a request depends on is awaited on the event loop: a way through the thread pool takes longer than all else."""

import inspect
from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from tests.security.routes import without_databases


def _all(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for one in dependant.dependencies:
        yield from _all(one)


def test_nothing_that_a_request_depends_on_goes_through_the_thread_pool() -> None:
    routes = [context.route for app in without_databases().values() for context in iter_route_contexts(app.routes)]
    called = {one.call for route in routes if isinstance(route, APIRoute) for one in _all(route.dependant)}
    assert len(called) > 50
    assert not [call for call in called if not inspect.iscoroutinefunction(call)]
