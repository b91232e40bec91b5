"""The streams: one port, and an adapter for each client."""
