"""Instructions a message: what must not get worse, counted instead of timed."""
