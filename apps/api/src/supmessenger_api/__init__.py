"""SUP Messenger: api."""
