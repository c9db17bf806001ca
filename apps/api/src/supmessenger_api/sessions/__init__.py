"""Sessions: log in, refresh, list, end."""
