"""The widgets, one file each; none of them knows the session."""
