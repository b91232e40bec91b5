"""The real engine over a model of the broker, in virtual time, by seed."""
