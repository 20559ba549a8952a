"""The applications: start, frames, endings, palette."""
