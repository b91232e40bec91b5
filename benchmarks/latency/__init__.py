"""How soon a prediction can be read, how soon the service is there, and what it takes of memory and log."""
