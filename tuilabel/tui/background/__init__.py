"""Work in a child process for a screen."""
