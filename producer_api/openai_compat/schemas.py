"""What OpenAI's requests must have, for the description; all other fields pass through to the model as they are."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from common.task import MAX_MODEL_LENGTH
from producer_api.tasks.schemas import Message


class _Request(BaseModel):
    model_config = ConfigDict(extra="allow")

    model: str | None = Field(
        None, min_length=1, max_length=MAX_MODEL_LENGTH, description="Instead of the worker's model."
    )


class ChatCompletionRequest(_Request):
    """A chat completion's request, as OpenAI has it."""

    messages: list[Message] = Field(min_length=1)
    stream: bool | None = Field(None, description="Answer in chunks as the text comes.")
    stream_options: dict[str, Any] | None = None
    metadata: dict[str, str] | None = Field(
        None, description="Up to 16 pairs of your own: stored and returned with the task, never sent to the model."
    )


class EmbeddingsRequest(_Request):
    """A request of embeddings, as OpenAI has it."""

    input: str | list[str] | list[int] | list[list[int]]


class ResponseRequest(_Request):
    """A request for a Response, as OpenAI has it."""

    input: str | list[dict[str, Any]]
    instructions: str | None = None
    background: bool | None = Field(None, description="Answer at once, to be asked for it later.")
    stream: bool | None = Field(None, description="Answer with events as the text comes.")
    store: bool | None = Field(None, description="Repeated, and of no effect: every result is kept for its time.")
    metadata: dict[str, str] | None = Field(
        None, description="Up to 16 pairs of your own: stored and returned with the Response, never sent to the model."
    )


class ResponseAnswer(BaseModel):
    """A Response, as OpenAI has it."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["response"]
    status: Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
    created_at: int
    model: str
    output: list[dict[str, Any]]
    error: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None


class DeletedResponse(BaseModel):
    """What was deleted."""

    id: str
    object: Literal["response"]
    deleted: Literal[True]


class InputItems(BaseModel):
    """A page of what was sent as input."""

    object: Literal["list"]
    data: list[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: bool


class ChatCompletionAnswer(BaseModel):
    """The model server's answer, as it came."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, Any] | None = None


class EmbeddingsAnswer(BaseModel):
    """The model server's answer, as it came."""

    model_config = ConfigDict(extra="allow")

    object: Literal["list"]
    data: list[dict[str, Any]]
    model: str
    usage: dict[str, Any] | None = None


class Model(BaseModel):
    """A model that can be named."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(BaseModel):
    """Those that the workers know."""

    object: Literal["list"]
    data: list[Model]
