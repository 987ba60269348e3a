from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What `promptmill up` was asked for.

    `llm_base_url` None means the settings' model, or the local one where they name none; `no_llm` forbids the latter.
    """

    workers: int
    concurrency: int
    brokers: int
    port: int
    llm_base_url: str | None
    data_dir: Path
    ephemeral: bool
    no_llm: bool
    as_json: bool = False
