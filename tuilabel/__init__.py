"""Label images in a terminal, one keypress each, while a model learns beside you."""

__version__ = "0.1.0"

# Types are in __init__.pyi. Nothing is imported before it is used: the command line imports this
# module too.
_PLACES = {
    "Labels": "tuilabel.api",
    "SavedSession": "tuilabel.api",
    "open_session": "tuilabel.api",
    "query": "tuilabel.learn.query",
}
__all__ = list(_PLACES)


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
