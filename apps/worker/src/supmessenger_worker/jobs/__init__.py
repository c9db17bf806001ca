"""Jobs: one module for each family of kinds."""
