"""Speed, as ratios, with the contenders alternating in one run."""
