"""Files: what people upload, and how they get it back."""
