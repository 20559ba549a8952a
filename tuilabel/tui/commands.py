"""The command palette: every action of the screen, found by a part of its name."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tuilabel.tui.actions import Action
from tuilabel.tui.places import WithPlaces


class ActionProvider(Provider):
    """Offers the actions of the screen that is below the palette."""

    def _entries(self) -> list[tuple[str, Action]]:
        screen = self.screen
        if not isinstance(screen, WithPlaces):
            return []
        return [
            (f"{action.label}: {action.help}", action)
            for action in screen.actions
            if action.palette
        ]

    async def discover(self) -> Hits:
        """Offer everything before anything is typed."""
        for text, action in self._entries():
            yield DiscoveryHit(text, partial(self.screen.run_action, action.id), help=_keys(action))

    async def search(self, query: str) -> Hits:
        """Offer what fits the query."""
        matcher = self.matcher(query)
        for text, action in self._entries():
            score = matcher.match(text)
            if score > 0:
                run = partial(self.screen.run_action, action.id)
                yield Hit(score, matcher.highlight(text), run, help=_keys(action))


def _keys(action: Action) -> str:
    return "key: " + " or ".join(action.shown_keys) if action.keys else "no key"
