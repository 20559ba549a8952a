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
