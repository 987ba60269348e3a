"""Requests of tasks, as this process knows them for a while, bounded by their bytes."""

from collections import OrderedDict
from typing import Any, NamedTuple

import orjson

# What an entry takes beside its bytes, about.
_ENTRY_BYTES = 512


class TaskRequest(NamedTuple):
    """What a task asks: `body` for `endpoint` as the client sent it, and the client's metadata."""

    endpoint: str
    body: dict[str, Any]
    metadata: dict[str, str]


class RequestCache:
    """Keeps requests as JSON, `max_bytes` of them; those not asked for longest go first."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, task_id: str, request: TaskRequest) -> None:
        """Keep what a task asks; what is known stays as it is, for no task's request ever changes."""
        if task_id in self._kept:
            return
        content = orjson.dumps([*request])
        size = len(content) + _ENTRY_BYTES
        if size > self._max_bytes:
            return
        self._kept[task_id] = content
        self.size_bytes += size
        while self.size_bytes > self._max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self.size_bytes -= len(oldest) + _ENTRY_BYTES

    def find(self, task_id: str) -> TaskRequest | None:
        """What the task asks, None where it is not kept."""
        content = self._kept.get(task_id)
        if content is None:
            return None
        self._kept.move_to_end(task_id)
        return TaskRequest(*orjson.loads(content))
