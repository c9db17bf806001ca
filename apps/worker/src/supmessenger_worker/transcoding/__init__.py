"""Makes renditions of videos: what strangers uploaded is only ever opened inside a sandbox."""
