"""What one run of one contender came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One run; the last three are read back from what it wrote, never taken from its own counting.

    Parameters
    ----------
    name
        The contender.
    records
        How many predictions a read_committed consumer finds in its output topic.
    seconds
        From the first 5,000 samples done to the last one committed, scaled to all records: without the
        start, and the same for those who work by batches, by records or by checkpoints.
    cpu_seconds
        CPU time of the client's process, all threads, over the same stretch and scaled alike.
    checksum
        The sum of all probabilities in the output; 0 where nothing is learned.
    log_loss
        Of these probabilities, in their order, with the samples' labels, clamped at 1e-15.
    """

    name: str
    records: int
    seconds: float
    cpu_seconds: float
    checksum: float
    log_loss: float
