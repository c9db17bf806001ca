"""The Job that makes the buckets of an instance and a user with few rights for each service."""
