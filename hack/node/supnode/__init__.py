"""A one-node Kubernetes built from published Go modules and Debian packages."""
