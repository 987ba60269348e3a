from tests.producer_api.conftest import Service

PROMPT = "a kingfisher nobody may read about"


async def test_no_accepted_prompt_reaches_the_log_at_any_level(service: Service) -> None:
    chat = {"messages": [{"role": "user", "content": PROMPT}], "metadata": {"note": PROMPT}}
    await service.api.submit([PROMPT, chat], model=PROMPT)
    await service.api.ask("GET", "/v1/tasks", params={"task_ids": PROMPT})
    log = service.process.log()
    assert '"level":"debug"' in log
    assert '"route":"/v1/tasks"' in log
    assert PROMPT not in log
