"""Events of accepted messages, on their way from the database to Kafka."""
