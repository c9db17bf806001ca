"""SUP Messenger: cli."""
