"""The core's speed beside river's."""
