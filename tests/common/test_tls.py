import ssl
from pathlib import Path

import pytest

from common.setting_loading import load_settings
from common.setting_sources import SettingsError
from common.settings import KafkaSettings, RedisSettings, ServiceSettings
from common.tls import TlsFiles
from tests.support.certificates import CERTIFICATE, ENCRYPTED_KEY, KEY, KEY_OF_ANOTHER, KEY_PASSWORD


@pytest.fixture(autouse=True)
def _encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTMILL_KAFKA__SECURITY_PROTOCOL", "SSL")
    monkeypatch.setenv("PROMPTMILL_REDIS__URL", "rediss://host:6380/0")


@pytest.mark.parametrize("group", ["KAFKA", "REDIS"])
@pytest.mark.parametrize("setting", ["SSL_CAFILE", "SSL_CERTFILE", "SSL_KEYFILE"])
def test_a_file_that_is_missing_is_named_by_its_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, group: str, setting: str
) -> None:
    monkeypatch.setenv(f"PROMPTMILL_{group}__{setting}", str(tmp_path / "absent.pem"))
    with pytest.raises(SettingsError) as caught:
        load_settings(ServiceSettings)
    missing = f"cannot read {tmp_path / 'absent.pem'}: FileNotFoundError"
    assert str(caught.value) == f"PROMPTMILL_{group}__{setting}: {missing}"


@pytest.mark.parametrize("group", ["KAFKA", "REDIS"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SSL_CAFILE": KEY}, "ssl_cafile: has no certificates in it"),
        ({"SSL_KEYFILE": KEY}, "ssl_certfile: a key is of no use without it"),
        ({"SSL_CERTFILE": CERTIFICATE}, "are no certificate with its key"),
        ({"SSL_CERTFILE": CERTIFICATE, "SSL_KEYFILE": KEY_OF_ANOTHER}, "are no certificate with its key"),
        ({"SSL_CERTFILE": CERTIFICATE, "SSL_KEYFILE": ENCRYPTED_KEY}, "and the key's password"),
        (
            {"SSL_CERTFILE": CERTIFICATE, "SSL_KEYFILE": ENCRYPTED_KEY, "SSL_KEY_PASSWORD": "another"},
            "and the key's password",
        ),
    ],
)
def test_files_that_are_not_what_they_should_be_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, group: str, given: dict[str, Path | str], said: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"PROMPTMILL_{group}__{name}", str(value))
    with pytest.raises(SettingsError) as caught:
        load_settings(ServiceSettings)
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"PROMPTMILL_{group}: ")
    assert said in line
    assert "another" not in line


@pytest.mark.parametrize(
    ("variable", "off", "said"),
    [
        ("PROMPTMILL_KAFKA__SECURITY_PROTOCOL", "PLAINTEXT", "security_protocol should be SSL or SASL_SSL"),
        ("PROMPTMILL_REDIS__URL", "redis://host:6379/0", "url should begin with rediss://"),
    ],
)
def test_files_of_which_no_use_would_be_made_are_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, off: str, said: str
) -> None:
    group = variable.partition("__")[0]
    monkeypatch.setenv(f"{group}__SSL_CAFILE", str(CERTIFICATE))
    load_settings(ServiceSettings)
    monkeypatch.setenv(variable, off)
    with pytest.raises(SettingsError) as caught:
        load_settings(ServiceSettings)
    assert str(caught.value) == f"{group}: ssl_cafile: nothing would be encrypted: {said}"


def test_a_context_checks_host_and_certificate_whatever_it_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    for group in ("KAFKA", "REDIS"):
        monkeypatch.setenv(f"PROMPTMILL_{group}__SSL_CAFILE", str(CERTIFICATE))
        monkeypatch.setenv(f"PROMPTMILL_{group}__SSL_CERTFILE", str(CERTIFICATE))
        monkeypatch.setenv(f"PROMPTMILL_{group}__SSL_KEYFILE", str(ENCRYPTED_KEY))
        monkeypatch.setenv(f"PROMPTMILL_{group}__SSL_KEY_PASSWORD", KEY_PASSWORD)
    settings = load_settings(ServiceSettings)
    trusted = [settings.kafka.tls, settings.redis.tls]
    for files in [*trusted, TlsFiles(None, None, None, None)]:
        context = files.context()
        assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert [len(files.context().get_ca_certs()) for files in trusted] == [1, 1]
    assert KEY_PASSWORD not in repr(settings)


def test_without_files_neither_is_asked_to_be_encrypted() -> None:
    assert not KafkaSettings().is_encrypted
    assert not RedisSettings().is_encrypted
