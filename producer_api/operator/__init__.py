"""`/v1/operator`: what the people who run the service look at and do; the command line and the dashboard use it.

request -> guard -> routes -> letter_log -> Kafka
                      |
                      +----> redrive -> common.store (run n+1) -> publisher -> Kafka
"""
