"""SUP Messenger: media."""
