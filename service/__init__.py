"""The streaming service around the neuron: exact commits, on SQLite or Kafka."""
