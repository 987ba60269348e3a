"""`python -m tests.faults.mutations`: break one promise at a time in a copy, and see the test that names it fail.

Status 1 where a planted bug goes unseen, or no longer fits the source.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_COPIED = ("cli", "common", "consumer", "producer_api", "tests", "pyproject.toml")
_TESTS_FAILED = 1


@dataclass(frozen=True, slots=True)
class Mutation:
    """A planted bug: in ``file``, each text is replaced by another; ``test`` fails then, and passes without."""

    name: str
    file: str
    replaced: tuple[tuple[str, str], ...]
    test: str

    @property
    def test_name(self) -> str:
        """The test's function."""
        return self.test.rpartition("::")[2].partition("[")[0]

    def plant(self, root: Path) -> None:
        """Change the copy at ``root``; raises ValueError as `planted` does."""
        path = root / self.file
        path.write_text(self.planted(path.read_text("utf-8")), "utf-8")

    def planted(self, source: str) -> str:
        """Return the source with the bug in it.

        Raises:
            ValueError: A text is not in it just once: the source has moved on.
        """
        for old, new in self.replaced:
            if source.count(old) != 1:
                raise ValueError(f"{self.name}: {self.file} has {old!r} {source.count(old)} times")
            source = source.replace(old, new)
        return source


_MACHINE = "tests/machine/test_machine.py::test_nothing_is_lost_and_nothing_paid_for_twice_whatever_the_order_of_events"
_RESUMED = (
    "tests/producer_api/openai_compat/test_response_events.py::"
    "test_a_reader_that_is_cut_off_anywhere_misses_nothing_and_is_told_nothing_twice"
)
MUTATIONS = (
    Mutation(
        "the highest finished offset is committed",
        "consumer/engine/offsets.py",
        (("return self._delivered[0] if self._delivered else self._next", "return self._last_finished + 1"),),
        "tests/consumer/engine/test_commits.py::test_only_the_finished_prefix_is_committed",
    ),
    Mutation(
        "a kept partition's position is not put back after a rebalance",
        "consumer/engine/assignment.py",
        (("self._consumer.seek(topic_partition, offsets.next_offset)", "pass"),),
        "tests/consumer/engine/test_rebalance.py::test_partitions_that_are_kept_keep_their_records",
    ),
    Mutation(
        "a partition is kept without a look at who had it meanwhile",
        "consumer/engine/assignment.py",
        (("kept = await self._untouched(kept)", "pass"),),
        "tests/consumer/engine/test_rebalance.py::"
        "test_a_partition_that_another_member_had_meanwhile_is_begun_anew_where_that_one_ended",
    ),
    Mutation(
        "a rebalance takes away the records that were fetched before it",
        "consumer/engine/assignment.py",
        (
            (
                "self._settled = False\n        try:",
                "self._settled = False\n        list(map(self._backlog.drop, self._partitions.values()))\n        try:",
            ),
        ),
        "tests/consumer/engine/test_rebalance.py::test_records_already_fetched_are_started_during_a_rebalance",
    ),
    Mutation(
        "a commit goes on into the next generation of the group",
        "consumer/engine/commits.py",
        (("            self._under_way.reschedule(asyncio.get_running_loop().time())", "            pass"),),
        "tests/consumer/engine/test_commits.py::test_a_commit_under_way_ends_with_the_assignment_that_it_is_of",
    ),
    Mutation(
        "an offset is done before its result is published",
        "consumer/engine/slots.py",
        (
            (
                "if await self._publisher.publish(",
                "self._done(work)\n                if await self._publisher.publish(",
            ),
            ("outcome):\n                    self._done(work)", "outcome):\n                    pass"),
        ),
        "tests/consumer/engine/test_outcomes.py::"
        "test_no_offset_is_committed_while_a_record_of_its_outcome_is_not_written",
    ),
    Mutation(
        "a retry waits in its slot",
        "consumer/engine/slots.py",
        (
            (
                "await self._again(work, delay_seconds)\n",
                "await asyncio.sleep(delay_seconds)\n                await self._again(work, 0.0)\n",
            ),
        ),
        "tests/consumer/engine/test_concurrency.py::test_a_waiting_retry_holds_no_slot_and_comes_back_when_it_is_due",
    ),
    Mutation(
        "no fencing: whoever asks holds the task",
        "common/store/lua/prelude.lua",
        (("return task.token == arg.token and 'held' or 'lost', task", "return 'held', task"),),
        "tests/e2e/test_ownership.py::test_a_worker_halted_past_its_session_and_lease_throws_its_calls_away",
    ),
    Mutation(
        "tokens are a counter",
        "consumer/assembly.py",
        (("new_token=partial(secrets.token_urlsafe, _TOKEN_BYTES)", "new_token=map(str, range(10**9)).__next__"),),
        "tests/faults/test_workers.py::test_nothing_is_lost_and_nothing_paid_for_twice[halt_a_worker_for_a_moment]",
    ),
    Mutation(
        "what Redis lost is made anew without a TTL",
        "common/store/lua/prelude.lua",
        (("  keep_unfinished(arg.expires_at)\nend", "end"),),
        "tests/common/store/test_moves.py::test_every_key_expires_a_day_after_the_end_and_none_is_without_ttl",
    ),
    Mutation(
        "nothing is written back to a store that was lost",
        "consumer/llm/store_watch.py",
        (("if self._owed or self._kept.unsure:", "if False:"), ("self._owed = True", "self._owed = False")),
        "tests/consumer/llm/test_store_watch.py::"
        "test_a_worker_writes_back_its_claims_and_its_outcomes_before_it_claims_more",
    ),
    Mutation(
        "a result is published although the store that has it was lost",
        "consumer/llm/recorder.py",
        (("self._kept.epoch == epoch", "True"),),
        "tests/consumer/llm/test_store_watch.py::"
        "test_what_was_recorded_in_a_store_that_was_lost_since_is_not_published_before_it_is_written_back",
    ),
    Mutation(
        "a missing task is taken for a new one right after the store was lost",
        "consumer/llm/store_watch.py",
        (("self._cautious_until = self._clock() + self._lease_seconds", "self._cautious_until = self._clock()"),),
        "tests/consumer/llm/test_store_watch.py::test_no_lapsed_lease_is_taken_over_for_one_lease_after_a_loss",
    ),
    Mutation(
        "a call whose task was cancelled goes on",
        "consumer/llm/lease_keeper.py",
        (("elif lease.lose(hold):", "elif hold is None:"),),
        "tests/consumer/llm/test_cancellations.py::"
        "test_a_call_is_closed_as_soon_as_its_task_is_cancelled_and_its_result_published",
    ),
    Mutation(
        "a cancelled task that waits for its next attempt is looked at when that is due",
        "consumer/engine/engine.py",
        (("self._retry_clock.hurry(keys)", "pass"),),
        "tests/e2e/test_ended_by_the_tenant.py::"
        "test_what_waits_for_its_next_attempt_ends_at_once_and_not_when_that_is_due",
    ),
    Mutation(
        "a wake-up that overtakes the answer to a claim is lost",
        "consumer/llm/lease_keeper.py",
        (("            self._ask_soon([claim.task.task_id])", "            pass"),),
        "tests/consumer/llm/test_cancellations.py::test_a_wake_up_that_overtakes_the_answer_to_the_claim_is_not_lost",
    ),
    Mutation(
        "a record of the next release is passed over",
        "consumer/llm/executor.py",
        (('return Held("unknown_version", _HELD_SECONDS)', "return Settled()"),),
        "tests/faults/test_records.py::test_every_task_is_called_once_whatever_else_stands_in_the_topic"
        "[write_a_record_of_the_next_release]",
    ),
    Mutation(
        "a request repeated after its API was killed gets other ids",
        "common/store/lua/idempotency_begin.lua",
        (("  if not state then\n    redis.call('DEL'", "  if true then\n    redis.call('DEL'"),),
        "tests/faults/test_api.py::test_what_was_answered_is_run_once[before the answer]",
    ),
    Mutation(
        "a deleted task leaves no mark",
        "common/store/lua/delete.lua",
        (
            (
                "redis.call('HSET', task_key, 'status', 'deleted', 'run', task.run, 'tenant', task.tenant, ",
                "local _ = {",
            ),
            ("'expires_at', task.expires_at,\n  'token', arg.token)", "}"),
        ),
        "tests/common/store/test_moves.py::test_a_deleted_task_is_gone_and_its_record_skipped",
    ),
    Mutation(
        "a redrive asks for no run in particular",
        "common/store/lua/redrive.lua",
        (("if task.run ~= ended or not FINAL[task.status] then", "if false then"),),
        "tests/common/store/test_moves.py::test_a_redrive_starts_the_next_run_once",
    ),
    Mutation(
        "the brake counts prompts that the model rejects",
        "consumer/llm/braking.py",
        (
            ("import CallOutcome, Cause, Faulted", "import CallOutcome, Cause, Faulted, Rejected"),
            ("case Faulted(cause=Cause.MISCONFIGURED):", "case Faulted(cause=Cause.MISCONFIGURED) | Rejected():"),
        ),
        "tests/consumer/llm/test_braking.py::test_no_other_answer_of_the_model_does",
    ),
    Mutation(
        "records are dead-lettered under the brake",
        "consumer/llm/executor.py",
        (
            (
                "tenant=tenant_of(unreadable, delivery))\n        if self._braking.is_on:",
                "tenant=tenant_of(unreadable, delivery))\n        if False:",
            ),
        ),
        "tests/consumer/llm/test_braking.py::"
        "test_undecodable_records_of_several_tenants_are_held_once_they_are_nearly_all",
    ),
    Mutation(
        "no null is published for a deleted task",
        "consumer/llm/executor.py",
        (("return self._recorder.forget(task)", "return Settled()"),),
        "tests/consumer/llm/test_cancellations.py::"
        "test_a_task_deleted_before_its_record_is_reached_is_not_called_and_a_null_published",
    ),
    Mutation(
        "a result published after its null stays",
        "common/store/forgetting.py",
        (("again = {due.task_id + _AGAIN: again_at for due in done if not due.last}", "again = dict[str, float]()"),),
        "tests/consumer/llm/test_forgetter.py::"
        "test_the_result_is_nulled_at_once_and_again_when_nobody_can_publish_it_any_more",
    ),
    # The same, and more, seen by the state machine from outside.
    Mutation(
        "after a restart of the store queued tasks are claimed at once",
        "consumer/llm/store_watch.py",
        (("return not self._owed and self._clock() >= self._others_turn_until", "return not self._owed"),),
        "tests/consumer/llm/test_store_watch.py"
        "::test_a_task_that_a_store_gone_back_in_time_shows_as_queued_is_left_to_its_holder",
    ),
    Mutation(
        "a Redis that refuses writes is an error of our own",
        "common/store/link.py",
        (("if reply.code not in _OF_THE_COMMAND or", "if reply.code in {'OOM', 'READONLY'} or"),),
        "tests/consumer/llm/test_redis_away.py::test_a_redis_that_refuses_writes_loses_no_answer_and_fails_no_task",
    ),
    Mutation(
        "a record that no client can decode ends a rebuild",
        "common/partition_log.py",
        (("return isinstance(error, KafkaError) and not isinstance(error, CorruptRecordException)", "return True"),),
        "tests/consumer/store_loss/test_rebuild.py::test_records_that_nobody_can_read_end_no_rebuild",
    ),
    Mutation(
        "an end is told to nobody who waits",
        "common/store/lua/finish.lua",
        (("tell(moved_at, task.run, arg.status, progress, task.attempts)\n", ""),),
        "tests/producer_api/test_waiting.py::test_the_answer_comes_when_the_last_task_has_ended",
    ),
    Mutation(
        "who begins to wait does not look again once it hears",
        "producer_api/tasks/waiting.py",
        (("nobody tells.\n            states = await self._lookup.find(asked, tenant=tenant)", "nobody tells."),),
        "tests/producer_api/tasks/test_waiting.py::test_an_end_between_the_first_look_and_the_subscription_is_not_missed",
    ),
    Mutation(
        "what may have been missed while Redis was away is not read anew",
        "producer_api/following.py",
        (("            follower.doubt()", "            pass"),),
        "tests/producer_api/tasks/test_waiting.py::test_an_end_while_nothing_is_heard_is_seen_as_soon_as_something_is",
    ),
    Mutation(
        "what a reader does not take is kept without bound",
        "producer_api/tasks/listener.py",
        (("            self.overrun = True\n            self._moves.clear()", "            pass"),),
        "tests/producer_api/tasks/test_event_stream.py::test_a_reader_that_is_far_behind_is_told_so",
    ),
    Mutation(
        "a reader that takes nothing keeps its connection",
        "producer_api/tasks/event_response.py",
        (("            abort()\n", "            pass\n"),),
        "tests/producer_api/test_slow_readers.py::"
        "test_readers_that_take_nothing_are_dropped_and_what_is_kept_for_them_is_bounded",
    ),
    Mutation(
        "a stopping API leaves its streams open",
        "producer_api/following.py",
        (("            follower.stop()\n\n    @", "            pass\n\n    @"),),
        "tests/producer_api/test_process.py::test_sigterm_ends_streams_within_a_second_with_a_hint_to_come_back",
    ),
    Mutation(
        "a stream that goes on begins the text anew",
        "producer_api/tasks/cursor.py",
        (
            (
                "_told(numbers) for _ in range(self._count)",
                "_told(numbers)._replace(text_bytes=0) for _ in range(self._count)",
            ),
        ),
        "tests/e2e/test_following.py::test_a_text_is_whole_for_a_client_that_is_cut_off_again_and_again",
    ),
    Mutation(
        "the text of a lost attempt is not thrown away",
        "producer_api/tasks/telling.py",
        (("return status is not Status.QUEUED and (run, attempts) == (told.run, told.attempts)", "return True"),),
        "tests/e2e/test_following.py::test_a_worker_that_is_killed_has_its_text_replaced",
    ),
    Mutation(
        "a part of a text that is told twice is read twice",
        "common/store/texts.py",
        (("part.content[end - part.start :]", "part.content"),),
        "tests/consumer/llm/test_text_flow.py::test_a_part_that_is_told_twice_is_read_once",
    ),
    Mutation(
        "many are cancelled and no worker is told",
        "common/store/lua/cancel.lua",
        (("wake(task)\n", ""),),
        "tests/producer_api/test_endings.py::test_many_tasks_are_cancelled_at_once_and_each_is_told_as_it_stands",
    ),
    Mutation(
        "a Response's reader is told again what it was told",
        "producer_api/openai_compat/response_events.py",
        (("if number <= self._told:", "if number < 0:"),),
        _RESUMED,
    ),
    Mutation(
        "the item of a lost attempt is not closed for who comes again",
        "producer_api/openai_compat/response_events.py",
        (("self._is_open = Step.ITEM_ADDED <= place.step < Step.LOST", "self._is_open = False"),),
        _RESUMED,
    ),
    Mutation(
        "a Response's reader that comes again misses nothing only by chance",
        "producer_api/openai_compat/sequence.py",
        (("return self.step - Step.TEXT.value if", "return self.step - Step.TEXT.value + 1 if"),),
        _RESUMED,
    ),
    Mutation(
        "a Response that somebody waits for is cancelled by others",
        "producer_api/openai_compat/responses.py",
        (('if view["background"] is not True:', "if view is None:"),),
        "tests/e2e/openai_compat/test_responses.py::test_one_that_is_waited_for_cannot_be_cancelled_by_others",
    ),
    Mutation(
        "another task's record is taken for what a task asks",
        "producer_api/request_log.py",
        ((" if task.task_id == state.task_id else None", ""),),
        "tests/producer_api/test_request_log.py::test_another_record_in_the_place_is_not_taken_for_it",
    ),
    Mutation(
        "a Response that failed is taken for an answer",
        "consumer/llm/classification.py",
        (('not in (None, "completed", "incomplete")', "== 0"),),
        "tests/consumer/llm/test_response_stream.py::test_what_a_response_says_of_itself_counts",
    ),
    Mutation(
        "a page of a list looks at every task",
        "producer_api/tasks/listing.py",
        (("MOST_LOOKED_AT = 1_000", "MOST_LOOKED_AT = 50_000"),),
        "tests/producer_api/tasks/test_listing.py::test_what_a_page_costs_does_not_grow_with_the_tasks",
    ),
    Mutation(
        "a list goes on in its middle when tasks come",
        "common/store/index.py",
        (('f"({before}"', 'f"[{before}"'),),
        "tests/producer_api/tasks/test_listing.py::test_pages_show_every_task_once_newest_first",
    ),
    Mutation(
        "a tenant's list grows without bound",
        "common/store/index.py",
        (("key, 0, -(self._most + 1)", "key, 0, -10_000_000"),),
        "tests/common/store/test_index.py::test_of_more_than_may_be_listed_the_oldest_go",
    ),
    Mutation(
        "a rebuild leaves the lists empty",
        "common/store/restoring.py",
        (("behind=self._index.adding_all(outcomes)", "behind=()"),),
        "tests/common/store/test_index.py::test_a_rebuild_lists_what_it_finds",
    ),
    Mutation(
        "what Redis did not hear is counted twice",
        "common/store/lua/count.lua",
        ((">= arg.number then", "> arg.number then"),),
        "tests/common/store/test_minutes.py::test_a_telling_that_comes_twice_is_added_once",
    ),
    Mutation(
        "a worker that was killed is shown as working",
        "common/store/workers.py",
        (("3 * BEAT_SECONDS", "300 * BEAT_SECONDS"),),
        "tests/common/store/test_workers.py::test_a_silent_worker_is_shown_as_one_then_forgotten",
    ),
    Mutation(
        "an attempt whose worker was killed is not told",
        "common/store/lua/claim.lua",
        (("  remember(task, task.lease_until, 'worker_lost')\n", ""),),
        "tests/common/store/test_attempts.py::test_an_attempt_that_ended_with_its_worker_is_remembered_as_such",
    ),
    Mutation(
        "a rebuild forgets where the records of finished tasks stand",
        "common/store/lua/restore.lua",
        (("'model') or '', place())", "'model') or '')"),),
        "tests/consumer/llm/test_restored_outcomes.py::test_a_finished_task_is_restored_as_it_was_shown",
    ),
    Mutation(
        "what ends without a worker is in no minute",
        "producer_api/intake.py",
        (('totals[f"tasks:{status}"] = round(count.value)', "continue"),),
        "tests/producer_api/test_intake.py::test_prompts_taken_in_and_tasks_ended_are_told_once",
    ),
    Mutation(
        "a retry that was cut short leaves its task without a record",
        "common/store/lua/redrive.lua",
        (("if partition and offset then", "if false then"),),
        "tests/producer_api/operator/test_tasks.py::test_a_retry_that_was_cut_short_is_repaired_by_another",
    ),
    Mutation(
        "machine: the highest finished offset is committed",
        "consumer/engine/offsets.py",
        (("return self._delivered[0] if self._delivered else self._next", "return self._last_finished + 1"),),
        _MACHINE,
    ),
    Mutation(
        "machine: a kept partition's position is not put back",
        "consumer/engine/assignment.py",
        (("self._consumer.seek(topic_partition, offsets.next_offset)", "pass"),),
        _MACHINE,
    ),
    Mutation(
        "machine: an offset is done before its result is published",
        "consumer/engine/slots.py",
        (
            (
                "if await self._publisher.publish(",
                "self._done(work)\n                if await self._publisher.publish(",
            ),
            ("outcome):\n                    self._done(work)", "outcome):\n                    pass"),
        ),
        _MACHINE,
    ),
    Mutation(
        "machine: a record that is to be tried again is forgotten",
        "consumer/engine/slots.py",
        (("await self._again(work, delay_seconds)", "self._backlog.finish(work)"),),
        _MACHINE,
    ),
    Mutation(
        "machine: a drain cuts calls off",
        "consumer/engine/slots.py",
        (
            (
                "await asyncio.wait(self._running, timeout=timeout_seconds)",
                "await asyncio.wait(self._running, timeout=0)",
            ),
        ),
        _MACHINE,
    ),
    Mutation(
        "machine: no fencing",
        "common/store/lua/prelude.lua",
        (("return task.token == arg.token and 'held' or 'lost', task", "return 'held', task"),),
        _MACHINE,
    ),
    Mutation(
        "machine: a lease that runs is taken over",
        "common/store/lua/claim.lua",
        (("if task.lease_until > now then", "if task.lease_until > now + 5000 then"),),
        _MACHINE,
    ),
    Mutation(
        "machine: no null is published for a deleted task",
        "consumer/llm/executor.py",
        (("return self._recorder.forget(task)", "return Settled()"),),
        _MACHINE,
    ),
    Mutation(
        "a client that leaves leaves its task behind",
        "producer_api/openai_compat/attending.py",
        (("        await give_up(created, endings)\n        raise", "        raise"),),
        "tests/e2e/openai_compat/test_waiting_requests.py::test_a_client_that_leaves_takes_its_task_with_it",
    ),
    Mutation(
        "a task with a key is cancelled when its client leaves",
        "producer_api/openai_compat/attending.py",
        (("    if not created.is_own:\n        return\n", ""),),
        "tests/e2e/openai_compat/test_waiting_requests.py::test_a_client_with_a_key_that_leaves_finds_its_answer_later",
    ),
    Mutation(
        "an API that stops lets nobody wait for an answer",
        "producer_api/openai_compat/task_story.py",
        (("stops_at = now + self._reading.lingers_seconds", "stops_at = now"),),
        "tests/e2e/openai_compat/test_waiting_requests.py"
        "::test_what_waits_goes_on_when_the_process_is_to_end_and_new_requests_go_elsewhere",
    ),
    Mutation(
        "OpenAI's client may repeat what the queue has tried",
        "producer_api/openai_compat/outcomes.py",
        (('MappingProxyType({"x-should-retry": "false"})', "MappingProxyType({})"),),
        "tests/e2e/openai_compat/test_sdk_chat.py::test_every_failure_has_its_class_and_is_paid_for_by_the_queue_alone",
    ),
    Mutation(
        "a chat goes on after a lost attempt as if nothing had been sent",
        "producer_api/openai_compat/chat_stream.py",
        (("                return ATTEMPT_LOST", '                return b""'),),
        "tests/e2e/openai_compat/test_waiting_requests.py"
        "::test_a_stream_whose_attempt_is_lost_ends_with_an_error_and_its_task",
    ),
    Mutation(
        "a task is made for a request that finds no room to wait",
        "producer_api/openai_compat/creation.py",
        (("    parts.following.ensure_room(1)\n", ""),),
        "tests/e2e/openai_compat/test_waiting_requests.py::test_no_task_is_made_for_whom_there_is_no_room_to_wait",
    ),
    Mutation(
        "a story tells what was heard while it read once more",
        "producer_api/openai_compat/happenings.py",
        (("    if move.moved_at <= known.moved_at or move.status is None", "    if move.status is None"),),
        "tests/producer_api/openai_compat/test_happenings.py"
        "::test_a_move_that_was_read_before_it_was_heard_is_not_told_again",
    ),
    Mutation(
        "a view goes on being read when nobody looks any more",
        "producer_api/operator/watch.py",
        (("            if not self._looks:\n                await self._read_no_more()", "            pass"),),
        "tests/producer_api/operator/test_watch.py::test_nothing_is_read_while_nobody_looks",
    ),
    Mutation(
        "who looks later waits for the next view",
        "producer_api/operator/watch.py",
        (("seen=self.number if self.latest is None else self.number - 1", "seen=self.number"),),
        "tests/producer_api/operator/test_watch.py::test_who_comes_later_has_the_latest_view_at_once",
    ),
    Mutation(
        "the page's policy lets text be made HTML",
        "producer_api/dashboard/routes.py",
        (("require-trusted-types-for 'script'; ", ""),),
        "tests/browser/test_every_view.py::test_a_script_that_is_not_ours_does_not_run",
    ),
)


def is_caught(mutation: Mutation) -> bool:
    """Tell whether its test fails in a copy with the bug planted."""
    with tempfile.TemporaryDirectory(prefix="promptmill-mutation-") as folder:
        root = Path(folder)
        for name in _COPIED:
            if (_ROOT / name).is_dir():
                shutil.copytree(_ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(_ROOT / name, root / name)
        mutation.plant(root)
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", mutation.test],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root), "PROMPTMILL_HYPOTHESIS_PROFILE": "unshrunk"},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if ran.returncode not in {0, _TESTS_FAILED}:
            raise RuntimeError(f"{mutation.test}:\n{ran.stdout.decode(errors='replace')[-2000:]}")
        return ran.returncode == _TESTS_FAILED


def main() -> None:
    """Plant each bug in turn, or those named; status 1 if one was not caught."""
    parser = argparse.ArgumentParser(prog="mutations")
    parser.add_argument("words", nargs="*", help="only mutations whose name has one of these words")
    words = parser.parse_args().words
    unseen = 0
    for mutation in MUTATIONS:
        if words and not any(word in mutation.name for word in words):
            continue
        caught = is_caught(mutation)
        unseen += not caught
        print(f"{'caught' if caught else 'NOT CAUGHT'}: {mutation.name} ({mutation.test})", flush=True)  # noqa: T201  its output
    sys.exit(1 if unseen else 0)


if __name__ == "__main__":
    main()
