"""Every fault there is, in the order of the table."""

from tests.faults import (
    test_api,
    test_cluster,
    test_endings,
    test_model,
    test_records,
    test_servers,
    test_store_loss,
    test_workers,
)
from tests.faults.fault import Fault


def faults_of_one_broker() -> list[Fault]:
    """Return every fault that a deployment on a single broker can suffer."""
    return [
        *test_workers.FAULTS,
        *test_api.FAULTS.values(),
        *test_servers.FAULTS,
        *test_store_loss.FAULTS,
        *test_model.FAULTS.values(),
        *test_records.FAULTS,
        *test_endings.FAULTS,
    ]


def all_faults() -> list[Fault]:
    """Return those, and what can only be done to several brokers."""
    return [*faults_of_one_broker(), *test_cluster.FAULTS]
