"""Label images in a terminal, one keypress each, while a model learns beside you."""

__version__ = "0.1.0"
