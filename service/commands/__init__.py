"""What the command line does, a module each; nothing in here makes anything exact."""
