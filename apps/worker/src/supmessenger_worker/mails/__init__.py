"""Mails: their words, and the way to the mail server."""
