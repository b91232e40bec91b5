"""How the service learns while its HTTP port is attacked."""
