"""What was said: the events of a session as values, and as lines of JSON; no file is opened."""
