import pytest

from common.setting_loading import load_settings
from common.setting_sources import SettingsError
from common.topics import MAX_TASK_RECORD_BYTES
from producer_api.settings import ApiSettings, Settings


def test_defaults_agree_and_keep_what_is_promised() -> None:
    api = load_settings(Settings).api
    assert (api.host, api.port) == ("127.0.0.1", 8000)
    assert api.max_prompts_per_request >= 1_000
    assert api.max_ids_per_query >= 100
    assert api.max_prompt_bytes < MAX_TASK_RECORD_BYTES
    assert api.publish_timeout_seconds <= 10


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_PROMPTS_PER_REQUEST", "0"),
        ("MAX_PROMPT_BYTES", str(MAX_TASK_RECORD_BYTES)),
        ("PUBLISH_TIMEOUT_SECONDS", "10.5"),
        ("PORT", "65536"),
    ],
)
def test_a_value_out_of_range_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"PROMPTMILL_API__{name}", value)
    with pytest.raises(SettingsError, match=f"PROMPTMILL_API__{name}"):
        load_settings(Settings)


def test_the_largest_request_must_fit_what_may_be_in_flight() -> None:
    with pytest.raises(ValueError, match="PROMPTMILL_API__MAX_BYTES_IN_FLIGHT must be at least"):
        ApiSettings(max_request_bytes=60 << 20)
    with pytest.raises(ValueError, match="PROMPTMILL_API__MAX_RECORDS_IN_FLIGHT must be at least"):
        ApiSettings(max_records_in_flight=9_999)
