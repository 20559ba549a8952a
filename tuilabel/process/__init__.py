"""What the process owes its terminal and its user: signals and crash reports."""
