"""Where the socket service says in the cache which devices are connected."""

from uuid import UUID


def build_device_key(device_id: UUID) -> str:
    """Return the key that is there while a device is connected."""
    return f"device-online:{device_id}"
