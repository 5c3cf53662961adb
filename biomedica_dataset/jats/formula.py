"""The text of TeX and MathML."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from .scripts import script
from .tree import MATHML, words

if TYPE_CHECKING:
    from lxml.etree import _Element

_BODY = re.compile(r"\\begin\s*\{document\}(.*?)(?:\\end\s*\{document\}|\Z)", re.DOTALL)
_PREAMBLE = re.compile(
    r"\\(?:documentclass|usepackage|setlength|pagestyle|newcommand|def|let)\b\*?"
    r"(?:\[[^\]]{0,99}\])?(?:\s{0,9}\{[^{}]{0,99}\}){0,3}"
    r"(?:\s{0,9}\{?-?[\d.]{1,9}(?:pt|mm|cm|in|em|ex)\}?)?"
)
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))
_SCRIPTS = {"msup": "^", "msub": "_", "mover": "^", "munder": "_"}


def tex_text(element: _Element) -> str:
    """Return the body of a ``tex-math`` between dollars."""
    body = tex_body(words(element))
    return f"${body}$" if body else ""


def tex_body(source: str) -> str:
    r"""Return TeX without LaTeX preamble, document environment and dollars, white space folded.

    Examples
    --------
    >>> tex_body(r"\documentclass[12pt]{minimal}\begin{document}$$x^2$$\end{document}")
    'x^2'
    """
    found = _BODY.search(source)
    body = found[1] if found else _PREAMBLE.sub("", source)
    body = " ".join(body.split())
    for left, right in _DELIMITERS:
        if body.startswith(left) and body.endswith(right) and len(body) >= len(left) + len(right):
            body = body[len(left) : -len(right)].strip()
    return body


def math_text(element: _Element) -> str:
    """Return the text of MathML on one line, scripts, fractions and roots marked."""
    return " ".join(_math(element).split())


def _math(element: _Element) -> str:
    # map, not a comprehension, whose frames would count towards Python's recursion limit.
    rule = _RULES.get(element.tag)
    if rule is not None:
        return rule(element)
    if len(element):
        return "".join(map(_math, element))
    # White space around a token is only layout.
    return (element.text or "").strip()


def _script(mark: str) -> Callable[[_Element], str]:
    def rule(element: _Element) -> str:
        parts = list(map(_math, element))
        return parts[0] + script(" ".join(parts[1:]), mark) if parts else ""

    return rule


def _both_scripts(element: _Element) -> str:
    parts = list(map(_math, element))
    if len(parts) != 3:
        return "".join(parts)
    return parts[0] + script(parts[1], "_") + script(parts[2], "^")


def _indexed_root(element: _Element) -> str:
    parts = list(map(_math, element))
    return script("".join(parts[1:]), "^") + "√" + _grouped("".join(parts[:1]))


def _fenced(element: _Element) -> str:
    inner = (element.get("separators", ",").strip()[:1] or "").join(map(_math, element))
    return f"{element.get('open', '(')}{inner}{element.get('close', ')')}"


def _grouped(text: str) -> str:
    text = text.strip()
    return text if len(text) < 2 or text.isalnum() else f"({text})"


_RULES: dict[object, Callable[[_Element], str]] = {
    f"{namespace}{tag}": rule
    for tag, rule in (
        *((tag, _script(mark)) for tag, mark in _SCRIPTS.items()),
        *((tag, _both_scripts) for tag in ("msubsup", "munderover")),
        ("mfrac", lambda element: "/".join(map(_grouped, map(_math, element)))),
        ("msqrt", lambda element: "√" + _grouped("".join(map(_math, element)))),
        ("mroot", _indexed_root),
        ("mfenced", _fenced),
        ("semantics", lambda element: "".join(map(_math, element[:1]))),
        ("maction", lambda element: "".join(map(_math, element[:1]))),
        ("mtd", lambda element: f" {''.join(map(_math, element))} "),
        ("mtext", words),
        ("mspace", lambda _element: " "),
    )
    for namespace in (MATHML, "")
}
