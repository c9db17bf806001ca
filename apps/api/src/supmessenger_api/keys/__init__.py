"""Keys: publishing and prekey bundles."""
