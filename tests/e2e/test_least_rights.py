"""The rights that docs/operations.md gives to a user of Redis are enough for both services."""

import asyncio
import re
import secrets
from pathlib import Path

from common.settings import RedisSettings
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView
from tests.support.redis_client import Redis

_PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def rights_on_the_page(key_prefix: str) -> list[str]:
    found = re.search(
        r"^\| ACL \| `([^`]+)` \|", _PAGE.read_text("utf-8").split("## Redis in production")[1], re.MULTILINE
    )
    assert found is not None
    return found[1].replace("promptmill:", key_prefix).split()


async def test_a_user_of_redis_with_the_rights_on_the_page_is_enough(
    deployment: Deployment, kafka_view: KafkaView, redis: Redis, fake_model: FakeModel
) -> None:
    name, password = f"services-{secrets.token_hex(4)}", secrets.token_hex(16)
    shared = deployment.redis
    rights = rights_on_the_page(shared.key_prefix)
    await redis.execute_command("ACL", "SETUSER", name, "on", f">{password}", *rights)  # type: ignore[no-untyped-call]  # redis has no types of it
    url = shared.url.get_secret_value().replace("redis://", f"redis://{name}:{password}@")
    deployment.redis = RedisSettings.model_validate({"url": url, "key_prefix": shared.key_prefix})
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=2)
    await kafka_view.wait_for_workers(1)
    await api.wait_until_completed(await api.submit([f"prompt {number}" for number in range(4)]))
    await fake_model.hold()
    (held,) = await api.submit(["held"])
    await fake_model.wait_for_in_flight(1)
    assert (await api.ask("POST", f"/v1/tasks/{held}/cancel")).body["status"] == "cancelled"
    # A cancellation reaches the worker by the channel, at once.
    await fake_model.wait_for_in_flight(0)
    assert (await api.ask("DELETE", f"/v1/tasks/{held}")).status == 200
    await fake_model.hold()
    (followed,) = await api.submit(["followed"], stream=True)
    waiting = asyncio.create_task(
        api.ask("GET", f"/v1/tasks/{followed}", params={"wait": "30"}), name="a GET that waits"
    )
    await fake_model.wait_for_in_flight(1)
    await fake_model.release_all()
    assert (await waiting).body["status"] == "completed"
    refused = await redis.execute_command("ACL", "LOG")  # type: ignore[no-untyped-call]  # redis has no types of it
    assert [entry for entry in refused if name.encode() in repr(entry).encode()] == []
    await redis.execute_command("ACL", "DELUSER", name)  # type: ignore[no-untyped-call]  # redis has no types of it
