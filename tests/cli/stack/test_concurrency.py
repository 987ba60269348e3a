import asyncio

import pytest

from cli.stack.concurrency import all_done
from cli.stack.errors import StackError


async def _failing(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("error", [StackError("no room"), OSError(28, "no room"), ValueError("no room")])
async def test_the_first_error_is_raised_alone_whatever_it_is(error: Exception) -> None:
    ended = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(type(error)) as raised:
        await all_done(endless(), all_done(endless(), _failing(error)))
    assert raised.value is error
    assert ended.is_set()
