"""What `kubectl sup doctor` looks at: evidence is gathered first, then judged without I/O."""
