"""The whole service on each stream, beside the same stream's bare loop."""
