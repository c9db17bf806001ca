"""The only code that asks the running platform how it is."""
