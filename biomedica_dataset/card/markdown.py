"""Templates to Markdown in which no text of a stranger takes effect.

A template is a file of the package, written in Jinja2. Every value that it prints is escaped,
unless it is marked ``safe``, which is for text of our own alone.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_ACTIVE = "&<>|`*_[]\\#!~$:@\"'\r\n"
_MATH = "$\\"  # each in an element of its own: no renderer finds $...$ or \(...\) in one text
_BARE_ADDRESS = re.compile(r"(?<=www)\.", re.IGNORECASE)  # linked without any mark around it


def render(template: str, **values: Any) -> str:
    """Return a template of the package, such as ``card/README.md.jinja``, filled with values."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    """Return where templates are, which are compiled once."""
    environment = Environment(
        loader=PackageLoader("biomedica_dataset", "."),
        autoescape=True,  # what `finalize` returns is left as it is; it escapes for HTML alone
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": code, "number": "{:,}".format}
    return environment


def escape(text: str) -> Markup:
    """Return text as it may stand in a line or a table: no markup of any kind takes effect.

    Examples
    --------
    >>> print(escape("a | <b> [x](y)"))
    a &#124; &#60;b&#62; &#91;x&#93;(y)
    """
    shown = (c for c in text if c.isprintable() or c in "\r\n")  # no controls, none of direction
    text = "".join(map(_escaped, shown))
    return Markup(_BARE_ADDRESS.sub("&#46;", text))


def _escaped(character: str) -> str:
    if character not in _ACTIVE:
        return character
    entity = f"&#{ord(character)};"
    return f"<span>{entity}</span>" if character in _MATH else entity


def code(text: str) -> Markup:
    """Return text in the font of code, where nothing takes effect but what would end it.

    Examples
    --------
    >>> print(code("image_size"), code("a`|b"))
    `image_size` `a??b`
    """
    shown = "".join(c if c.isprintable() and c not in "`|" else "?" for c in text)
    return Markup(f"`{shown}`")


def _finalize(value: Any) -> Markup:
    return value if isinstance(value, Markup) else escape(str(value))
