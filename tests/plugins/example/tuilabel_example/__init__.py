"""A plug-in of tuilabel: one example for each extension point."""
