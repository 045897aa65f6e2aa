"""What one process does for all of a service: the one that holds a lock, begun anew whenever it fails."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis import clock

SHORTEST_WAIT, LONGEST_WAIT = 0.02, 5.0
"""Before it is begun anew."""
STANDBY_WAIT = 0.5
STATEMENT_SECONDS = 10.0
"""Longer than any statement of such work takes; a connection that hangs is given up."""

# The server notices a dead holder within 5 + 3 x 2 seconds, and its lock is free.
KEEPALIVES = (
    "SELECT set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)


@asynccontextmanager
async def holding(
    worker: AsyncEngine, lock: str, held_elsewhere: Callable[[], None] = lambda: None
) -> AsyncGenerator[AsyncConnection]:
    """A session that holds the lock, which the statement `lock` tries to take; each statement commits by itself.

    `held_elsewhere` is told whenever another has it. The session is closed at the end, since only that surely frees
    the lock.
    """
    async with worker.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        try:
            await connection.exec_driver_sql(KEEPALIVES)
            while not (await connection.exec_driver_sql(lock)).scalar_one():
                held_elsewhere()
                await asyncio.sleep(STANDBY_WAIT)
            yield connection
        finally:
            await connection.invalidate()


async def again_and_again(work: Callable[[], Awaitable[None]], failed: Callable[[Exception], None]) -> None:
    """Work until cancelled. Whatever else ends it is told to `failed`, and the work begun anew."""
    wait = SHORTEST_WAIT
    while True:
        began = clock.monotonic()
        try:
            await work()
        except Exception as fault:  # nothing of this may end the task, whatever it is
            failed(fault)
        wait = SHORTEST_WAIT if clock.monotonic() - began > LONGEST_WAIT else wait * 2
        await asyncio.sleep(min(wait, LONGEST_WAIT))
