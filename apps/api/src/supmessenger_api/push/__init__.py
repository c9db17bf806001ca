"""Push: where a device that is not connected can be woken."""
