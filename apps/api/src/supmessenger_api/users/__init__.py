"""Users: profiles."""
