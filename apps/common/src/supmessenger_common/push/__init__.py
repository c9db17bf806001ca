"""What the API and the worker agree on about push: how tokens are kept, which hosts are called."""
