"""What the API and the workers must agree on, and nothing else.

Data flows one way through here: JSON -> schema -> `Task` -> record -> bytes, then bytes -> record -> `Task` ->
outcome -> store -> JSON. Each arrow converts once.

Invariants:
- Nothing here knows HTTP requests, consumer groups or models.
- Nothing is built at import; clients are constructed by `connections`, which only composition roots call.
- Kafka is the record, Redis is a view of it.
"""
