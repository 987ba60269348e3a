import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from common.settings import RedisSettings
from common.store.claims import Busy, Claim, Claimed, ClaimReply, Ended, Exhausted, Finish, Hold
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.reading import TaskReader
from common.store.submissions import Submissions, Written
from common.task import Status, Task, new_task_id
from tests.support.redis_client import create_redis
from tests.support.task_moves import Move, after

DAY = 24 * 3600
T = TypeVar("T")
TOKENS = st.sampled_from(["a", "b", "c", "d"])
CLOCK_SAYS_HELD = st.booleans()


class LifeInStore(RuleBasedStateMachine):
    """Four claims race for one task in a real store, which may also lose it: one outcome, one holder, always a TTL."""

    def __init__(self, redis_settings: RedisSettings) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.redis = create_redis(redis_settings, "tests")
        self.keys = Keys(redis_settings.key_prefix)
        self.reader = TaskReader(self.redis.link, self.keys, result_ttl_seconds=DAY)
        self.submissions = Submissions(self.redis.link, self.keys, result_ttl_seconds=DAY)
        self.leases = Leases(
            self.redis.link, self.keys, worker="w", lease_seconds=3600, result_ttl_seconds=DAY, max_crashes=50
        )
        now = time.time()
        self.task = Task(task_id=new_task_id(), tenant="local", body={}, created_at=now, expires_at=now + DAY)
        self.claims: dict[str, Claim] = {}
        self.holder: str | None = None
        self.lapsed = False
        self.outcome: tuple[Status, bytes, str] | None = None
        self.status: Status | None = None

    def teardown(self) -> None:
        self._run(self.redis.aclose())
        self.runner.close()

    def _run(self, awaitable: Awaitable[T]) -> T:
        async def waiting() -> T:
            return await awaitable

        return self.runner.run(waiting())

    @rule()
    def accept(self) -> None:
        self._run(self.submissions.accept([Written(self.task, 0, 0)]))

    @rule(token=TOKENS)
    def claim(self, token: str) -> None:
        reply: ClaimReply = self._run(self.leases.claim(self.task, token=token, partition=0, offset=0))
        if self.outcome is not None:
            assert isinstance(reply, Ended)
        elif self.holder not in {None, token} and not self.lapsed:
            assert isinstance(reply, Busy), "a live lease was taken"
        else:
            assert isinstance(reply, Claimed | Exhausted)
            self.claims[token] = reply.claim
            self.holder, self.lapsed = token, False

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), held=CLOCK_SAYS_HELD)
    def renew(self, data: st.DataObject, held: bool) -> None:  # noqa: FBT001 - a drawn value
        token = data.draw(st.sampled_from(sorted(self.claims)))
        [reply] = self._run(self.leases.renew([(self.claims[token], held)]))
        self._check_hold(token, reply, may_restore=held)
        if reply is Hold.HELD:
            self.lapsed = False

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), held=CLOCK_SAYS_HELD)
    def progress(self, data: st.DataObject, held: bool) -> None:  # noqa: FBT001 - a drawn value
        token = data.draw(st.sampled_from(sorted(self.claims)))
        reply = self._run(self.leases.progress(self.claims[token], 50, may_restore=held))
        self._check_hold(token, reply, may_restore=held)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), held=CLOCK_SAYS_HELD, repeats=st.integers(1, 2))
    def release(self, data: st.DataObject, held: bool, repeats: int) -> None:  # noqa: FBT001 - a drawn value
        token = data.draw(st.sampled_from(sorted(self.claims)))
        reply = None
        for _ in range(repeats):
            reply = self._run(
                self.leases.release(self.claims[token], delay_seconds=0, failures=0, called=True, may_restore=held)
            )
        if reply is Hold.RELEASED and self.holder in {token, None}:
            self.holder = None
            # Its keeper renews it no more; a token serves one claim.
            del self.claims[token]
        else:
            assert reply is not Hold.HELD

    @precondition(lambda self: self.claims)
    @rule(
        data=st.data(),
        held=CLOCK_SAYS_HELD,
        status=st.sampled_from([Status.COMPLETED, Status.FAILED, Status.EXPIRED]),
        repeats=st.integers(1, 2),
    )
    def finish(self, data: st.DataObject, held: bool, status: Status, repeats: int) -> None:  # noqa: FBT001 - drawn
        token = data.draw(st.sampled_from(sorted(self.claims)))
        result = f'{{"by":"{token}"}}'.encode()
        for _ in range(repeats):
            reply = self._run(
                self.leases.finish(
                    self.claims[token], status, result, finished_at=time.time(), failures=0, may_restore=held
                )
            )
            if reply is Finish.RECORDED and self.outcome is not None:
                assert (status, token) == (self.outcome[0], self.outcome[2]), "two outcomes of one run"
            elif reply is Finish.RECORDED:
                assert self.holder in {token, None}, "somebody else's task was finished"
                assert self.holder == token or held, "a lapsed claim was restored"
                self.outcome, self.holder = (status, result, token), None
            else:
                assert self.outcome is not None or self.holder != token, "the holder was refused"

    @precondition(lambda self: self.holder is not None and self.outcome is None)
    @rule()
    def lease_lapses(self) -> None:
        self._run(self.redis.hset(self.keys.task(self.task.task_id), "lease_until", 1))
        self.lapsed = True

    @precondition(lambda self: self.outcome is None)
    @rule()
    def store_loses_the_task(self) -> None:
        self._run(self.redis.delete(*self.keys.of(self.task.task_id)))
        self.holder, self.lapsed, self.status = None, False, None

    def _check_hold(self, token: str, reply: Hold, *, may_restore: bool) -> None:
        if self.outcome is not None:
            assert reply is Hold.FINAL
        elif self.holder == token:
            assert reply is Hold.HELD
        elif self.holder is None and may_restore:
            assert reply is Hold.HELD
            self.holder, self.lapsed = token, False
        else:
            assert reply is Hold.LOST

    @invariant()
    def the_store_shows_what_happened(self) -> None:
        [state] = self._run(self.reader.read([self.task.task_id]))
        if self.outcome is not None:
            assert state is not None
            assert (state.status, state.result) == self.outcome[:2]
        elif self.holder is not None:
            assert state is not None
            assert state.status is Status.PROCESSING
        elif state is not None:
            assert state.status is Status.QUEUED
            assert state.progress == 0
        reached = None if state is None else state.status
        if self.status is not None and reached is not None and reached is not self.status:
            # One rule may make two moves: a queued task restored by its holder and finished at once.
            between = [after(self.status, move) for move in Move]
            assert reached in between or any(
                middle is not None and after(middle, move) is reached for middle in between for move in Move
            )
        self.status = reached

    @invariant()
    def every_key_has_a_ttl(self) -> None:
        for key in self.keys.of(self.task.task_id):
            # -2: no such key; -1 would be a key for ever.
            assert self._run(self.redis.pttl(key)) != -1


def test_one_outcome_and_one_holder_whatever_the_order_of_moves(redis_settings: RedisSettings) -> None:
    def machine() -> LifeInStore:
        return LifeInStore(redis_settings)

    run_state_machine_as_test(machine, settings=settings(stateful_step_count=25))  # type: ignore[arg-type] # any factory
