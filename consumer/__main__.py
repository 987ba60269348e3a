"""A worker: `python -m consumer`, set by its environment alone. Exits 0 after a drain, 2 for settings, 1 otherwise."""

import asyncio
import gc
import sys

import structlog
import uvloop

from common.setting_loading import load_settings
from common.setting_sources import SettingsError
from common.telemetry.logging import configure_logging
from consumer.app import run_worker
from consumer.settings import SettingsForCalls
from consumer.startup import StartError

# Some hundred tasks' worth: of what a task leaves behind hardly anything needs a collection.
_ALLOCATIONS_PER_COLLECTION = 20_000


def main() -> int:
    """Run until told to stop; the exit status."""
    try:
        settings = load_settings(SettingsForCalls)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configure_logging(settings.log, "consumer")
    _spare_collections()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_worker(settings))
    except StartError as error:
        structlog.get_logger(__name__).error("cannot start", reason=error.reason, mend=error.mend)
    except Exception:  # noqa: BLE001 - the last place that can say it without an exception's own words
        structlog.get_logger(__name__).exception("worker failed")
    else:
        return 0
    return 1


def _spare_collections() -> None:
    """Look for garbage less often, and never among what was imported: it stays, and is most of what there is."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, *gc.get_threshold()[1:])


if __name__ == "__main__":
    sys.exit(main())
