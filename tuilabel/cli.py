"""The command line: names of commands, errors, exit codes; nothing else."""

from __future__ import annotations

import io
import signal
import sys
from importlib import import_module
from typing import Any

import click

from tuilabel import __version__
from tuilabel.errors import TuilabelError
from tuilabel.process.signals import SIGNALS

_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_LONGEST_MESSAGE = 2000

COMMANDS = {
    "label": ("label", "label", "Label images (the default command)."),
    "demo": ("label", "demo", "Watch the ground truth press the keys."),
    "home": ("label", "home", "Choose among your sessions and sources."),
    "show": ("show", "show", "Show images and what is known about them."),
    "status": ("session", "status_", "Show a session's progress."),
    "export": ("session", "export", "Export labels."),
    "autolabel": ("session", "autolabel_", "Let the model label the rest, and measure the result."),
    "repair": ("session", "repair", "Recover what a damaged session file still holds."),
    "simulate": ("simulate", "simulate", "Compare strategies, with the ground truth as annotator."),
    "settings": ("about", "settings_", "Show the settings in effect and where each comes from."),
    "doctor": ("about", "doctor", "Show what this terminal and this installation can do."),
}
"""Each command's file in `tuilabel.commands`, its function there, and its line in the help.

A command's file is imported when the command is called: the help needs none of them.
"""


class _Group(click.Group):
    """A group whose command `label` may be left out, and whose commands are imported late."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        file, function, _ = COMMANDS[cmd_name]
        command = getattr(import_module(f"tuilabel.commands.{file}"), function)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in self.list_commands(ctx)])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"--version", *ctx.help_option_names}
        if not ctx.resilient_parsing and (
            not args or (args[0] not in COMMANDS and args[0] not in own)
        ):
            args = ["label", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # A name that the locale has no characters for is no reason to fail.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except TuilabelError as error:
            from tuilabel.text import inert

            click.echo(f"tuilabel: {inert(str(error), _LONGEST_MESSAGE)}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(128 + signal.SIGINT)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001  (it is reported, and ends the program)
            from tuilabel.commands.screen import say_crashed

            ctx.exit(say_crashed(error))
        finally:
            SIGNALS.put_back()


@click.group(cls=_Group, context_settings=_HELP)
@click.version_option(__version__, prog_name="tuilabel")
def main() -> None:
    """Label images in a terminal, one keypress each, while a model learns beside you.

    Without a command it labels: `tuilabel` goes on where the last session was left, `tuilabel
    SOURCE` opens digits, mnist, mnist:DIR, a folder of images or an .npz file.
    """
