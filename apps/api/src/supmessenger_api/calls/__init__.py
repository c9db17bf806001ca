"""Calls: ringing, joining, ending, and what the media server tells of them."""
