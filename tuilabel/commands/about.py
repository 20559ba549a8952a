"""Commands about this installation: its settings, and what the terminal can do."""

from __future__ import annotations

from typing import Any

import click

from tuilabel.commands.options import session_argument, setting_options


@click.command("settings")
@session_argument
@setting_options()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def settings_(session: str | None, as_json: bool, **flags: Any) -> None:
    """Show the settings in effect and where each comes from.

    F is a session or the source it was made for; with it, the settings that the session was
    last opened with are included. The options are those of `label`: see what they would change.
    """
    import json

    from tuilabel.settings import (
        Settings,
        config_file,
        find,
        settings_lines,
        settings_object,
    )
    from tuilabel.tui.keymap.resolved import keymap_of
    from tuilabel.workspace.opening import stored_settings
    from tuilabel.workspace.places import find_session

    path = None if session is None else find_session(session)
    found = find(flags, None if path is None else stored_settings(path))
    if as_json:
        click.echo(json.dumps(settings_object(found, config_file(), path), ensure_ascii=False))
    else:
        for line in settings_lines(found, config_file(), path):
            click.echo(line)
    # Last: a mistake in the keys can be seen in the lines above.
    keymap_of(Settings(**{name: value for name, (value, _) in found.items()}))


@click.command("doctor")
def doctor() -> None:
    """Show what this terminal and this installation can do."""
    from tuilabel.plugins import plugin_lines
    from tuilabel.tui.images.protocols.support import protocols_here
    from tuilabel.tui.terminal.doctor import doctor_lines
    from tuilabel.tui.text.theme import theme_for

    for line in (*doctor_lines(theme_for, protocols_here), *plugin_lines()):
        click.echo(line)


@click.command("cache")
@click.option("--clear", is_flag=True, help="Remove all of it.")
def cache_(clear: bool) -> None:
    """Show or remove what is cached.

    It can be made again from your images, and MNIST can be downloaded again. Sessions are not in
    the cache.
    """
    from tuilabel.errors import TuilabelError
    from tuilabel.settings import resolve
    from tuilabel.text import counted, inert, shown_path, size_text
    from tuilabel.workspace import cache
    from tuilabel.workspace.places import cache_place

    root = cache_place().root
    found = cache.entries(root)
    if not clear:
        for line in cache.lines(found, resolve({}).cache_size):
            click.echo(line)
        return
    problems = cache.clear(root)
    left = sum(entry.size for entry in cache.entries(root))
    removed = sum(entry.size for entry in found) - left
    click.echo(f"{size_text(removed)} removed from {shown_path(root)}.")
    if problems:
        raise TuilabelError(
            f"{counted(len(problems), 'file')} cannot be removed ({inert(problems[0])}): "
            "make their folders writable."
        )
