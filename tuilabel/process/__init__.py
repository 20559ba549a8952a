"""The process: its signals and crash reports."""
