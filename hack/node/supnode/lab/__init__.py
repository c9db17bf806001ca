"""A Docker engine and a kind node image of our own, so that kind is tested where neither is."""
