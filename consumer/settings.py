"""The worker's settings: its own blocks beside those that both services share."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from common.setting_names import variable_name
from common.setting_sources import OtherNames
from common.settings import Block, Port, ServiceSettings

_MIB = 1024 * 1024
_OPENAI_HOST = "api.openai.com"
# Where our own name for the same thing is not set.
OPENAI_NAMES: Mapping[str, str] = MappingProxyType({"api_key": "OPENAI_API_KEY"})


class WorkerSettings(Block):
    """How one worker process takes records, keeps them and lets them go."""

    concurrency: int = Field(4, ge=1, le=10_000, description="Model calls that one worker has in flight at once.")
    drain_timeout_seconds: float = Field(
        310.0, ge=0.1, le=86_400, description="How long calls in flight may go on after SIGTERM."
    )
    shutdown_grace_seconds: float = Field(
        330.0, ge=0.2, le=90_000, description="When the orchestrator kills what has not ended after SIGTERM."
    )
    lease_seconds: float = Field(
        30.0, ge=1, le=600, description="How long a claimed task stays this worker's without renewal."
    )
    operations_host: str = Field("127.0.0.1", description="Address of /livez, /readyz and /metrics.")
    operations_port: Port = Field(8081, description="Port of /livez, /readyz and /metrics; 0 takes a free one.")
    session_timeout_seconds: float = Field(
        10.0, ge=6, le=300, description="How long a dead worker keeps its partitions; Kafka's own minimum is 6."
    )
    commit_interval_seconds: float = Field(
        1.0, ge=0.05, le=60, description="Longest time a finished offset waits for its commit."
    )
    max_buffered_bytes: int = Field(
        64 * _MIB,
        ge=2 * _MIB,
        le=4096 * _MIB,
        description="Bytes of records in a call or ready for one, half of it for each lane; where prompts are so large "
        "that `concurrency` of them do not fit, fewer are in flight.",
    )
    max_waiting_records: int = Field(
        5_000, ge=1, le=1_000_000, description="Records that wait in memory for their next attempt."
    )
    max_waiting_bytes: int = Field(
        64 * _MIB, ge=2 * _MIB, le=4096 * _MIB, description="Bytes of records that wait for their next attempt."
    )
    tail_after_seconds: float = Field(
        30.0,
        ge=3,
        le=3_600,
        description="A wait for the next attempt that is at least so long is spent at the tail of the topic.",
    )
    max_uncommitted_offsets: int = Field(
        10_000, ge=10, le=10_000_000, description="How far past its first unfinished offset one partition is read."
    )
    max_handler_errors: int = Field(
        5, ge=1, le=100, description="Unexpected errors of ours on one record before it is dead-lettered."
    )
    brake_window_seconds: float = Field(
        60.0, ge=1, le=3_600, description="How far back the brake looks, for records that failed by our own fault."
    )
    brake_records: int = Field(
        10,
        ge=2,
        le=1_000,
        description="Records that must have failed by our own fault, being nearly all, for the worker to stop.",
    )
    brake_probe_seconds: float = Field(
        10.0, ge=0.1, le=600, description="While stopped by the brake: pause between one record tried and the next."
    )
    stall_timeout_seconds: float = Field(
        60.0, ge=5, le=3_600, description="How long polling may make no progress before the worker counts as stuck."
    )


class LlmSettings(Block):
    """The model that tasks are sent to: any OpenAI-compatible server."""

    base_url: str = Field("https://api.openai.com/v1", description="Address of the model server's API.")
    api_key: SecretStr | None = Field(
        None, description="Key of the model server; OPENAI_API_KEY where this is not set."
    )
    model: str = Field("gpt-5-mini", min_length=1, max_length=200, description="The model for tasks that name none.")
    call_timeout_seconds: float = Field(
        300.0, ge=0.1, le=86_400, description="Longest time of one call, its answer included."
    )
    retry_base_seconds: float = Field(
        1.0,
        ge=0,
        le=600,
        description="Most that is waited after a first failed attempt; it doubles with each further one.",
    )
    retry_cap_seconds: float = Field(
        60.0,
        ge=0,
        le=3_600,
        description="Most that is waited after any failed attempt, unless the model asks for more.",
    )
    retry_budget_ratio: float = Field(
        0.1, ge=0, le=10, description="Retries that one worker may begin for each answer of the model."
    )
    retry_budget_per_second: float = Field(
        10.0,
        ge=0.1,
        le=100_000,
        description="Retries that one worker may begin each second beside those; more wait longer.",
    )

    @field_validator("base_url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("should begin with http:// or https://")
        return url

    @property
    def lacks_key(self) -> bool:
        """Whether there is no key for a server that refuses whoever has none: OpenAI, in any region."""
        host = urlsplit(self.base_url).hostname or ""
        return self.api_key is None and (host == _OPENAI_HOST or host.endswith(f".{_OPENAI_HOST}"))


class Settings(ServiceSettings):
    """Everything a worker reads from its environment."""

    worker: WorkerSettings = WorkerSettings()
    llm: LlmSettings = LlmSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources of every service, then OPENAI_API_KEY."""
        sources = super().settings_customise_sources(
            settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
        )
        return *sources, OtherNames(settings_cls, "llm", OPENAI_NAMES)

    @model_validator(mode="after")
    def _calls_end_before_the_process(self) -> Self:
        """A call begun just before SIGTERM must be able to end, or a deploy would pay for it twice."""
        call, drain = self.llm.call_timeout_seconds, self.worker.drain_timeout_seconds
        grace = self.worker.shutdown_grace_seconds
        if not call <= drain < grace:
            raise ValueError(
                f"{variable_name('llm', 'call_timeout_seconds')} ({call:g}) must be at most "
                f"{variable_name('worker', 'drain_timeout_seconds')} ({drain:g}), and that less than "
                f"{variable_name('worker', 'shutdown_grace_seconds')} ({grace:g})"
            )
        return self


class SettingsForCalls(Settings):
    """The same of one that calls the model: a rebuild, or who only looks at the settings, can do without its key."""

    @model_validator(mode="after")
    def _model_can_be_called(self) -> Self:
        if self.llm.lacks_key:
            raise ValueError(
                f"{variable_name('llm', 'api_key')}: is not set, and OpenAI refuses every call without: set it, or "
                f"OPENAI_API_KEY, or {variable_name('llm', 'base_url')} to a server that needs none"
            )
        return self
