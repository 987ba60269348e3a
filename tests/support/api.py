from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from tests.support.waiting import until

FINAL = frozenset({"completed", "failed", "cancelled", "expired"})
_IDS_A_QUERY = 100

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``body`` is its JSON. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: Any


class Api:
    """A test's client of the native face, which checks the form of each answer on the way.

    Args:
        url: The API's root, without ``/v1``.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def ask(self, method: str, path: str, **request: Any) -> Answer:
        """Send any request and return its answer, which must be JSON."""
        async with self._session.request(method, self.url + path, **request) as response:
            content = await response.read()
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, headers, orjson.loads(content))

    async def try_submit(self, prompts: Sequence[str | Entry], **fields: Any) -> Answer:
        """POST prompts, with further fields of the request, and return the answer whatever it is."""
        return await self.ask("POST", "/v1/tasks", json={"prompts": list(prompts), **fields})

    async def try_submit_as(self, key: str, prompts: Sequence[str | Entry], **fields: Any) -> Answer:
        """The same under an ``Idempotency-Key``."""
        request = {"prompts": list(prompts), **fields}
        return await self.ask("POST", "/v1/tasks", json=request, headers={"Idempotency-Key": key})

    async def submit(self, prompts: Sequence[str | Entry], **fields: Any) -> list[str]:
        """POST prompts and return their ids.

        Raises:
            AssertionError: Not every prompt became a queued task of its own.
        """
        answer = await self.try_submit(prompts, **fields)
        assert answer.status == 202, answer
        entries = answer.body["tasks"]
        assert [entry["status"] for entry in entries] == ["queued"] * len(prompts), answer
        task_ids = [entry["task_id"] for entry in entries]
        assert len(set(task_ids)) == len(prompts), answer
        return task_ids

    async def tasks(self, task_ids: Sequence[str]) -> list[Entry]:
        """GET tasks by id, a hundred in a query; one entry per id asked, in their order.

        Raises:
            AssertionError: The answer was no 200, or not these ids in this order.
        """
        entries: list[Entry] = []
        for start in range(0, len(task_ids), _IDS_A_QUERY):
            asked = task_ids[start : start + _IDS_A_QUERY]
            answer = await self.ask("GET", "/v1/tasks", params={"task_ids": ",".join(asked)})
            assert answer.status == 200, answer
            assert [entry["task_id"] for entry in answer.body["tasks"]] == list(asked), answer
            entries += answer.body["tasks"]
        return entries

    async def task(self, task_id: str) -> Entry:
        """GET one task, as an entry of the list."""
        (entry,) = await self.tasks([task_id])
        return entry

    async def states(self, task_ids: Sequence[str]) -> Counter[tuple[str, int]]:
        """Count the tasks by status and progress."""
        return Counter((entry["status"], entry["progress"]) for entry in await self.tasks(task_ids))

    async def wait_for_states(
        self, task_ids: Sequence[str], expected: dict[tuple[str, int], int], *, deadline: float = 60.0
    ) -> None:
        """Wait until the tasks are exactly so many of each status and progress.

        Raises:
            AssertionError: They were not, up to the deadline in seconds; it says how they were.
        """
        seen: list[Counter[tuple[str, int]]] = []

        async def reached() -> bool:
            seen[:] = [await self.states(task_ids)]
            return seen[0] == expected

        try:
            await until(reached, deadline=deadline, what=f"{expected}")
        except AssertionError as error:
            raise AssertionError(f"{error}; the tasks are {seen}") from error

    async def wait_until_final(
        self, task_ids: Sequence[str], *, deadline: float = 60.0, watch: Callable[[], object] = lambda: None
    ) -> list[Entry]:
        """Wait until every task is in a final state and return them in the order given.

        Args:
            task_ids: Any number; those that are final are not asked for again.
            deadline: Seconds.
            watch: Called at every look, for what the test wants to see meanwhile.

        Raises:
            AssertionError: Some were not final, up to the deadline; it says how many in which state.
        """
        final: dict[str, Entry] = {}
        states: Counter[str] = Counter()

        async def all_final() -> bool:
            watch()
            states.clear()
            unfinished = [task_id for task_id in task_ids if task_id not in final]
            for start in range(0, len(unfinished), _IDS_A_QUERY):
                entries = await self.tasks(unfinished[start : start + _IDS_A_QUERY])
                states.update(entry["status"] for entry in entries)
                final.update({entry["task_id"]: entry for entry in entries if entry["status"] in FINAL})
                if len(entries) > sum(entry["status"] in FINAL for entry in entries):
                    # The rest was submitted later: no use asking for it yet.
                    return False
            return True

        try:
            await until(all_final, deadline=deadline, what=f"the end of {len(task_ids)} tasks")
        except AssertionError as error:
            raise AssertionError(f"{error}; {len(final)} are final, of the next ones {dict(states)}") from error
        return [final[task_id] for task_id in task_ids]

    async def wait_until_completed(
        self, task_ids: Sequence[str], *, deadline: float = 60.0, watch: Callable[[], object] = lambda: None
    ) -> list[Entry]:
        """Wait like `wait_until_final`, and check that every task is completed, at 100, without an error.

        Raises:
            AssertionError: As above, or some ended otherwise.
        """
        entries = await self.wait_until_final(task_ids, deadline=deadline, watch=watch)
        others: Collection[Entry] = [
            entry
            for entry in entries
            if (entry["status"], entry["progress"], entry["error"]) != ("completed", 100, None)
        ]
        assert not others, f"{len(others)} of {len(entries)} ended otherwise: {list(others)[:3]}"
        return entries
