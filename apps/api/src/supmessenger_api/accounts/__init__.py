"""Accounts: registration and proof of the email address."""
