import os

import pytest


@pytest.fixture(autouse=True)
def _no_settings_of_a_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(("PROMPTMILL_", "OPENAI_API_KEY")):
            monkeypatch.delenv(name)
