"""Run tuilabel as `python -m tuilabel`."""

from tuilabel.cli import main

if __name__ == "__main__":
    main()
