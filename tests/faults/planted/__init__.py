"""Bugs put into the real code, one at a time, to see that the simulation and the checks find them."""
