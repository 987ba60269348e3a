"""Who may operate."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from cli.stack.ports import Ports
from tests.producer_api.conftest import Service
from tests.producer_api.operator.conftest import ROOT
from tests.support.api import Api
from tests.support.deployment import Deployment
from tests.support.processes import Processes

TOKEN = "the operators' own token"


@pytest.fixture
def deployment(
    service: Service, processes: Processes, ports: Ports, session: aiohttp.ClientSession, tmp_path: Path
) -> Deployment:
    return Deployment(
        processes=processes,
        ports=ports,
        session=session,
        kafka=service.kafka,
        redis=service.redis,
        model_url="http://127.0.0.1:9/v1",
        folder=tmp_path,
    )


@pytest.fixture
async def guarded(deployment: Deployment, tmp_path: Path) -> AsyncIterator[Api]:
    """An API whose operators' token stands in a file, called by any name."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    yield await deployment.start_api(api__operator_token_file=tmp_path / "token", api__allowed_hosts="*")
    assert TOKEN not in deployment.apis[0].log()


async def ask(api: Api, **headers: str) -> tuple[int, str | None]:
    answer = await api.ask("GET", ROOT, headers=headers)
    return answer.status, answer.body.get("error", {}).get("code")


BY_A_PROXY = [
    {"X-Forwarded-For": "203.0.113.9"},
    {"X-Real-IP": "203.0.113.9"},
    {"Forwarded": "for=203.0.113.9"},
    {"Via": "1.1 proxy"},
]
# Names that lead here, given out by a page that a browser on this machine shows.
BY_A_NAME = [{"Host": "rebound.example"}, {"Host": "127.0.0.1.rebound.example"}]
FROM_ELSEWHERE = BY_A_PROXY + BY_A_NAME


async def test_without_a_token_this_machine_may_operate(api: Api) -> None:
    assert await ask(api) == (200, None)
    assert await ask(api, Host="localhost") == (200, None)
    assert await ask(api, Host="[::1]:8000") == (200, None)
    # A model's key that a client sends everywhere is nobody's token.
    assert await ask(api, Authorization="Bearer sk-some-key") == (200, None)


async def nobody_may(api: Api, headers: dict[str, str]) -> None:
    assert await ask(api, **headers) == (403, "operators_only")
    answer = await api.ask("POST", f"{ROOT}/redrive", json={"all": True}, headers=headers)
    assert answer.status == 403
    assert "PROMPTMILL_API__OPERATOR_TOKEN" in answer.body["error"]["message"]
    assert (await api.ask("GET", f"{ROOT}/0-0", headers=headers)).status == 403
    assert (await api.ask("GET", "/v1/operator/overview/events", headers=headers)).status == 403


@pytest.mark.parametrize("headers", BY_A_PROXY, ids=str)
async def test_without_a_token_nobody_else_may(api: Api, headers: dict[str, str]) -> None:
    await nobody_may(api, headers)


async def test_nor_by_a_name_that_the_api_is_called_by(deployment: Deployment) -> None:
    api = await deployment.start_api(api__allowed_hosts="*")
    for headers in BY_A_NAME:
        await nobody_may(api, headers)


async def test_the_token_opens_from_anywhere_and_nothing_else_does(guarded: Api) -> None:
    right, wrong = f"Bearer {TOKEN}", "Bearer something else"
    assert await ask(guarded) == (200, None)
    assert await ask(guarded, Authorization=right) == (200, None)
    assert await ask(guarded, Authorization=wrong) == (401, "invalid_operator_token")
    for headers in FROM_ELSEWHERE:
        assert await ask(guarded, **headers) == (401, "invalid_operator_token")
        assert await ask(guarded, **headers, Authorization=wrong) == (401, "invalid_operator_token")
        assert await ask(guarded, **headers, Authorization=right) == (200, None)
    answer = await guarded.ask("GET", ROOT, headers=FROM_ELSEWHERE[0])
    assert answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in str(answer.body)
