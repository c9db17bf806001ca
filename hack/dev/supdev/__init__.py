"""Local processes instead of a cluster: what `make dev` runs and what it needs."""
