"""What OpenAI's requests must have, for the description; all other fields pass through to the model as they are."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from producer_api.tasks.schemas import MAX_MODEL_LENGTH, Message


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
