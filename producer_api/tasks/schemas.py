"""What `/v1/tasks` takes and answers, for the description and for the parts of a request that are few."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from common.task import MAX_MODEL_LENGTH


class Message(BaseModel):
    """One message of a chat, as OpenAI has it; other fields pass through."""

    model_config = ConfigDict(extra="allow")

    role: str = Field(min_length=1, examples=["user"])
    content: str | list[dict[str, Any]] | None = Field(None, examples=["Name three rivers."])


class ChatPrompt(BaseModel):
    """A chat completion's request body, as OpenAI has it; other fields pass through to the model as they are."""

    model_config = ConfigDict(extra="allow")

    messages: list[Message] = Field(min_length=1)
    model: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_MODEL_LENGTH,
        description="Instead of the request's, or the worker's, model.",
    )
    stream: bool | None = Field(
        None, description="Tell the text of this answer as it comes; without it as the request says."
    )
    metadata: dict[str, str] | None = Field(
        None,
        description="Up to 16 pairs of your own: stored and returned, never sent to the model. "
        "Keys of up to 64 characters, values of up to 512.",
    )


class SubmitTasks(BaseModel):
    """Prompts to run, and what holds for all of them."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    # Prompts are many: `prompts.read_prompts` checks them, faster and with their index in each message.
    prompts: SkipValidation[list[str | ChatPrompt]] = Field(
        min_length=1, description="Each a text, or an object with messages."
    )
    model: str | None = Field(
        None, min_length=1, max_length=MAX_MODEL_LENGTH, description="For prompts that name no model."
    )
    lane: Literal["interactive", "batch"] | None = Field(
        "interactive", description="interactive where somebody waits, batch for bulk."
    )
    deadline_seconds: float | None = Field(
        None, ge=1, description="A task not finished so long after it was accepted is expired."
    )
    stream: bool | None = Field(
        False,
        description="Tell the text of the answers as it comes: see /v1/tasks/{task_id}/events. So does a prompt's.",
    )


class ErrorDetail(BaseModel):
    """What went wrong and what to do."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(BaseModel):
    """Every error."""

    error: ErrorDetail


class SubmittedTask(BaseModel):
    """One prompt's fate: a task that is queued, or `failed` without an id where it could not be written."""

    task_id: str | None
    status: Literal["queued", "failed"]
    error: ErrorDetail | None = None


class SubmittedTasks(BaseModel):
    """One entry per prompt, in the order given."""

    tasks: list[SubmittedTask]


class TaskView(BaseModel):
    """A task as it stands. Times are Unix seconds. An id that names no task has `status` `not_found` and no more.

    `model`, `metadata` and `usage` are known when a worker has ended the task.
    """

    task_id: str
    status: Literal["queued", "processing", "completed", "failed", "cancelled", "expired", "not_found"]
    progress: int | None = Field(None, ge=0, le=100, description="0 queued, 25 called, 75 answered, 100 stored.")
    result: str | None = Field(None, description="The answer's text.")
    error: ErrorDetail | None = None
    attempts: int | None = Field(None, description="Calls of the model that were begun.")
    usage: dict[str, Any] | None = None
    model: str | None = None
    lane: Literal["interactive", "batch"] | None = None
    metadata: dict[str, Any] | None = None
    tokens: int | None = Field(None, description="Tokens received so far, of a call under way.")
    created_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    expires_at: float | None = None
    next_retry_at: float | None = None


class CancelTasks(BaseModel):
    """Tasks to end without their answers."""

    model_config = ConfigDict(extra="forbid")

    task_ids: list[str] = Field(min_length=1, description="Task ids; `resp_…` ids are read too.")


class CancelledTask(BaseModel):
    """A task that was to be cancelled as it stands then: cancelled, ended before, or not found."""

    task_id: str
    status: Literal["completed", "failed", "cancelled", "expired", "not_found"]
    progress: int | None = None
    attempts: int | None = None


class CancelledTasks(BaseModel):
    """One entry per id, in the order asked."""

    tasks: list[CancelledTask]


class DeletedTask(BaseModel):
    """What was deleted."""

    task_id: str
    deleted: Literal[True]


class ModelResponse(BaseModel):
    """What the model server answered, as it came."""

    status_code: int
    body: Any


class WholeTaskView(TaskView):
    """A task with the model's whole answer."""

    response: ModelResponse | None = None


class TaskViews(BaseModel):
    """One entry per id, in the order asked; of a list the newest first, without `result` and what else is of the end.

    A page of a list may be short, or empty, and still not be the last.
    """

    tasks: list[TaskView]
    next: str | None = Field(None, description="Of a list: send it as `after` for the next page; null after the last.")
