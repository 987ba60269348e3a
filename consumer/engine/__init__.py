"""Records in, outcomes out, offsets committed. Knows Kafka; knows nothing of tasks, models or Redis.

    Kafka --Poller--> Backlog --Slots--> Handler --outcome--> Publisher --> PartitionOffsets --Committer--> Kafka
                         ^                           |
                         +------- RetryClock --------+

Each arrow with a name is one coroutine, so that none can keep another from its work. `Engine` puts them together;
`Assignment` listens to the group's rebalances.

Invariants:
- Nothing but polling is done by the coroutine that polls, and no poll is cancelled while the worker is a member.
- A record holds a slot for its handler's call only: not while it waits for a retry, nor while its outcome is published.
- An offset is done after every record of its outcome has been acknowledged, and a commit never passes one that is not.
- A commit is sent only for partitions that are ours, never during a rebalance, and never sets an offset back.
- A partition that a rebalance leaves here keeps its records; of one that goes, what is in flight finishes, and the rest
  is forgotten. A record that Kafka delivers again to a partition that stayed is dropped.
- Every lane has its own bounds of count and bytes; a record that waits, or is held, blocks no other partition.
- Draining leaves the group before the last call has ended: the partitions' next owners begin at once.
"""
