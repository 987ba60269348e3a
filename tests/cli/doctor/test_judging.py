"""What follows from what was seen; the faults themselves are planted in `test_planted_faults`."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from cli.addresses import ApiAddress
from cli.doctor.api import ApiSeen, judge_api, judge_workers
from cli.doctor.clocks import FAILURE_SECONDS, WARNING_SECONDS, Clock, judge_clocks
from cli.doctor.disk import DiskSeen, judge_disk
from cli.doctor.finding import Finding, Level, Unanswered
from cli.doctor.kafka import KafkaSeen, judge_group, judge_kafka, judge_topics
from cli.doctor.model import ModelSeen, judge_model
from cli.doctor.redis import RedisSeen, judge_redis
from cli.doctor.settings import judge_settings
from cli.doctor.versions import judge_versions
from common.settings import KafkaSettings, TaskSettings
from common.topic_report import GroupLag, TopicReport
from common.topics import TopicState, topic_specs
from consumer.settings import LlmSettings

GIB = 1024**3
KAFKA = KafkaSettings(replication_factor=1, min_insync_replicas=1, task_partitions=2)
SPECS = topic_specs(KAFKA, TaskSettings())
API = ApiAddress("http://here", "of the test")
HEALTHY = {"redis_version": "7.2.4", "cluster_enabled": "0", "role": "master", "aof_enabled": "1"}


def level_of(findings: list[Finding]) -> Level:
    """The worst; and that each that is not ok has its mend, and no other."""
    assert findings
    for finding in findings:
        assert (finding.mend is None) == (finding.level is Level.OK)
    return max((finding.level for finding in findings), key=list(Level).index)


def redis(*, save: str | None = "", **info: str) -> RedisSeen:
    return RedisSeen(HEALTHY | info, save=save, ahead_seconds=0, within_seconds=0)


@pytest.mark.parametrize(
    ("seen", "level", "said"),
    [
        (redis(), Level.OK, "Redis 7.2.4"),
        (redis(valkey_version="9.1.2"), Level.OK, "Valkey 9.1.2"),
        (redis(aof_enabled="0", save="3600 1"), Level.OK, "keeps"),
        (redis(aof_enabled="0", save=None), Level.WARNING, "hides"),
        (redis(redis_version="6.0.9"), Level.OK, "6.0.9"),
        (redis(redis_version="x"), Level.FAILURE, "too old"),
        (redis(cluster_enabled="1"), Level.FAILURE, "cluster"),
        (redis(role="slave", master_host="there", master_port="1"), Level.FAILURE, "replica"),
        (redis(maxmemory="0", maxmemory_policy="allkeys-lru"), Level.WARNING, "allkeys-lru"),
        (redis(maxmemory="100", maxmemory_policy="allkeys-lru"), Level.FAILURE, "allkeys-lru"),
        (redis(maxmemory="100", used_memory="95"), Level.FAILURE, "95%"),
        (redis(maxmemory="100", used_memory="50"), Level.OK, "keeps"),
        (redis(aof_last_write_status="err"), Level.FAILURE, "log could not be written"),
        (redis(rdb_last_bgsave_status="err"), Level.FAILURE, "snapshot could not be written"),
        (Unanswered("refused"), Level.FAILURE, "refused"),
    ],
)
def test_redis_is_judged_by_what_it_says_of_itself(seen: RedisSeen | Unanswered, level: Level, said: str) -> None:
    findings = judge_redis(seen)
    assert level_of(findings) is level
    assert said in findings[0].found


@pytest.mark.parametrize(
    ("seen", "level", "said"),
    [
        (ModelSeen(200, ["gpt-5-mini", "b"]), Level.OK, "gpt-5-mini"),
        (ModelSeen(200, ["gpt-5-mimi"]), Level.FAILURE, "did you mean gpt-5-mimi?"),
        (ModelSeen(200, ["x", "y"]), Level.FAILURE, "one it has: x, y"),
        (ModelSeen(200, []), Level.FAILURE, "none"),
        (ModelSeen(200, None), Level.WARNING, "no list of models"),
        (ModelSeen(404, None), Level.WARNING, "/v1"),
        (ModelSeen(401, None), Level.FAILURE, "requests without a key"),
        (ModelSeen(403, None), Level.FAILURE, "PROMPTMILL_LLM__API_KEY"),
        (ModelSeen(503, None), Level.WARNING, "HTTP 503"),
        (ModelSeen(429, None), Level.WARNING, "HTTP 429"),
        (Unanswered("Connection refused"), Level.FAILURE, "PROMPTMILL_LLM__BASE_URL"),
    ],
)
def test_the_model_is_judged_by_its_list_of_models(seen: ModelSeen | Unanswered, level: Level, said: str) -> None:
    findings = judge_model(seen, LlmSettings())
    assert level_of(findings) is level
    assert said in f"{findings[0].found} {findings[0].mend}"


def kafka(*, brokers: int = 1, members: int = 1, lag: int = 0, in_sync: int = 1) -> KafkaSeen:
    lags = (GroupLag("g", lag, members, {}),)
    return KafkaSeen(
        brokers=brokers,
        states={spec.name: TopicState(spec.partitions, 1, spec.config) for spec in SPECS},
        reports={
            spec.name: TopicReport(spec.name, 2, 1, in_sync, 0, lags if "tasks" in spec.name else (), None, ())
            for spec in SPECS
        },
    )


def test_kafka_and_its_topics_and_group_are_well() -> None:
    assert level_of(judge_kafka(kafka(), KAFKA)) is Level.OK
    assert level_of(judge_topics(kafka(), SPECS)) is Level.OK
    assert level_of(judge_group(kafka(lag=7))) is Level.OK


def test_fewer_brokers_than_copies_are_a_failure() -> None:
    [finding] = judge_kafka(kafka(brokers=1), KafkaSettings())
    assert finding.level is Level.FAILURE
    assert "at most 1" in (finding.mend or "")


def test_copies_that_are_not_in_sync_are_a_warning() -> None:
    assert level_of(judge_topics(kafka(in_sync=0), SPECS)) is Level.WARNING


def test_a_group_without_members_is_a_failure_also_where_nothing_waits() -> None:
    assert level_of(judge_group(kafka(members=0, lag=3))) is Level.FAILURE
    # In each of the two lanes.
    assert "6 records wait" in judge_group(kafka(members=0, lag=3))[0].found
    assert level_of(judge_group(kafka(members=0))) is Level.FAILURE


def test_what_a_fault_hides_is_not_said_to_be_one_of_its_own() -> None:
    away = Unanswered("refused")
    assert [finding.level for finding in (*judge_topics(away, SPECS), *judge_group(away))] == [Level.WARNING] * 2


def worker(state: str, *, version: str = "1", hindrances: tuple[str, ...] = ()) -> dict[str, object]:
    return {"worker": f"w-{state}", "state": state, "version": version, "hindrances": list(hindrances)}


@pytest.mark.parametrize(
    ("workers", "level", "said"),
    [
        ([worker("working")], Level.OK, "1 working"),
        ([worker("working"), worker("silent")], Level.WARNING, "w-silent was not heard of"),
        ([worker("working"), worker("hindered", hindrances=("brake on",))], Level.WARNING, "brake on"),
        ([worker("hindered")], Level.FAILURE, "takes no records"),
        ([], Level.FAILURE, "no worker was heard of"),
        (None, Level.WARNING, "does not show them: why"),
    ],
)
def test_workers_are_judged_one_by_one(workers: list[dict[str, object]] | None, level: Level, said: str) -> None:
    findings = judge_workers(ApiSeen("1", workers=workers, hidden=None if workers is not None else "why"))
    assert level_of(findings) is level
    assert said in findings[0].found


def test_an_api_that_takes_no_tasks_says_why() -> None:
    assert level_of(judge_api(ApiSeen("1"), API)) is Level.OK
    assert level_of(judge_api(ApiSeen("1", trouble="store_unavailable"), API)) is Level.FAILURE
    assert level_of(judge_api(ApiSeen("1", unsaid="HTTP 404"), API)) is Level.WARNING
    assert level_of(judge_api(ApiSeen(None), API)) is Level.FAILURE
    assert level_of(judge_api(Unanswered("refused"), API)) is Level.FAILURE


@pytest.mark.parametrize(
    ("api", "workers", "level"),
    [
        ("1", ["1", "1"], Level.OK),
        ("2", ["2"], Level.WARNING),
        ("1", ["1", "2"], Level.WARNING),
        (None, [], Level.OK),
        (None, ["2"], Level.WARNING),
    ],
)
def test_versions_that_differ_are_a_warning(api: str | None, workers: list[str], level: Level) -> None:
    assert level_of(judge_versions("1", api, [worker("working", version=each) for each in workers])) is level


@given(st.floats(-1e6, 1e6), st.floats(0, 100))
def test_a_clock_differs_only_by_what_is_beyond_doubt(ahead: float, within: float) -> None:
    level = level_of(judge_clocks([Clock("Redis", ahead, within)], ()))
    least = abs(ahead) - within
    expected = Level.FAILURE if least >= FAILURE_SECONDS else Level.WARNING if least >= WARNING_SECONDS else Level.OK
    assert level is expected


def test_records_of_times_to_come_are_a_failure_and_no_clock_at_all_a_warning() -> None:
    assert level_of(judge_clocks([Clock("Redis", 0, 0)], ["tasks"])) is Level.FAILURE
    assert level_of(judge_clocks([], ())) is Level.WARNING


@pytest.mark.parametrize(
    ("free_gib", "level"), [(0.5, Level.FAILURE), (1, Level.WARNING), (4.9, Level.WARNING), (5, Level.OK)]
)
def test_a_disk_is_judged_by_what_is_free(free_gib: float, level: Level) -> None:
    seen = DiskSeen(Path("/there"), round(free_gib * GIB), 100 * GIB)
    assert level_of(judge_disk(seen, least_gib=1)) is level


def test_a_folder_that_cannot_be_written_is_a_failure() -> None:
    assert level_of(judge_disk(Unanswered("no"), least_gib=1)) is Level.FAILURE


def test_each_setting_at_fault_is_a_failure_with_its_mend() -> None:
    assert level_of(judge_settings([], of_stack=False)) is Level.OK
    findings = judge_settings(["A: is no setting; did you mean B?", "C: should be less"], of_stack=False)
    assert [finding.found for finding in findings] == ["A is no setting", "C should be less"]
    assert findings[0].mend == "did you mean B? else unset A"
    [lacking] = judge_settings(["A: is not set, and it must be: set it, or B"], of_stack=False)
    assert (lacking.found, lacking.mend) == ("A is not set, and it must be", "set it, or B")
    [together] = judge_settings(["A (5) must be at most B (3)"], of_stack=False)
    assert (together.found, together.mend) == (
        "A (5) must be at most B (3)",
        "set them so; promptmill settings says what each is for",
    )
    assert level_of(findings) is Level.FAILURE
