"""Work by the trainer for a screen."""
