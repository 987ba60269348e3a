"""What `/v1/operator/dead-letters` takes and answers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_POSITIONS = 100
MAX_LETTERS = 500
MAX_REDRIVEN = 200

Seconds = Annotated[float, Field(ge=0, lt=1e11, allow_inf_nan=False)]
Words = Annotated[str, Field(min_length=1, max_length=300)]
# Of a topic of hundreds of partitions.
CursorText = Annotated[str, Field(min_length=1, max_length=50_000)]


class LetterSource(BaseModel):
    """Where the original stood."""

    topic: str
    partition: int
    offset: int


class LetterView(BaseModel):
    """A dead letter without its content. Times are Unix seconds."""

    id: str = Field(description="Its position in the topic: partition-offset.", examples=["3-17"])
    task_id: str | None
    run: int | None = Field(description="The run that ended so, as its record has it; unknown of a reference.")
    tenant: str | None
    reason: str | None
    error_code: str | None
    failed_at: float
    source: LetterSource | None
    size_bytes: int
    by_reference: bool = Field(description="The original was too large to copy: the value says where it stands.")


class TaskNow(BaseModel):
    """How a letter's task stands."""

    run: int
    status: str


class ListedLetterView(LetterView):
    """A dead letter with what became of its task."""

    now: TaskNow | None = Field(description="How its task stands now; null where the store does not know or say.")


class LetterViews(BaseModel):
    """A page of dead letters, oldest first. It may hold none and still not be the last."""

    dead_letters: list[ListedLetterView]
    scanned: int = Field(description="Letters looked at for this page.")
    remaining: int = Field(description="Letters still to be looked at.")
    next: str | None = Field(description="Send it as `after` for the next page; null after the last.")
    later: str = Field(description="Send it as `after` for letters that were written since this look began.")


class WholeLetterView(LetterView):
    """A dead letter with its content: somebody's prompt."""

    written_at: float
    headers: dict[str, str]
    key: str | None
    value: Any
    value_encoding: Literal["json", "text", "base64"]


class LetterGroup(BaseModel):
    """Letters that died of exactly this; null means that they have none."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    error_code: str | None
    reason: str | None


class RedriveLetters(BaseModel):
    """Which letters: by `positions`, or all that fulfil what is given, or `all`."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    positions: list[Words] | None = Field(None, min_length=1, max_length=MAX_POSITIONS, examples=[["3-17"]])
    task_ids: list[Words] | None = Field(None, min_length=1, max_length=1_000)
    reason: Words | None = Field(None, description="A part of the reason, in any case of letters.")
    error_code: Words | None = None
    tenant: Words | None = None
    since: Seconds | None = Field(None, description="Failed then or later, in Unix seconds.")
    until: Seconds | None = Field(None, description="Failed then or earlier, in Unix seconds.")
    group: LetterGroup | None = Field(None, description="Whose code and reason are these, letter by letter.")
    before: CursorText | None = Field(
        None, description="`next` or `later` of a list: of those meant, only letters that it had come past."
    )
    all: bool = Field(False, description="Every letter; nothing less is understood by an empty request.")
    dry_run: bool = Field(False, description="Only say what would become of each.")
    limit: int = Field(100, ge=1, le=MAX_REDRIVEN, description="Letters redriven by this request, at most.")
    after: CursorText | None = Field(None, description="`next` of the answer before.")


class RedrivenLetter(BaseModel):
    """What became of a letter; `run` is the one its task is in now."""

    id: str
    task_id: str | None
    run: int | None
    status: Literal["started", "again", "moved", "completed", "deleted", "unreadable", "missing", "too_large"]


class RedrivenLetters(BaseModel):
    """A page of letters redriven, in their order. It may hold none and still not be the last."""

    items: list[RedrivenLetter]
    dry_run: bool
    scanned: int
    remaining: int
    next: str | None = Field(description="Send the same request with it as `after` to go on; null when all is done.")
