"""Takes in what nobody read of a request before its answer ends.

A server closes a connection on which an unread body is still coming. A caller, or the gateway, that is writing it then
sees a broken pipe in place of the answer, and may send its next request into a connection that is about to go.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Drained:
    """ASGI middleware, around requests with a body. The gateway limits how much may come."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        coming = True

        async def taken() -> Message:
            nonlocal coming
            message = await receive()
            coming = message.get("more_body", False)
            return message

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                while coming:
                    await taken()
            await send(message)

        await self._app(scope, taken, answer)


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
