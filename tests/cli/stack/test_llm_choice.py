from pathlib import Path

import pytest
from pydantic import SecretStr

from cli.stack.llm_choice import LlmChoice, choose_llm
from cli.stack.options import StackOptions
from consumer.settings import LlmSettings

OPENAI = "https://api.openai.com/v1"
LOCAL = "http://127.0.0.1:20001/v1"
OTHER = "http://127.0.0.1:5000/v1"
WITH_KEY = LlmSettings(api_key=SecretStr("sk-1"))
BARE = LlmSettings()


def _options(llm_base_url: str | None = None, *, no_llm: bool = False) -> StackOptions:
    return StackOptions(
        workers=2,
        concurrency=4,
        brokers=1,
        port=8000,
        llm_base_url=llm_base_url,
        data_dir=Path("data"),
        ephemeral=False,
        no_llm=no_llm,
    )


@pytest.mark.parametrize(
    ("options", "settings", "environ", "expected"),
    [
        (_options(), BARE, {}, LlmChoice(local=True, url=LOCAL, model="gemma-3-270m", key="none")),
        (
            _options(),
            BARE,
            {"PROMPTMILL_LLM__MODEL": "mine"},
            LlmChoice(local=True, url=LOCAL, model=None, key="none"),
        ),
        (_options(), WITH_KEY, {}, LlmChoice(local=False, url=OPENAI, model=None, key=None)),
        (_options(no_llm=True), BARE, {}, LlmChoice(local=False, url=OPENAI, model=None, key="none")),
        (_options(OTHER), BARE, {}, LlmChoice(local=False, url=OTHER, model=None, key="none")),
        (_options(OTHER), WITH_KEY, {}, LlmChoice(local=False, url=OTHER, model=None, key=None)),
        (_options(OTHER, no_llm=True), BARE, {}, LlmChoice(local=False, url=OTHER, model=None, key="none")),
    ],
    ids=["nothing given", "a name only", "a key", "no model", "an address", "both", "an address, no local one"],
)
def test_the_model_is_the_one_asked_for_else_the_local_one(
    options: StackOptions, settings: LlmSettings, environ: dict[str, str], expected: LlmChoice
) -> None:
    assert choose_llm(options, settings, environ, local_port=20001) == expected
