"""Settings both services share: frozen blocks, `PROMPTMILL_` before a name, `__` between levels, units in names.

A secret may also stand in a file: `PROMPTMILL_LLM__API_KEY_FILE=/run/secrets/key` sets `llm.api_key`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from common.setting_names import ENV_DELIMITER, ENV_PREFIX
from common.setting_sources import Environment, OtherNames
from common.tls import CertificateFile, KeyFile, KeyPassword, ReadableFile, TlsFiles

_HOUR = 3600.0
_DAY = 24 * _HOUR

Port = Annotated[int, Field(ge=0, le=65535)]

# Where our own name for the same thing is not set.
OPENTELEMETRY_NAMES: Mapping[str, str] = MappingProxyType(
    {"endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT", "headers": "OTEL_EXPORTER_OTLP_HEADERS"}
)


class Block(BaseModel):
    """One frozen group of settings; a name it does not have is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class KafkaSettings(Block):
    """Where Kafka is and how its topics are named and kept."""

    bootstrap_servers: str = Field(
        "127.0.0.1:9092",
        pattern=r"^\s*[^\s,]+:\d{1,5}\s*(,\s*[^\s,]+:\d{1,5}\s*)*$",
        description="Brokers to begin with: host:port, comma-separated.",
    )
    topic_prefix: str = Field(
        "promptmill.",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="Stands before every topic's and group's name.",
    )
    replication_factor: int = Field(
        3,
        ge=1,
        le=9,
        description="Copies of each partition, of topics that a service creates; those that are there need as many.",
    )
    min_insync_replicas: int = Field(
        2, ge=1, le=9, description="Copies that must have a record before it counts as written."
    )
    task_partitions: int = Field(24, ge=1, le=1000, description="Partitions of each tasks topic.")
    request_timeout_seconds: float = Field(8.0, ge=1, le=120, description="Longest wait for one answer of a broker.")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How the brokers are spoken to."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How a client signs in, with SASL."
    )
    sasl_username: str | None = Field(None, description="The name to sign in with.")
    sasl_password: SecretStr | None = Field(None, description="The password to sign in with.")
    ssl_cafile: ReadableFile | None = Field(None, description="Certificates to trust, in PEM, instead of the system's.")
    ssl_certfile: CertificateFile = None
    ssl_keyfile: KeyFile = None
    ssl_key_password: KeyPassword = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.min_insync_replicas > self.replication_factor:
            raise ValueError("min_insync_replicas is greater than replication_factor: no record could be written")
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError("security_protocol asks for sasl_username and sasl_password")
        self.tls.check(is_used=self.is_encrypted, otherwise="security_protocol should be SSL or SASL_SSL")
        return self

    @property
    def is_encrypted(self) -> bool:
        """Whether brokers are spoken to by TLS."""
        return self.security_protocol in {"SSL", "SASL_SSL"}

    @property
    def tls(self) -> TlsFiles:
        """What that is made of."""
        return TlsFiles(self.ssl_cafile, self.ssl_certfile, self.ssl_keyfile, self.ssl_key_password)


class RedisSettings(Block):
    """Where Redis (or Valkey) is."""

    url: SecretStr = Field(SecretStr("redis://127.0.0.1:6379/0"), description="redis:// or rediss:// address.")
    key_prefix: str = Field(
        "promptmill:", pattern=r"^[A-Za-z0-9._:-]{0,64}$", description="Stands before every key's name."
    )
    timeout_seconds: float = Field(
        2.0, ge=0.1, le=30, description="Longest wait for a connection, or for a sign of life while answers are due."
    )
    ssl_cafile: ReadableFile | None = Field(
        None, description="Certificates to trust, in PEM, beside the system's; with rediss://."
    )
    ssl_certfile: CertificateFile = None
    ssl_keyfile: KeyFile = None
    ssl_key_password: KeyPassword = None

    @field_validator("url")
    @classmethod
    def _usable(cls, url: SecretStr) -> SecretStr:
        try:
            parts = urlsplit(url.get_secret_value())
            _ = parts.port
        except ValueError:
            # Its text quotes a part of the address, and a password may be in it.
            raise ValueError("should look like redis://host:6379/0: its host or port cannot be read") from None
        if parts.scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("should begin with redis://, rediss:// or unix://")
        return url

    @model_validator(mode="after")
    def _agree(self) -> Self:
        self.tls.check(is_used=self.is_encrypted, otherwise="url should begin with rediss://")
        return self

    @property
    def is_encrypted(self) -> bool:
        """Whether Redis is spoken to by TLS."""
        return urlsplit(self.url.get_secret_value()).scheme == "rediss"

    @property
    def tls(self) -> TlsFiles:
        """What that is made of, beside what the address says."""
        return TlsFiles(self.ssl_cafile, self.ssl_certfile, self.ssl_keyfile, self.ssl_key_password)


class TaskSettings(Block):
    """Bounds of one task."""

    deadline_seconds: float = Field(
        _DAY,
        ge=1,
        le=30 * _DAY,
        description="A task not finished this long after it was accepted is expired.",
    )
    result_ttl_seconds: float = Field(
        _DAY, ge=1, le=30 * _DAY, description="How long a finished task and its result stay readable."
    )
    max_attempts: int = Field(5, ge=1, le=100, description="Attempts that may end by the model's error.")
    max_crashes: int = Field(10, ge=1, le=100, description="Attempts that may end with their worker.")
    max_result_bytes: int = Field(
        7 * 1024 * 1024,
        ge=1024,
        le=7 * 1024 * 1024,
        description="Largest answer kept; a larger one fails its task.",
    )
    max_listed: int = Field(
        100_000,
        ge=1_000,
        le=10_000_000,
        description="Tasks of one tenant that its list has, the newest; all others are read by their ids.",
    )


class ResponsesSettings(Block):
    """Who answers `/v1/responses`."""

    native_models: str = Field(
        "",
        max_length=4096,
        description="Models that are asked at /v1/responses, separated by commas; * stands for any part of a name. All "
        "others are asked for chat completions.",
    )


class LogSettings(Block):
    """What a service says on standard output."""

    format: Literal["auto", "console", "json"] = Field(
        "auto", description="console for people, json for machines; auto asks whether a terminal reads it."
    )
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severity that is written.")


class TracingSettings(Block):
    """Where traces go: nowhere, unless there is an endpoint."""

    endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^/?#@]+[^?#@]*$",
        description="Address of a receiver of traces by OTLP over HTTP, such as http://127.0.0.1:4318, without name or "
        "password; OTEL_EXPORTER_OTLP_ENDPOINT where this is not set. Without either nothing is traced.",
    )
    headers: SecretStr | None = Field(
        None,
        description="What the receiver wants to know, its key for instance: name=value, comma-separated; "
        "OTEL_EXPORTER_OTLP_HEADERS where this is not set.",
    )
    sample_ratio: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Share of the traces begun here that are recorded; of a client's the client decides.",
    )

    @field_validator("headers")
    @classmethod
    def _pairs(cls, headers: SecretStr | None) -> SecretStr | None:
        if headers is not None and not all("=" in pair for pair in headers.get_secret_value().split(",")):
            raise ValueError("should look like name=value,name=value")
        return headers

    @property
    def header_values(self) -> dict[str, str]:
        """The headers by name; values may be percent-encoded, as in OpenTelemetry's own variable."""
        if self.headers is None:
            return {}
        pairs = (pair.partition("=") for pair in self.headers.get_secret_value().split(","))
        return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}


class ServiceSettings(BaseSettings):
    """The blocks every service has; each service adds its own."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
    )

    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    tasks: TaskSettings = TaskSettings()
    responses: ResponsesSettings = ResponsesSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment and the files it names, then OpenTelemetry's own variables."""
        return init_settings, Environment(settings_cls), OtherNames(settings_cls, "tracing", OPENTELEMETRY_NAMES)
