"""The manual page, made from the help of the commands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import click

_SECTIONS = (
    (
        "EXIT STATUS",
        (
            ("0", "Done."),
            ("1", "Failed."),
            ("2", "Wrong usage, or input that cannot be used."),
            ("70", "tuilabel crashed. This is a bug."),
            ("128 and more", "Ended by a signal."),
        ),
    ),
    (
        "ENVIRONMENT",
        (("TUILABEL_THEME, TUILABEL_KEYMAP, ...", "Settings; `tuilabel settings` lists them."),),
    ),
    ("FILES", (("settings.toml", "Settings; `tuilabel settings` shows the path."),)),
)


def man_page(group: click.Group, version: str, examples: Iterable[tuple[str, str]]) -> str:
    """Return the manual page of a program in roff, for section 1.

    Parameters
    ----------
    group : click.Group
        The program; its name is that of the page.
    version : str
    examples : iterable of (str, str)
        Command lines and what they do.
    """
    name = str(group.name)
    context = click.Context(group, info_name=name, **group.context_settings)
    summary, _, description = (group.help or "").partition("\n\n")
    commands = [(word, group.get_command(context, word)) for word in group.list_commands(context)]
    lines = [
        f'.TH {name.upper()} 1 "" "{name} {version}" "User Commands"',
        ".SH NAME",
        f"{name} \\- {_text(summary[0].lower() + summary[1:]).rstrip('.')}",
        ".SH SYNOPSIS",
        f".B {name}",
        _text("[OPTIONS] COMMAND [ARGS]..."),
        ".SH DESCRIPTION",
        *_paragraphs(description),
        ".SH OPTIONS",
        *_options(group, context),
        *_term(", ".join(context.help_option_names), "Show this help, or a command's."),
        ".SH COMMANDS",
    ]
    for word, command in commands:
        assert command is not None
        own = click.Context(command, info_name=word, parent=context)
        lines += [
            f".SS {_text(word)}",
            f".B {_text(f'{name} {word}')}",
            _text(" ".join(command.collect_usage_pieces(own))),
            *_paragraphs(command.help or ""),
            *_options(command, own),
        ]
    for section, rows in (*_SECTIONS, ("EXAMPLES", examples)):
        lines.append(f".SH {section}")
        for term, meaning in rows:
            lines += _term(term, meaning)
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield from (".PP", _text(" ".join(paragraph.split())))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.params:
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            yield from _term(*record)


def _term(term: str, meaning: str) -> tuple[str, str, str]:
    return ".TP", f".B {_text(term)}", _text(meaning)


def _text(text: str) -> str:
    """Return text as roff shows it: a hyphen to copy, and code in bold."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    escaped = re.sub(r"^\.", "\\\\&.", escaped)
    return re.sub(r"`([^`]+)`", r"\\fB\1\\fR", escaped)
