"""What leaves a session while somebody labels, through a process of its own."""
