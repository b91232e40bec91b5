"""Each peer as its own users would write it: a program of its own, which knows nothing of the others."""
