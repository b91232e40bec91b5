"""How well learners do without tuning: one pass, predict first, over many kinds of data."""
