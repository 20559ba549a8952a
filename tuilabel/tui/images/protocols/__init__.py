"""Images by a graphics protocol, for whoever wishes it on a terminal that has one."""
