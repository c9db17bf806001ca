"""Messages over HTTP: send, history, read pointer."""
