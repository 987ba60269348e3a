"""The API's settings: its own block beside those that both services share."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from common.setting_names import variable_name
from common.settings import Block, Port, ServiceSettings
from common.topics import MAX_TASK_RECORD_BYTES

_MIB = 1024 * 1024

# What a record holds beside the prompt: its envelope, headers and the batch's framing.
_RECORD_OVERHEAD_BYTES = 8 * 1024

# At most so much is added to one prompt before it is a record: its envelope, and the request's `model`.
_GROWTH_BYTES = 2 * 1024


class ApiSettings(Block):
    """Where the API listens, and the bounds of one request and of one process."""

    host: str = Field("127.0.0.1", min_length=1, description="Address of the API.")
    port: Port = Field(8000, description="Port of the API; 0 takes a free one.")
    operations_host: str = Field("127.0.0.1", min_length=1, description="Address of /livez, /readyz and /metrics.")
    operations_port: Port = Field(8080, description="Port of /livez, /readyz and /metrics; 0 takes a free one.")
    allowed_hosts: str = Field(
        "",
        description="Names that requests may call the API by, comma-separated, besides addresses, localhost and names "
        "without a dot; * is any. Empty is any too, but none where the API listens on this machine alone.",
    )
    operator_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="What operators' requests from other machines carry as bearer; without it there are none.",
    )
    max_prompts_per_request: int = Field(10_000, ge=1, le=100_000, description="Prompts that one request may hold.")
    max_prompt_bytes: int = Field(
        1_000_000,
        ge=1024,
        le=MAX_TASK_RECORD_BYTES - _RECORD_OVERHEAD_BYTES,
        description="Largest prompt, as JSON with its parameters and metadata.",
    )
    max_request_bytes: int = Field(16 * _MIB, ge=2048, le=256 * _MIB, description="Largest request body.")
    max_ids_per_query: int = Field(1_000, ge=1, le=10_000, description="Task ids that one query may name.")
    max_ids_per_stream: int = Field(100, ge=1, le=1_000, description="Task ids that one event stream may follow.")
    max_answer_bytes: int = Field(
        64 * _MIB, ge=_MIB, le=1024 * _MIB, description="Results that the answer to one query may hold, in bytes."
    )
    max_bytes_in_flight: int = Field(
        64 * _MIB,
        ge=_MIB,
        le=4096 * _MIB,
        description="Bytes of request bodies being read and of records not yet acknowledged, in one process.",
    )
    max_records_in_flight: int = Field(
        20_000, ge=1, le=1_000_000, description="Records not yet acknowledged by Kafka, in one process."
    )
    max_wait_seconds: float = Field(
        300.0, ge=1, le=3_600, description="Longest time that a GET may ask to wait for the end of its tasks."
    )
    max_followers: int = Field(
        5_000, ge=1, le=100_000, description="Requests that may wait for tasks, or follow them, at once in one process."
    )
    max_followed_tasks: int = Field(
        100_000,
        ge=1,
        le=10_000_000,
        description="Tasks that these may follow in all; one counts for each request that follows it.",
    )
    drain_timeout_seconds: float = Field(
        310.0,
        ge=0,
        le=86_400,
        description="How long requests that wait for an answer of the model may go on after SIGTERM.",
    )
    max_request_cache_bytes: int = Field(
        32 * _MIB,
        ge=0,
        le=4096 * _MIB,
        description="Requests of tasks that one process keeps at hand for /v1/responses, in bytes; others are read "
        "back from Kafka.",
    )
    body_timeout_seconds: float = Field(30.0, ge=0.1, le=600, description="Longest time a request body may take.")
    publish_timeout_seconds: float = Field(
        8.0, ge=0.1, le=10, description="Longest wait for Kafka's acknowledgement of one request's records."
    )

    @model_validator(mode="after")
    def _a_largest_request_fits(self) -> Self:
        """A request within its own bounds must pass when the process has nothing else to do."""
        needed = self.max_request_bytes + self.max_prompts_per_request * _GROWTH_BYTES
        if self.max_bytes_in_flight < needed:
            raise ValueError(
                f"{variable_name('api', 'max_bytes_in_flight')} must be at least {needed} for "
                f"{variable_name('api', 'max_request_bytes')}={self.max_request_bytes} and "
                f"{variable_name('api', 'max_prompts_per_request')}={self.max_prompts_per_request}"
            )
        if self.max_records_in_flight < self.max_prompts_per_request:
            raise ValueError(
                f"{variable_name('api', 'max_records_in_flight')} must be at least "
                f"{variable_name('api', 'max_prompts_per_request')} ({self.max_prompts_per_request})"
            )
        return self


class Settings(ServiceSettings):
    """Everything the API reads from its environment."""

    api: ApiSettings = ApiSettings()
