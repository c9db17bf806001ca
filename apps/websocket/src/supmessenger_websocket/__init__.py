"""SUP Messenger: websocket."""
