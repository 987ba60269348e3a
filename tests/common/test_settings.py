from pathlib import Path

import pytest

from common.setting_loading import load_settings
from common.setting_names import variable_name
from common.setting_sources import SettingsError
from common.settings import KafkaSettings, ServiceSettings


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os  # noqa: PLC0415 - the environment is what this file is about

    for name in list(os.environ):
        if name.startswith("PROMPTMILL_"):
            monkeypatch.delenv(name)


def test_defaults_are_valid() -> None:
    settings = load_settings(ServiceSettings)
    assert settings.kafka == KafkaSettings()
    assert settings.tasks.result_ttl_seconds == 24 * 3600


def test_the_environment_sets_one_field_and_leaves_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS", "broker:1,[::1]:9092")
    settings = load_settings(ServiceSettings)
    assert settings.kafka.bootstrap_servers == "broker:1,[::1]:9092"
    assert settings.kafka.topic_prefix == "promptmill."


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://:hidden@host:1/0\n")
    monkeypatch.setenv("PROMPTMILL_REDIS__URL_FILE", str(file))
    settings = load_settings(ServiceSettings)
    assert settings.redis.url.get_secret_value() == "redis://:hidden@host:1/0"
    assert "hidden" not in repr(settings)


def test_the_variable_itself_goes_before_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://file:1/0")
    monkeypatch.setenv("PROMPTMILL_REDIS__URL_FILE", str(file))
    monkeypatch.setenv("PROMPTMILL_REDIS__URL", "redis://variable:1/0")
    assert load_settings(ServiceSettings).redis.url.get_secret_value() == "redis://variable:1/0"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PROMPTMILL_KAFKA__REPLICATION_FACTOR", "none-secret", "integer"),
        ("PROMPTMILL_KAFKA__REPLICATION_FACTOR", "0", "greater than or equal to 1"),
        ("PROMPTMILL_KAFKA__TOPIC_PREFIX", "no spaces secret", "pattern"),
        ("PROMPTMILL_KAFKA__BOOTSTRAP", "secret:1", "is no setting; did you mean PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS?"),
        ("PROMPTMILL_LOG__UNLIKE_ANYTHING_AT_ALL", "secret", "is no setting"),
        ("PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS", "secret", "pattern"),
        ("PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS", "a:1,secret:port", "pattern"),
        ("PROMPTMILL_KAFKA__SECURITY_PROTOCOL", "SASL_SSL", "sasl_username"),
        ("PROMPTMILL_KAFKA", "{secret", "JSON object"),
        ("PROMPTMILL_KAFKA", "[1]", "dictionary"),
        ("PROMPTMILL_REDIS__URL", "http://secret", "redis://"),
        ("PROMPTMILL_REDIS__URL", "redis://:secret@host:secret", "host or port"),
        ("PROMPTMILL_REDIS__URL", "redis://:secret@host:99999/0", "host or port"),
        ("PROMPTMILL_REDIS__URL", "redis://:secret@[host/0", "host or port"),
        ("PROMPTMILL_REDIS__TIMEOUT_SECONDS", "nan", "less than or equal to 30"),
        ("PROMPTMILL_TASKS__MAX_ATTEMPTS", "0", "greater than or equal to 1"),
        ("PROMPTMILL_TASKS__DEADLINE_SECONDS", "-1", "greater than or equal to 1"),
        ("PROMPTMILL_LOG__LEVEL", "loud-secret", "'debug', 'info'"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_its_variable_and_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings(ServiceSettings)
    [line] = str(caught.value).splitlines()
    assert line.startswith(name.rsplit("__", 1)[0])
    assert said in line
    assert "Value error" not in line
    assert "secret" not in line


def test_fewer_copies_than_must_be_in_sync_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTMILL_KAFKA__REPLICATION_FACTOR", "1")
    with pytest.raises(SettingsError, match="min_insync_replicas is greater"):
        load_settings(ServiceSettings)


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROMPTMILL_REDIS__URL_FILE", str(tmp_path / "absent"))
    with pytest.raises(SettingsError, match=r"PROMPTMILL_REDIS__URL_FILE: cannot read .*absent: FileNotFoundError"):
        load_settings(ServiceSettings)


def test_a_variables_name_is_its_path() -> None:
    assert variable_name("api", "port") == "PROMPTMILL_API__PORT"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("PROMPTMILL_TASK__RESULT_TTL_SECONDS", "PROMPTMILL_TASKS__RESULT_TTL_SECONDS"),
        ("PROMPTMILL_KAKFA__TOPIC_PREFIX", "PROMPTMILL_KAFKA__TOPIC_PREFIX"),
        ("PROMPTMILL_REDIS_URL_FILE", "PROMPTMILL_REDIS__URL"),
        ("PROMPTMILL_API_PORT", "PROMPTMILL_API__PORT"),
        ("PROMPTMILL_WORKR__CONCURRENCY", "PROMPTMILL_WORKER__CONCURRENCY"),
        ("promptmill_api_ulr", "PROMPTMILL_API_URL"),
        ("PROMPTMILL_XYZZY", None),
    ],
)
def test_a_variable_of_no_group_is_refused_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, name: str, nearest: str | None
) -> None:
    monkeypatch.setenv(name, "7-secret")
    with pytest.raises(SettingsError) as caught:
        load_settings(ServiceSettings)
    hint = f"; did you mean {nearest}?" if nearest else ""
    assert str(caught.value).splitlines()[0] == f"{name}: is no setting{hint}"


def test_a_variable_of_no_group_is_said_beside_wrong_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTMILL_XYZZY", "1")
    monkeypatch.setenv("PROMPTMILL_TASKS__MAX_ATTEMPTS", "0")
    with pytest.raises(SettingsError) as caught:
        load_settings(ServiceSettings)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "PROMPTMILL_XYZZY",
        "PROMPTMILL_TASKS__MAX_ATTEMPTS",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROMPTMILL_API__PORT", "9"),
        ("PROMPTMILL_LLM__API_KEY_FILE", "/dev/null"),
        ("PROMPTMILL_WORKER", '{"concurrency": 3}'),
        ("PROMPTMILL_XYZZY", ""),
        ("PROMPTMILL_API_URL", "http://api:8000"),
        ("PROMPTMILL_VERSION", "1"),
        ("PROMPTMILL_HYPOTHESIS_PROFILE", "nightly"),
        ("PROMPTMILL_TEST_BACKEND", "local"),
        ("PROMPTMILL_FAULT_MEASUREMENTS", "there"),
        ("PROMPTMILL_API_SERVICE_HOST", "10.0.0.1"),
        ("PROMPTMILL_API_SERVICE_PORT_HTTP", "8000"),
        ("PROMPTMILL_API_PORT", "tcp://10.0.0.1:8000"),
        ("PROMPTMILL_API_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("OTHER_XYZZY", "1"),
    ],
)
def test_variables_with_a_meaning_elsewhere_are_passed_over(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert load_settings(ServiceSettings) == ServiceSettings()
