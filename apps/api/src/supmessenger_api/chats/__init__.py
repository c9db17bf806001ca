"""Chats: creating, listing."""
