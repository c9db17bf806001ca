"""Wakes devices that are not connected, without telling providers what was said or by whom."""
