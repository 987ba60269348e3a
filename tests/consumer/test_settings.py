import pytest

from common.setting_loading import load_settings
from common.setting_sources import SettingsError
from consumer.settings import Settings, SettingsForCalls


@pytest.fixture(autouse=True)
def no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_the_defaults_agree_with_each_other() -> None:
    settings = load_settings(Settings)
    assert settings.llm.call_timeout_seconds <= settings.worker.drain_timeout_seconds
    assert settings.worker.drain_timeout_seconds < settings.worker.shutdown_grace_seconds


@pytest.mark.parametrize(("call", "drain", "grace"), [("61", "60", "90"), ("60", "60", "60"), ("60", "95", "90")])
def test_a_call_that_could_outlive_the_process_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, call: str, drain: str, grace: str
) -> None:
    monkeypatch.setenv("PROMPTMILL_LLM__CALL_TIMEOUT_SECONDS", call)
    monkeypatch.setenv("PROMPTMILL_WORKER__DRAIN_TIMEOUT_SECONDS", drain)
    monkeypatch.setenv("PROMPTMILL_WORKER__SHUTDOWN_GRACE_SECONDS", grace)
    with pytest.raises(SettingsError) as error:
        load_settings(Settings)
    for name in ("LLM__CALL_TIMEOUT", "WORKER__DRAIN_TIMEOUT", "WORKER__SHUTDOWN_GRACE"):
        assert f"PROMPTMILL_{name}_SECONDS" in str(error.value)


def test_a_call_as_long_as_the_drain_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTMILL_LLM__CALL_TIMEOUT_SECONDS", "60")
    monkeypatch.setenv("PROMPTMILL_WORKER__DRAIN_TIMEOUT_SECONDS", "60")
    monkeypatch.setenv("PROMPTMILL_WORKER__SHUTDOWN_GRACE_SECONDS", "60.5")
    assert load_settings(Settings).worker.drain_timeout_seconds == 60


def test_the_key_falls_back_to_the_name_that_openai_clients_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(Settings).llm.api_key is None
    monkeypatch.setenv("OPENAI_API_KEY", "common")
    monkeypatch.setenv("PROMPTMILL_LLM__MODEL", "m")
    llm = load_settings(Settings).llm
    assert llm.api_key is not None
    assert (llm.api_key.get_secret_value(), llm.model) == ("common", "m")
    monkeypatch.setenv("PROMPTMILL_LLM__API_KEY", "its-own-key")
    own = load_settings(Settings).llm.api_key
    assert own is not None
    assert own.get_secret_value() == "its-own-key"
    assert "its-own-key" not in repr(load_settings(Settings))


def test_an_address_that_is_no_url_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTMILL_LLM__BASE_URL", "localhost:8000")
    with pytest.raises(SettingsError, match=r"PROMPTMILL_LLM__BASE_URL.*http://"):
        load_settings(Settings)


@pytest.mark.parametrize(
    ("settings", "is_refused"),
    [
        ({}, True),
        ({"PROMPTMILL_LLM__API_KEY": "", "OPENAI_API_KEY": ""}, True),
        ({"PROMPTMILL_LLM__BASE_URL": "https://eu.api.openai.com:443/v1"}, True),
        ({"PROMPTMILL_LLM__BASE_URL": "https://API.openai.com/v1"}, True),
        ({"PROMPTMILL_LLM__API_KEY": "own"}, False),
        ({"OPENAI_API_KEY": "common"}, False),
        ({"PROMPTMILL_LLM__BASE_URL": "http://vllm:8000/v1"}, False),
        ({"PROMPTMILL_LLM__BASE_URL": "https://notapi.openai.com.example/v1"}, False),
    ],
)
def test_who_calls_needs_a_key_for_openai_and_for_no_other(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], *, is_refused: bool
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert load_settings(Settings).llm.lacks_key is is_refused
    if is_refused:
        with pytest.raises(SettingsError, match=r"PROMPTMILL_LLM__API_KEY: .*PROMPTMILL_LLM__BASE_URL"):
            load_settings(SettingsForCalls)
    else:
        load_settings(SettingsForCalls)
