"""Processes without processes: each has an event loop of its own, all of them one clock that only the test moves.

`process` runs code as if it were a process: it can be halted, killed, and stepped against others. `kafka_log` and
`kafka_group` are a broker's memory, `kafka_clients` what a process holds of aiokafka; `store_link` is a process's way
to a real Valkey. A `Link` decides what becomes of a process's requests.
"""
