"""SUP Messenger: common."""
