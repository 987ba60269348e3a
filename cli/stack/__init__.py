"""The local stack: real Kafka and Valkey, a small model and both services, run and kept running by one process.

What is to be launched is data (`child.Child`), made by one module per part: `kafka`, `valkey`, `model`, `services`.
`stack.Stack` starts the parts in the order of their needs; `supervision` replaces what ends and stops the parts in
the opposite order; `run` is the whole life of one `promptmill up`. What other programs need stands in `stack.json`
(`stack_file`); what the next run needs, should this one be killed, in a pid file per child (`pid_file`, `leftovers`).

A child never outlives its parent on Linux (`die_with_parent`), and never hears the terminal's Ctrl-C: the parent
decides who ends when. `kafka.running_kafka` and `valkey.running_valkey` run one part alone, for tests.
"""
