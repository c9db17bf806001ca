"""The instance's checker: one module for each way of asking."""
