"""`tuilabel.learn` in a child process that does jobs.

`worker` and `workbench` are the child; `client`, `runner` and `queue` are its parent; `jobs` and
`messages` are what they send each other.
"""
