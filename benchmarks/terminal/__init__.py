"""Cost of the screen on a real terminal: ``python -m benchmarks.terminal --mnist DIR``."""
