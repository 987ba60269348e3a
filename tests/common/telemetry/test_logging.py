import io
import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog

from common.settings import LogSettings
from common.telemetry.log_context import log_context
from common.telemetry.logging import configure_logging

PROMPT = "the prompt nobody may read"


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {
        name: logger.level
        for name, logger in logging.Logger.manager.loggerDict.items()
        if isinstance(logger, logging.Logger)
    }
    yield
    root.handlers, root.level = handlers, level
    for name, kept in levels.items():
        logging.getLogger(name).setLevel(kept)
    structlog.reset_defaults()


def lines(format_: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure_logging(LogSettings.model_validate({"format": format_, "level": level}), "worker", stream)
    return stream


def test_an_event_is_one_line_of_json_with_its_fields() -> None:
    stream = lines("json")
    structlog.get_logger("consumer").info("claimed", task_id="x")
    logging.getLogger("aiokafka").warning("broker %s is away", 7)
    ours, theirs = map(orjson.loads, stream.getvalue().splitlines())
    assert (ours["event"], ours["task_id"], ours["service"], ours["level"]) == ("claimed", "x", "worker", "info")
    assert theirs["event"] == "broker 7 is away"
    assert ours["timestamp"].endswith("Z")


def test_people_get_text() -> None:
    stream = lines("console")
    structlog.get_logger().info("claimed", task_id="x")
    assert "claimed" in stream.getvalue()
    assert "task_id=x" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_what_is_no_terminal_gets_json_unless_asked_otherwise() -> None:
    stream = lines("auto")
    structlog.get_logger().info("claimed")
    assert orjson.loads(stream.getvalue())["event"] == "claimed"


@pytest.mark.parametrize("format_", ["json", "console"])
def test_an_exceptions_message_and_variables_stay_out(format_: str) -> None:
    stream = lines(format_)
    try:
        try:
            raise KeyError(PROMPT)  # noqa: TRY301 - the chain is the point
        except KeyError as error:
            raise ValueError(PROMPT) from error
    except ValueError:
        structlog.get_logger().exception("handler failed")
        logging.getLogger("asyncio").exception("callback failed")
    assert PROMPT not in stream.getvalue()
    assert stream.getvalue().count("builtins.ValueError") == 2
    assert stream.getvalue().count("builtins.KeyError") == 2
    assert "test_logging.py" in stream.getvalue()


@pytest.mark.parametrize("library", ["aiokafka.producer.producer", "openai._base_client", "httpx2", "aiohttp.client"])
def test_libraries_that_write_bodies_at_debug_do_not_get_to(library: str) -> None:
    stream = lines("json", "debug")
    logging.getLogger(library).debug("Sending value=%s", PROMPT)
    structlog.get_logger().debug("ours")
    assert PROMPT not in stream.getvalue()
    assert "ours" in stream.getvalue()


def test_no_line_is_written_for_every_call() -> None:
    stream = lines("json", "debug")
    logging.getLogger("httpx2").info("HTTP Request: POST http://model/%s", PROMPT)
    logging.getLogger("httpx2").warning("worth reading")
    assert PROMPT not in stream.getvalue()
    assert "worth reading" in stream.getvalue()


def test_uvicorn_s_word_on_each_of_its_servers_is_left_to_the_service() -> None:
    stream = lines("json", "debug")
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    logging.getLogger("uvicorn.error").warning("worth reading")
    assert [orjson.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["worth reading"]


@pytest.mark.parametrize(
    ("level", "written"), [("info", ["worth reading"]), ("debug", ["(Re-)joining", "worth reading"])]
)
def test_the_group_s_every_step_and_partition_is_for_who_asks_for_debug(level: str, written: list[str]) -> None:
    stream = lines("json", level)
    coordinator = logging.getLogger("aiokafka.consumer.group_coordinator")
    coordinator.info("(Re-)joining")
    coordinator.warning("worth reading")
    assert [orjson.loads(line)["event"] for line in stream.getvalue().splitlines()] == written


def test_the_context_s_fields_stand_in_every_event_of_the_body_and_in_no_other() -> None:
    stream = lines("json")
    log = structlog.get_logger("consumer")
    with log_context(task_id="a", offset=1):
        with log_context(task_id="b"):
            log.info("inner", run=2)
            logging.getLogger("aiokafka").warning("theirs")
        log.info("outer", offset=7)
    log.info("after")
    inner, theirs, outer, after = map(orjson.loads, stream.getvalue().splitlines())
    assert (inner["task_id"], inner["offset"], inner["run"]) == ("b", 1, 2)
    assert (theirs["task_id"], theirs["offset"]) == ("b", 1)
    assert (outer["task_id"], outer["offset"]) == ("a", 7), "an event's own fields go before those of the context"
    assert not {"task_id", "offset", "run"} & after.keys()


@pytest.mark.parametrize("value", [2**70, "\ud800", {1: "x"}, {1, 2}, object()])
def test_whatever_is_in_a_field_the_event_is_written(value: object) -> None:
    stream = lines("json")
    structlog.get_logger("consumer").info("odd", value=value)
    [line] = stream.getvalue().splitlines()
    assert '"odd"' in line


def test_an_event_says_which_logger_wrote_it() -> None:
    stream = lines("json")
    structlog.get_logger("consumer.app").info("ours")
    logging.getLogger("aiokafka.conn").warning("theirs")
    assert [orjson.loads(line)["logger"] for line in stream.getvalue().splitlines()] == [
        "consumer.app",
        "aiokafka.conn",
    ]


def test_below_the_level_nothing_is_written() -> None:
    stream = lines("json", "warning")
    structlog.get_logger("consumer").info("quiet")
    structlog.get_logger("consumer").warning("loud")
    assert [orjson.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]
