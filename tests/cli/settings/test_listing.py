from pathlib import Path

import pytest

from cli.settings.listing import Setting, list_settings, unknown_variables
from common.setting_loading import load_settings
from common.setting_names import SERVICE_GROUPS, UnknownVariable
from common.settings import ServiceSettings
from consumer.settings import Settings as ConsumerSettings
from producer_api.settings import Settings as ApiSettings

CLASSES: dict[str, type[ServiceSettings]] = {"producer_api": ApiSettings, "consumer": ConsumerSettings}


def listed(monkeypatch: pytest.MonkeyPatch, **environ: str) -> dict[str, Setting]:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    rows = list_settings({name: load_settings(settings) for name, settings in CLASSES.items()}, environ)
    assert len({row.variable for row in rows}) == len(rows)
    return {row.variable.removeprefix("PROMPTMILL_"): row for row in rows}


def test_every_setting_has_its_meaning_and_who_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = listed(monkeypatch)
    assert all(row.meaning for row in rows.values())
    assert rows["KAFKA__BOOTSTRAP_SERVERS"].services == ("producer_api", "consumer")
    assert rows["API__PORT"].services == ("producer_api",)
    assert rows["WORKER__CONCURRENCY"].services == ("consumer",)
    assert {row.source for row in rows.values()} == {"default"}


def test_a_value_says_where_it_is_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("hidden\n")
    rows = listed(
        monkeypatch,
        PROMPTMILL_API__PORT="8123",
        PROMPTMILL_LLM__API_KEY_FILE=str(file),
        PROMPTMILL_REDIS='{"timeout_seconds": 3}',
        promptmill_worker__concurrency="9",
        PROMPTMILL_LLM__MODEL="",
    )
    seen = {
        name: (rows[name].value, rows[name].source)
        for name in ("API__PORT", "LLM__API_KEY", "REDIS__TIMEOUT_SECONDS", "REDIS__KEY_PREFIX")
    }
    assert seen == {
        "API__PORT": ("8123", "PROMPTMILL_API__PORT"),
        "LLM__API_KEY": ("********", f"file {file}"),
        "REDIS__TIMEOUT_SECONDS": ("3.0", "PROMPTMILL_REDIS"),
        "REDIS__KEY_PREFIX": ("promptmill:", "default"),
    }
    assert (rows["WORKER__CONCURRENCY"].value, rows["WORKER__CONCURRENCY"].source) == (
        "9",
        "PROMPTMILL_WORKER__CONCURRENCY",
    )
    assert rows["LLM__MODEL"].source == "default"


def test_the_key_that_every_openai_client_reads_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = listed(monkeypatch, OPENAI_API_KEY="hidden")
    assert (rows["LLM__API_KEY"].value, rows["LLM__API_KEY"].source) == ("********", "OPENAI_API_KEY")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://user:hidden@host:6379/0?password=hidden", "redis://********@host:6379/0?********"),
        ("rediss://:hid@den@host/1#hidden", "rediss://********@host/1"),
        ("unix:///run/valkey.sock?password=hidden", "unix:///run/valkey.sock?********"),
    ],
)
def test_an_address_is_shown_without_who_may_use_it(url: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(monkeypatch, PROMPTMILL_REDIS__URL=url)["REDIS__URL"].value == shown


def test_a_password_in_another_address_is_masked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = listed(monkeypatch, PROMPTMILL_LLM__BASE_URL="https://me:hidden@model/v1", PROMPTMILL_LLM__API_KEY="a://b")
    assert rows["LLM__BASE_URL"].value == "https://********@model/v1"
    assert rows["LLM__API_KEY"].value == "********"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("PROMPTMILL_KAFAK__TOPIC_PREFIX", "PROMPTMILL_KAFKA__TOPIC_PREFIX"),
        ("PROMPTMILL_WORKER__CONCURENCY", "PROMPTMILL_WORKER__CONCURRENCY"),
        ("PROMPTMILL_CONCURRENCY", "PROMPTMILL_WORKER__CONCURRENCY"),
        ("PROMPTMILL_LLM__API_KEYS_FILE", "PROMPTMILL_LLM__API_KEY"),
        ("promptmill_api_ulr", "PROMPTMILL_API_URL"),
        ("PROMPTMILL_XYZZY", None),
    ],
)
def test_a_variable_that_sets_nothing_is_flagged_with_the_nearest(name: str, nearest: str | None) -> None:
    environ = {name: "1", "PROMPTMILL_API__PORT": "1", "HOME": "/"}
    found = unknown_variables(list(CLASSES.values()), environ)
    assert found == [UnknownVariable(name, nearest)]


def test_variables_that_set_something_are_not_flagged() -> None:
    environ = dict.fromkeys(
        ["PROMPTMILL_API_URL", "PROMPTMILL_KAFKA", "PROMPTMILL_LLM__API_KEY_FILE", "promptmill_api__port"], "1"
    )
    assert unknown_variables(list(CLASSES.values()), environ) == []


def test_every_group_that_one_service_alone_reads_is_known_to_the_other() -> None:
    shared = set(ServiceSettings.model_fields)
    assert {name for settings in CLASSES.values() for name in settings.model_fields} - shared == set(SERVICE_GROUPS)
