from collections.abc import Mapping
from dataclasses import dataclass

from cli.stack.model import MODEL_NAME, model_url
from cli.stack.options import StackOptions
from consumer.settings import LlmSettings

# An OpenAI client sends some key, also to a server that asks for none.
_NO_KEY = "none"


@dataclass(frozen=True, slots=True)
class LlmChoice:
    """The model that the workers call. `local` tells whether it is ours to run; None leaves a setting alone."""

    local: bool
    url: str
    model: str | None
    key: str | None


def choose_llm(options: StackOptions, settings: LlmSettings, environ: Mapping[str, str], local_port: int) -> LlmChoice:
    """Decide: the address asked for, else the settings' when there is a key for it, else the local model."""
    key = _NO_KEY if settings.api_key is None else None
    if options.llm_base_url is not None:
        return LlmChoice(local=False, url=options.llm_base_url, model=None, key=key)
    if settings.api_key is not None:
        return LlmChoice(local=False, url=settings.base_url, model=None, key=None)
    if options.no_llm:
        # Who wants no model gets workers whose calls are refused: without any key they would not start.
        return LlmChoice(local=False, url=settings.base_url, model=None, key=_NO_KEY if settings.lacks_key else None)
    named = environ.get("PROMPTMILL_LLM__MODEL")
    return LlmChoice(local=True, url=model_url(local_port), model=None if named else MODEL_NAME, key=key)
