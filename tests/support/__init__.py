"""What tests stand on: an own model server, waiting for events, real processes, real Kafka and Valkey."""
