"""Campaigns against a real broker, by both clients."""
