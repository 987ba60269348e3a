"""A worker's moves: claim a task under a lease, keep it, say how far it is, end it or give it back."""

from collections.abc import Sequence
from functools import partial

from common.store.claims import Claim, ClaimReply, Finish, Hold, MoreText, claim_reply
from common.store.compression import Packer
from common.store.keys import Keys
from common.store.link import RedisLink
from common.store.scripts import ScriptCall, identity, load_script, reply_word, run_scripts
from common.store.texts import MOST_PARTS, TEXT_TTL_MS
from common.task import Status, Task, shown_model, to_millis


class Leases:
    """The moves of one worker. Every one may be repeated: with the same token the answer is the same.

    `may_restore` says that by the caller's own monotonic clock its lease still runs: then a claim that Redis lost is
    written again. `default_model` is shown for tasks that name none. All methods raise `StoreUnavailable` when Redis is
    out of reach; the move may have happened.
    """

    def __init__(
        self,
        link: RedisLink,
        keys: Keys,
        *,
        worker: str,
        lease_seconds: float,
        result_ttl_seconds: float,
        max_crashes: int,
        default_model: str | None = None,
    ) -> None:
        self._link = link
        self._keys = keys
        self._worker = worker
        self._default_model = default_model
        self._max_crashes = max_crashes
        self._packer = Packer()
        self._terms: dict[str, str | float] = {
            "lease": to_millis(lease_seconds),
            "result_ttl": to_millis(result_ttl_seconds),
            **({} if default_model is None else {"model": default_model}),
        }
        self._claim = load_script("claim")
        self._renew = load_script("renew")
        self._progress = load_script("progress")
        self._finish = load_script("finish", binary=1)
        self._stream = load_script("stream", keys=3, binary=1)
        self._release = load_script("release")

    async def claim(
        self,
        task: Task,
        *,
        token: str,
        partition: int,
        offset: int,
        attempts: int | None = None,
        failures: int | None = None,
        not_before: float | None = None,
        may_create: bool = True,
        may_take_over: bool = True,
        will_call: bool = True,
        connection: int | None = None,
    ) -> ClaimReply:
        """Take `task` from the record at `partition` and `offset`.

        `attempts`, `failures` and `not_before` (Unix seconds) are what the record itself says of attempts made, of
        those that failed and of the next one: a task that the store does not have is made anew with them, and with them
        it may have to wait.
        Without `may_create` a task that the store does not have is answered with `Missing`, without `may_take_over` a
        lapsed lease with `Lapsed`: after the store has lost something, holders must have their turn first. With
        `connection` nothing is asked of a Redis that answers over another connection than the one of that number.
        """
        arguments = {
            **self._terms,
            **identity(task),
            "token": token,
            "partition": partition,
            "offset": offset,
            "worker": self._worker,
            "max_crashes": self._max_crashes,
            "may_create": may_create,
            "may_take_over": may_take_over,
            "will_call": will_call,
        }
        if attempts is not None:
            arguments["known_attempts"] = attempts
        if failures is not None:
            arguments["known_failures"] = failures
        if not_before is not None:
            arguments["not_before"] = to_millis(not_before)
        call = ScriptCall(self._claim, self._keys.of(task.task_id), arguments)
        [reply] = await run_scripts(self._link, [call], connection=connection)
        model = task.model or self._default_model
        return claim_reply(
            reply, partial(Claim, task=task, token=token, partition=partition, offset=offset, model=model)
        )

    async def renew(self, claims: Sequence[tuple[Claim, bool]]) -> list[Hold]:
        """Prolong many claims, each with its `may_restore`, in one round trip."""
        calls = [
            ScriptCall(self._renew, self._keys.of(claim.task.task_id), self._held(claim, may_restore=may_restore))
            for claim, may_restore in claims
        ]
        return [Hold(reply_word(reply)) for reply in await run_scripts(self._link, calls)]

    async def progress(self, claim: Claim, percent: int, *, tokens: int | None = None, may_restore: bool) -> Hold:
        """Show how far the call is; `tokens` as received so far."""
        arguments = {**self._held(claim, may_restore=may_restore), "progress": percent}
        if tokens is not None:
            arguments["tokens"] = tokens
        call = ScriptCall(self._progress, self._keys.of(claim.task.task_id), arguments)
        [reply] = await run_scripts(self._link, [call])
        return Hold(reply_word(reply))

    async def stream(self, texts: Sequence[tuple[MoreText, bool]]) -> list[Hold]:
        """Tell more of many texts, each with its claim's `may_restore`, in one round trip.

        What is told again, with more behind it or not, is read once.
        """
        calls = [
            ScriptCall(
                self._stream,
                self._keys.with_text(more.claim.task.task_id),
                {
                    **self._held(more.claim, may_restore=may_restore),
                    "start": more.start,
                    "tokens": more.tokens,
                    "progress": more.progress,
                    "most_parts": MOST_PARTS,
                    "text_ttl": TEXT_TTL_MS,
                },
                {"text": more.content},
            )
            for more, may_restore in texts
        ]
        return [Hold(reply_word(reply)) for reply in await run_scripts(self._link, calls)]

    async def finish(
        self,
        claim: Claim,
        status: Status,
        result: bytes,
        *,
        finished_at: float,
        failures: int,
        may_restore: bool,
        model: str | None = None,
    ) -> Finish:
        """End the run with `status` and its result record's value; `model` is what the answer says has written it."""
        arguments = {
            **self._held(claim, may_restore=may_restore),
            "status": status,
            "finished_at": to_millis(finished_at),
            "failures": failures,
            **({} if (answered_by := shown_model(model)) is None else {"answered_by": answered_by}),
        }
        call = ScriptCall(
            self._finish, self._keys.of(claim.task.task_id), arguments, {"result": self._packer.pack(result)}
        )
        [reply] = await run_scripts(self._link, [call])
        return Finish(reply_word(reply))

    async def release(
        self,
        claim: Claim,
        *,
        delay_seconds: float,
        failures: int,
        called: bool,
        may_restore: bool,
        cause: str = "released",
    ) -> Hold:
        """Give the task back, to be claimed again after the delay.

        `called` says whether a call was begun, `cause` in one word of ours why it came to nothing.
        """
        arguments = {
            **self._held(claim, may_restore=may_restore),
            "delay": to_millis(delay_seconds),
            "failures": failures,
            "uncalled": not called,
            "cause": cause,
        }
        call = ScriptCall(self._release, self._keys.of(claim.task.task_id), arguments)
        [reply] = await run_scripts(self._link, [call])
        return Hold(reply_word(reply))

    def _held(self, claim: Claim, *, may_restore: bool) -> dict[str, str | float]:
        return {
            **self._terms,
            **identity(claim.task),
            "token": claim.token,
            "partition": claim.partition,
            "offset": claim.offset,
            "attempts": claim.attempts,
            "failures": claim.failures,
            "crashes": claim.crashes,
            "started_at": to_millis(claim.started_at),
            "worker": self._worker,
            "may_restore": may_restore,
        }
