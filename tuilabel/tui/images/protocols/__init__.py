"""Images by a graphics protocol, on request, on a terminal that has one."""
