"""SUP Messenger: worker."""
