"""Actions and their keys as data: presets, the user's own keys, and checks of both."""
