"""What became of a request with an `Idempotency-Key`: its ids and times, before and after its records are written.

The record is a hash of `state` (publishing, done or refused), `fingerprint` of the request, `ids` (16 bytes each),
`created_at`, `expires_at`, `outcome` of each prompt, `publishings`, and the publishing lease: `token lease_until`.
Times are milliseconds, the lease's on the clock of Redis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from common.store.keys import Keys
from common.store.link import RedisLink
from common.store.scripts import Reply, ScriptCall, load_script, reply_word, run_scripts
from common.task import to_millis, to_seconds

_ID_BYTES = 16
_SHORTEST_TTL_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class RepeatableRequest:
    """A request that may come again. `key` is the client's text; `fingerprint` tells its content from any other."""

    tenant: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a request's records have of their own, in the prompts' order; times are Unix seconds to the millisecond."""

    task_ids: Sequence[str]
    created_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Publishing:
    """The caller's to write, under a lease that `token` stands for. `times` is 1 when nobody has begun before."""

    stamp: Stamp
    token: str
    times: int


@dataclass(frozen=True, slots=True)
class Done:
    """Written before: the ids, and one byte of outcome for each as it was concluded."""

    task_ids: Sequence[str]
    outcome: bytes


@dataclass(frozen=True, slots=True)
class InUse:
    """Another request with the key is being written; its lease ends in so many seconds."""

    for_seconds: float


@dataclass(frozen=True, slots=True)
class Reused:
    """The key stands for a request with other content."""


@dataclass(frozen=True, slots=True)
class Unbegun:
    """Nobody has written the request, and the caller did not allow to begin."""


BeginReply = Publishing | Done | InUse | Reused | Unbegun


class Conclusion(StrEnum):
    """What is kept of a publishing that ended: DONE is its answer for good, REFUSED may be begun again."""

    DONE = "done"
    REFUSED = "refused"


class Idempotency:
    """Begins and concludes. `lease_seconds` bounds one publishing. Every method raises `StoreUnavailable`."""

    def __init__(self, link: RedisLink, keys: Keys, *, lease_seconds: float, result_ttl_seconds: float) -> None:
        self._link = link
        self._keys = keys
        self._lease = to_millis(lease_seconds)
        self._result_ttl_seconds = result_ttl_seconds
        self._begin = load_script("idempotency_begin", keys=1, binary=2, of_task=False)
        self._conclude = load_script("idempotency_conclude", keys=1, binary=3, of_task=False)

    async def begin(
        self, request: RepeatableRequest, stamp: Stamp, *, token: str, may_begin: bool = True
    ) -> BeginReply:
        """Take the request, with `stamp` if nobody has begun it. With the same `token` the answer is the same."""
        arguments = {
            **self._times(stamp),
            "token": token,
            "lease": self._lease,
            "may_begin": may_begin,
        }
        call = ScriptCall(self._begin, self._key(request), arguments, _content(request, stamp))
        [reply] = await run_scripts(self._link, [call])
        return _begin_reply(reply, token)

    async def conclude(
        self, request: RepeatableRequest, publishing: Publishing, conclusion: Conclusion, outcome: bytes
    ) -> bool:
        """Keep what came of a publishing; False when its lease lapsed and another request took it."""
        arguments = {**self._times(publishing.stamp), "token": publishing.token, "state": conclusion}
        content = {**_content(request, publishing.stamp), "outcome": outcome}
        call = ScriptCall(self._conclude, self._key(request), arguments, content)
        [reply] = await run_scripts(self._link, [call])
        return reply_word(reply) == "concluded"

    def _key(self, request: RepeatableRequest) -> tuple[str]:
        return (self._keys.idempotency(request.tenant, request.key),)

    def _times(self, stamp: Stamp) -> dict[str, str | float]:
        # As long as any of its tasks can be read.
        lives_on = stamp.expires_at - stamp.created_at + self._result_ttl_seconds
        return {
            "created_at": to_millis(stamp.created_at),
            "expires_at": to_millis(stamp.expires_at),
            "ttl": to_millis(max(lives_on, _SHORTEST_TTL_SECONDS)),
        }


def _content(request: RepeatableRequest, stamp: Stamp) -> dict[str, bytes]:
    ids = b"".join(UUID(task_id).bytes for task_id in stamp.task_ids)
    return {"fingerprint": request.fingerprint, "ids": ids}


def _begin_reply(reply: Reply, token: str) -> BeginReply:
    match reply_word(reply):
        case "reused":
            return Reused()
        case "unknown":
            return Unbegun()
        case "busy":
            return InUse(to_seconds(int(reply[1])))
        case "done":
            return Done(_ids(reply[1]), _bytes(reply[2]))
        case "yours":
            created_at, expires_at, times = (int(item) for item in reply[2:])
            return Publishing(Stamp(_ids(reply[1]), to_seconds(created_at), to_seconds(expires_at)), token, times)
        case word:
            raise ValueError(f"idempotency_begin answered {word}")


def _ids(packed: bytes | int) -> list[str]:
    content = _bytes(packed)
    return [str(UUID(bytes=content[at : at + _ID_BYTES])) for at in range(0, len(content), _ID_BYTES)]


def _bytes(item: bytes | int) -> bytes:
    if not isinstance(item, bytes):
        raise TypeError("the script answers text here")
    return item
