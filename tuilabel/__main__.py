"""Run tuilabel as `python -m tuilabel`, or as the command `tuilabel`."""

import gc


def main() -> None:
    """Run the command line; without garbage collection while it imports modules.

    Imports leave no garbage, and collecting takes a tenth of their time. `tuilabel.cli` turns the
    collector on once a command is imported.
    """
    gc.disable()
    from tuilabel.cli import main as run

    run()


if __name__ == "__main__":
    main()
