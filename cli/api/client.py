"""Submitting and reading tasks, as any client of the API."""

import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from cli.addresses import ApiAddress
from cli.api.link import ApiLink, RefusedError, linked_api
from cli.api.patience import Patience
from cli.api.task_move import TaskMove, parse_move
from cli.api.task_view import TaskView, UnreadableAnswer, parse_tasks, unknown_task
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from common.task import parse_task_id

_TASKS_PATH = "/v1/tasks"
_LIMIT_EXCEEDED = "limit_exceeded"
_TASK_NOT_FOUND = "task_not_found"
_PROMPT_OF_REQUEST = re.compile(r"prompts\[(\d+)\](\.?)")
_DROPPED = "dropped"
_IN_DOUBT = "the prompts it was sent last may be accepted or not"


class ApiClient:
    """Submits prompts, reads and cancels tasks.

    Every method raises CommandError: with `OUT_OF_REACH` when the API did not answer, with `USAGE` when it refused the
    request.
    """

    def __init__(self, link: ApiLink) -> None:
        self._link = link

    async def submit(
        self, body: bytes, *, prompts: int, first: int = 1, idempotency_key: str | None = None
    ) -> list[TaskView]:
        """Send one body of so many prompts; an entry for each, in order, refused ones without an id.

        Whatever breaks, it is sent again under the same key, a random one where none is given: the prompts are accepted
        once.

        Errors name a prompt by its number in all that is submitted, of which the body's first is number `first`.
        """
        key = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        try:
            answer = await self._link.ask("POST", _TASKS_PATH, body=body, headers=key, in_doubt=_IN_DOUBT)
        except RefusedError as error:
            raise CommandError(_numbered(str(error), first), error.exit_code) from error
        entries = self._entries(answer, prompts)
        return [replace(entry, error=entry.error and _numbered(entry.error, first)) for entry in entries]

    async def read(self, task_ids: Sequence[str]) -> list[TaskView]:
        """The tasks in the order asked, unknown ones as `not_found`; at most 100."""
        try:
            answer = await self._link.ask("GET", _TASKS_PATH, params={"task_ids": ",".join(task_ids)})
        except RefusedError as error:
            if error.code != _LIMIT_EXCEEDED or len(task_ids) == 1:
                raise
        else:
            return self._entries(answer, len(task_ids))
        # Their results together are more than one answer may hold.
        half = len(task_ids) // 2
        return await self.read(task_ids[:half]) + await self.read(task_ids[half:])

    async def newest(
        self, wanted: Mapping[str, str], *, limit: int, after: str | None
    ) -> tuple[Sequence[TaskView], str | None]:
        """A page of the newest tasks, at most `limit`, and where it goes on; None where nothing is left."""
        params = {**wanted, "limit": str(limit), **({} if after is None else {"after": after})}
        answer = await self._link.ask("GET", _TASKS_PATH, params=params)
        tasks, following = (answer.get("tasks"), answer.get("next")) if isinstance(answer, dict) else (None, None)
        count = len(tasks) if isinstance(tasks, Sequence) else 0
        return self._entries(answer, count), following if isinstance(following, str) else None

    async def moves(self, task_ids: Sequence[str]) -> AsyncGenerator[TaskMove, None]:
        """What happens to the tasks, as it happens, each as it stands first; at most 100.

        It ends when the API has nothing more to tell, or cannot tell it in this way: then they are to be read.
        """
        try:
            async with aclosing(self._link.events(f"{_TASKS_PATH}/events", {"task_ids": ",".join(task_ids)})) as events:
                async for event in events:
                    if event.name == _DROPPED:
                        continue
                    move = parse_move(event.data)
                    if move is not None:
                        yield move
        except RefusedError:
            # An API with other bounds.
            return

    async def cancel(self, task_id: str) -> TaskView:
        """End the task and return it as it stands then, an unknown one as `not_found`."""
        if parse_task_id(task_id) is None:
            return unknown_task(task_id)
        try:
            answer = await self._link.ask("POST", f"{_TASKS_PATH}/{task_id}/cancel")
        except RefusedError as error:
            if error.code != _TASK_NOT_FOUND:
                raise
            return unknown_task(task_id)
        [view] = self._entries({"tasks": [answer]}, 1)
        return view

    def _entries(self, answer: object, expected: int) -> list[TaskView]:
        try:
            return parse_tasks(answer, expected)
        except UnreadableAnswer as error:
            message = f"{self._link.where} does not answer as Promptmill does: {error}"
            raise CommandError(message, ExitCode.USAGE) from error


@asynccontextmanager
async def connected_api(
    address: ApiAddress, say: Callable[[str], None], patience: Patience | None = None
) -> AsyncIterator[ApiClient]:
    """A client of the API at `address`; nothing is sent yet."""
    async with linked_api(address, say, patience) as link:
        yield ApiClient(link)


def _numbered(error: str, first: int) -> str:
    """`prompts[0].model` of a request whose first prompt is number 501: "prompt 501, model"."""
    return _PROMPT_OF_REQUEST.sub(lambda found: f"prompt {int(found[1]) + first}{', ' if found[2] else ''}", error)
