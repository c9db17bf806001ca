"""The tiers of tests, from style to the node, and what each needs."""
