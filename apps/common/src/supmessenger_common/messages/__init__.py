"""Storing, reading and announcing messages: one path for HTTP and sockets."""
