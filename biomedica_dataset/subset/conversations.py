"""Questions and answers about a figure, by templates: from its caption, panels, text and table."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.typed import typed
from biomedica_dataset.jats.panels.mentions import citing_sentences

_SHIPPED = files("biomedica_dataset") / "subset/conversations.json"
_LETTER, _TEXT = "letter", "text"


@dataclass(frozen=True, slots=True)
class Template:
    """Questions, of which one is asked, and the answer with ``{text}`` in it."""

    questions: list[str]
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """A template for each kind of answer; questions about a panel have ``{letter}`` in them."""

    caption: Template
    panel: Template
    context: Template
    table: Template

    def __post_init__(self) -> None:
        """Check that there are questions, and the placeholders."""
        for one in fields(self):
            template: Template = getattr(self, one.name)
            if not template.questions:
                msg = f"{one.name}.questions must have one or more"
                raise ValueError(msg)
            for question in template.questions:
                wanted = {_LETTER} if one.name == "panel" else set()
                _check(question, f"{one.name}.questions", wanted)
            _check(template.answer, f"{one.name}.answer", {_TEXT})


def _check(template: str, where: str, wanted: set[str]) -> None:
    try:
        found = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError:  # a brace that stands alone
        found = {template}
    if found != wanted:
        has = " and ".join(f"{{{name}}}" for name in sorted(wanted)) or "no placeholder"
        msg = f"{where} must have {has}, not {template!r}"
        raise ValueError(msg)


def read_templates(path: str | os.PathLike[str] | None) -> Templates:
    """Return the templates of a file of JSON; those of the package without one.

    Raises
    ------
    UsageError
        The file cannot be read, or a template lacks its placeholder.

    Examples
    --------
    >>> read_templates(None).panel.questions[0]
    'What does panel {letter} show?'
    """
    if path is None:
        return typed(Templates, _SHIPPED.read_bytes())
    try:
        return typed(Templates, Path(path).read_bytes())
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read as templates: {error}; begin with a copy of {_SHIPPED}"
        raise UsageError(msg) from error


def turns(
    templates: Templates, row: dict[str, Any], html: str | None = None
) -> Iterator[tuple[str, str]]:
    """Yield questions about a figure with their answers; which questions follows from its key.

    Parameters
    ----------
    row
        A pair.
    html
        The table that it shows.

    Examples
    --------
    >>> row = {"key": "PMC1_f1", "caption": "A cell.", "panels": None, "figure_label": "Fig. 1"}
    >>> row["image_context"] = ["Cells grow. Fig. 1 shows one."]
    >>> for question, answer in turns(read_templates(None), row):
    ...     print(question, answer)
    Explain what is seen in this image from a biomedical article. A cell.
    What does the article say about this figure? Fig. 1 shows one.
    """
    asked: list[tuple[str, str, dict[str, str]]] = [("caption", row["caption"], {})]
    asked += [
        ("panel", panel["subcaption"], {_LETTER: panel["letter"]})
        for panel in row["panels"] or ()
        if panel["subcaption"]
    ]
    cited = (citing_sentences(row["figure_label"], text) for text in row["image_context"] or ())
    asked += [("context", " ".join(found), {}) for found in [*filter(None, cited)][:1]]
    asked += [("table", html, {})] if html else []
    for name, text, about in asked:
        template: Template = getattr(templates, name)
        of = f"{row['key']} {name} {about.get(_LETTER, '')}"
        drawn = int.from_bytes(hashlib.sha256(of.encode()).digest()[:8]) % len(template.questions)
        yield template.questions[drawn].format(**about), template.answer.format(text=text)


def messages(asked: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return questions and answers as messages with typed content; the first has the image."""
    found: list[dict[str, Any]] = []
    for number, (question, answer) in enumerate(asked):
        image = [] if number else [{"type": "image", "text": None}]
        found += [
            {"role": "user", "content": [*image, {"type": "text", "text": question}]},
            {"role": "assistant", "content": [{"type": "text", "text": answer}]},
        ]
    return found


def llava(row: dict[str, Any], folder: str) -> dict[str, Any]:
    """Return a row of ``metadata.jsonl`` as LLaVA reads it.

    Parameters
    ----------
    folder
        Where its image lies.
    """
    conversations = []
    for message in row["messages"]:
        texts = [_llava_text(part["text"]) for part in message["content"]]
        who = {"user": "human", "assistant": "gpt"}[message["role"]]
        conversations.append({"from": who, "value": "\n".join(texts)})
    about = {name: value for name, value in row.items() if name in ("image_license", "source")}
    image = f"{folder}/{row['file_name']}"
    return {"id": row["key"], "image": image, **about, "conversations": conversations}


def _llava_text(text: str | None) -> str:
    """Return a text as it stands, or the mark of an image, which no text may have."""
    return "<image>" if text is None else text.replace("<image>", "image")


def digest(templates: Templates) -> str:
    """Return what tells these templates from others."""
    text = json.dumps({one.name: repr(getattr(templates, one.name)) for one in fields(templates)})
    return hashlib.sha256(text.encode()).hexdigest()[:16]
