"""The text of a formula, once, whichever of TeX, MathML and plain text the document gives for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .scripts import script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

_BODY = re.compile(r"\\begin\s*\{document\}(.*?)(?:\\end\s*\{document\}|\Z)", re.DOTALL)
_PREAMBLE = re.compile(
    r"\\(?:documentclass|usepackage|setlength|pagestyle|newcommand|def|let)\b\*?(?:\[[^\]]*\])?(?:\s*\{[^{}]*\}){0,3}"
    r"(?:\s*\{?-?[\d.]+(?:pt|mm|cm|in|em|ex)\}?)?"
)
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))
_SCRIPTS = {"msup": "^", "msub": "_", "mover": "^", "munder": "_"}


def formula_text(element: _Element) -> str:
    """Return TeX between dollars, else the text of the MathML, else the element's own text.

    Pictures of formulas give no text.
    """
    tag = _local(element)
    tex = element if tag == "tex-math" else next(element.iter("{*}tex-math"), None)
    if tex is not None:
        body = tex_body("".join(tex.itertext()))
        return f"${body}$" if body else ""
    math = element if tag == "math" else next(element.iter("{*}math"), None)
    if math is not None:
        return " ".join(_math(math).split())
    return "".join(_plain(element))


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


def _local(element: _Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _math(element: _Element) -> str:
    tag, children = _local(element), [child for child in element if isinstance(child.tag, str)]
    if tag in _SCRIPTS and len(children) == 2:
        return _math(children[0]) + script(_math(children[1]), _SCRIPTS[tag])
    if tag in ("msubsup", "munderover") and len(children) == 3:
        base, low, high = map(_math, children)
        return base + script(low, "_") + script(high, "^")
    if tag == "mfrac" and len(children) == 2:
        return "/".join(_grouped(_math(child).strip()) for child in children)
    if tag == "msqrt":
        return "√" + _grouped("".join(map(_math, children)).strip())
    if tag in ("annotation", "annotation-xml", "maction"):
        return "".join(map(_math, children[:1])) if tag == "maction" else ""
    if tag == "semantics":
        return "".join(map(_math, children[:1]))
    if not children:
        # White space around a token is layout of the file; inside mtext it is text.
        text = "".join(element.itertext())
        return text if tag == "mtext" else text.strip() or (" " if tag == "mspace" else "")
    return "".join(map(_math, children))


def _grouped(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"


def _plain(element: _Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        tag = _local(child)
        if tag in ("sup", "sub"):
            yield script("".join(_plain(child)), "^" if tag == "sup" else "_")
        elif tag not in ("graphic", "inline-graphic", "alt-text", "long-desc", ""):
            yield from _plain(child)
        yield child.tail or ""
