"""HTTP beside a running engine: health, predictions, metrics, the dashboard; committed state only."""
