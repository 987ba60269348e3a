"""What a model is asked for a task, and what of its answer is kept. Pure.

Most tasks go to the model as they came, and so do the answers. A task of `/v1/responses` goes so to models that have
that endpoint; all others are asked for a chat completion, and their answer is kept as a Response.
"""

from dataclasses import dataclass, replace
from typing import Any

import orjson

from common.openai.chat_request import chat_request
from common.openai.echo import echoed
from common.openai.ids import item_id
from common.openai.native import NativeModels
from common.openai.refusal import Untranslatable
from common.openai.response import adopted, completed_response
from common.result import ApiError
from common.store.claims import Claim
from common.task import CHAT_COMPLETIONS, RESPONSES
from consumer.llm.classification import malformed, too_large
from consumer.llm.outcomes import Answered, CallOutcome, Rejected

# Kept and told here: to the model server it is a plain request.
_NOT_SENT = frozenset({"background", "background_options"})


@dataclass(frozen=True, slots=True)
class Question:
    """A request for the model; `claim` is of the task that it is for."""

    claim: Claim
    endpoint: str
    body: dict[str, Any]

    def outcome(self, outcome: CallOutcome, *, now: float, most_bytes: int) -> CallOutcome:
        """The outcome as it is kept, in at most so many bytes; `now` is in Unix seconds."""
        task = self.claim.task
        if task.endpoint != RESPONSES or not isinstance(outcome, Answered):
            return outcome
        answer = orjson.loads(outcome.body)
        echo = echoed(task.body)
        if self.endpoint == RESPONSES:
            message_id = item_id("msg", task.task_id, run=task.run, attempt=self.claim.attempts)
            kept = adopted(answer, task.task_id, echo, created_at=task.created_at, message_id=message_id)
        else:
            try:
                kept = completed_response(
                    task.task_id,
                    echo,
                    answer,
                    run=task.run,
                    attempt=self.claim.attempts,
                    created_at=task.created_at,
                    completed_at=now,
                )
            except ValueError:
                return malformed(outcome.status_code, "no message in it")
        body = orjson.dumps(kept)
        return too_large(most_bytes) if len(body) > most_bytes else replace(outcome, body=body, usage=kept["usage"])


@dataclass(frozen=True, slots=True)
class Questions:
    """Makes them; `default_model` is asked where a task names none."""

    native: NativeModels
    default_model: str

    def of(self, claim: Claim) -> Question | Rejected:
        """What to ask the model for the task, or why it can never be asked."""
        task = claim.task
        if task.endpoint != RESPONSES:
            return Question(claim, task.endpoint, task.body)
        if self.native.has(task.body.get("model") or self.default_model):
            sent = {name: value for name, value in task.body.items() if name not in _NOT_SENT}
            return Question(claim, RESPONSES, {**sent, "store": False})
        try:
            return Question(claim, CHAT_COMPLETIONS, chat_request(task.body))
        except Untranslatable as refused:
            error = ApiError(
                message=refused.message, type="invalid_request_error", code="unsupported_value", param=refused.param
            )
            return Rejected(error=error)
