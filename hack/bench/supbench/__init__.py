"""Measurements that compare within one run: ratios, and work per second of processor time."""
