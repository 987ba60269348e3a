"""The view of every task that clients poll: a hash per task in Redis, its result record beside it.

Every move is one Lua script: a compare-and-set that leaves no key without its TTL, and that answers a repeat with the
same fencing token as it answered the first time. All keys of a task share the `{task_id}` tag, so a script touches one
slot.

Fields of the hash, all short so that it stays compact in memory: `status run tenant lane progress attempts failures
crashes created_at expires_at started_at finished_at retry_at partition offset worker tokens moved_at`, and of the
claim: `token lease_until released`; `readmitted` where a refusal was taken back for good. Times are milliseconds. The
clock of leases is Redis's own.

Each move of status or progress is told, in the same script, on a channel that is named as the task's hash.
"""
