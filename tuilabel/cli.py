"""The command line: names of commands, errors, exit codes; nothing else."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from tuilabel import __version__
from tuilabel.errors import TuilabelError
from tuilabel.process.signals import SIGNALS
from tuilabel.process.umask import UMASK

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_LONGEST_MESSAGE = 2000

COMMANDS = {
    "label": ("label", "label", "Label images (the default command)."),
    "demo": ("label", "demo", "Watch the ground truth label images."),
    "home": ("label", "home", "Choose among your sessions and sources."),
    "view": ("view", "view", "Look at images and mark some."),
    "show": ("show", "show", "Show images and what is known about them."),
    "status": ("session", "status_", "Show a session's progress."),
    "export": ("export", "export", "Export labels."),
    "import": ("importing", "import_", "Import labels from a file or from class folders."),
    "autolabel": ("session", "autolabel_", "Label the remaining images with the model."),
    "model": ("models", "model", "Write a session's model to a file."),
    "predict": ("models", "predict", "Predict the classes of images with a model in a file."),
    "carry": ("session", "carry_", "Keep labels where only a file's metadata changed."),
    "classes": ("classes", "classes_", "List or change the classes of a session."),
    "check": ("session", "check", "Check a session for damaged and missing parts."),
    "merge": ("annotators", "merge", "Merge the labels of one session into another."),
    "share": ("annotators", "share", "Share a session with a group of users."),
    "simulate": ("simulate", "simulate", "Compare strategies, with ground truth as the annotator."),
    "cache": ("about", "cache_", "Show or remove what is cached."),
    "settings": ("about", "settings_", "Show the settings in effect and where each comes from."),
    "doctor": ("about", "doctor", "Show what this terminal and this installation can do."),
}
"""Each command's file in `tuilabel.commands`, its function there, and its line in the help.

A command's file is imported when the command is called: the help needs none of them.
"""

EXAMPLES = (
    ("tuilabel demo", "Watch the ground truth label images."),
    ("tuilabel photos --classes cat,dog", "Label the images in a folder."),
    ("tuilabel export photos -o labels.csv", "Write their labels to a file."),
)


class _Group(click.Group):
    """A group whose command `label` may be left out, and whose commands are imported late."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        file, function, _ = COMMANDS[cmd_name]
        command = getattr(import_module(f"tuilabel.commands.{file}"), function)
        gc.enable()
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in self.list_commands(ctx)])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            formatter.write_dl(EXAMPLES, col_max=40)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"--version", *ctx.help_option_names, *COMMANDS}
        is_completion = ctx.resilient_parsing
        if args and args[0] not in own and not is_completion:
            meant = _meant(args[0])
            if meant is not None:
                _report(f"{args[0]!r} is neither a command nor a source; did you mean `{meant}`?")
                ctx.exit(2)
        # The first word may still become a command while a shell completes it.
        if (args and args[0] not in own) or not (args or is_completion):
            args = ["label", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Complete commands, and what `label` takes, which may be left out."""
        from tuilabel.commands.completion import SOURCE_FILES, SOURCES, offered

        if incomplete.startswith("-"):
            label = self.get_command(ctx, "label")
            assert label is not None
            found = [
                *click.Command.shell_complete(self, ctx, incomplete),
                *label.shell_complete(click.Context(label, parent=ctx), incomplete),
            ]
            return list({item.value: item for item in found}.values())
        commands = {name: line for name, (_, _, line) in COMMANDS.items()}
        return offered(incomplete, {**commands, **SOURCES}, SOURCE_FILES)

    def invoke(self, ctx: click.Context) -> Any:
        ctx.with_resource(UMASK.private())
        for stream in (sys.stdout, sys.stderr):
            # A name that the locale has no characters for is no reason to fail.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        from tuilabel.commands.served import SENTENCE, is_served, show_on_page

        if is_served():
            show_on_page(SENTENCE)
            click.echo(SENTENCE, err=True)
            ctx.exit(2)
        try:
            return super().invoke(ctx)
        except TuilabelError as error:
            _report(str(error))
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(128 + signal.SIGINT)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001  (it is reported, and ends the program)
            from tuilabel.commands.screen import report_failure

            ctx.exit(report_failure(error))
        finally:
            SIGNALS.restore_terminal()


def _report(message: str) -> None:
    from tuilabel.commands.text import wrapped
    from tuilabel.text import inert

    sentence = f"tuilabel: {inert(message, _LONGEST_MESSAGE)}"
    click.echo(wrapped(sentence, sys.stderr), err=True)


def _meant(word: str) -> str | None:
    """Return the command line that a word was probably meant to be; None if it may be a source."""
    from tuilabel.plugins import split_source

    is_option_or_path = word.startswith("-") or os.sep in word or os.path.lexists(word)
    if is_option_or_path or split_source(word)[0]:
        return None
    if word == "help":
        return "tuilabel --help"
    from difflib import get_close_matches

    close = get_close_matches(word, COMMANDS, 1)
    return f"tuilabel {close[0]}" if close else None


@click.group("tuilabel", cls=_Group, context_settings=_HELP)
@click.version_option(__version__, prog_name="tuilabel")
def main() -> None:
    """Label images in a terminal, one keypress each, while a model learns beside you.

    Without a command, label images: `tuilabel` continues the last session, `tuilabel SOURCE` opens
    digits, mnist, mnist:DIR, a folder of images, an .npz file, a .csv table, a list of paths in a
    text file or, with -, on standard input, or the files that match a pattern.
    """
