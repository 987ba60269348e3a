"""HTTP in, one Kafka record per prompt out; what clients poll is read from the store.

    request -> tasks.routes -> tasks.prompts -> submission -> publisher -> Kafka
                                                    |
                                                    +------> common.store (accept, refuse)
    request -> tasks.routes -> tasks.lookup -> common.store -> tasks.views -> answer

Invariants:
- A 202 is sent only when every in-sync replica has the record of each task it names.
- Only `publisher` and `kafka_link` know aiokafka; only routes, `errors` and `boundary` know HTTP.
- Clients are constructed in `__main__` alone; the rest receive them.
- No prompt reaches a log, a metric's label or an error's text.
"""
