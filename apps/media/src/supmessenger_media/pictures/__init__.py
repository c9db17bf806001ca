"""Pictures: thumbnails and cleaned avatars, made outside the service's own process."""
