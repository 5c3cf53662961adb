"""Reads a task from a YAML file, every field of which is known."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.suggest import nearest

from .task import Class, Columns, Source, Task


def load_task(path: str | Path, base: str | Path | None = None) -> Task:
    """Return the task of a YAML file.

    Parameters
    ----------
    base
        Folder that relative paths of its source start from; that of the file by default.

    Raises
    ------
    UsageError
        There is no such file, or a field is unknown, missing or of another form.

    Examples
    --------
    >>> task = load_task(str(getfixture("tmp_path") / "none.yaml"))
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: ...none.yaml cannot be read: No such file or directory
    """
    yaml = require("yaml", "clip")
    path = Path(path)
    try:
        # BaseLoader: a label such as no or 007 is that text, and neither false nor 7.
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        return parse_task(values, str(path.parent if base is None else base))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise UsageError(msg) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        msg = f"{path} is no YAML: {said}"
        raise UsageError(msg) from error
    except UsageError as error:
        msg = f"{path}: {error}"
        raise UsageError(msg) from error


def parse_task(values: Any, base: str = "") -> Task:
    """Return a task of the mapping that a YAML file holds; see `load_task`."""
    given = _known(values, "", (*_names(Task), "templates"))
    templates = given.pop("templates", None)
    multilabel = given.get("protocol") == "multilabel"
    made: dict[str, Any] = {"base": base}
    for name, value in given.items():
        if name == "source":
            made[name] = _record(Source, value, "source.", ("names",))
        elif name == "columns":
            many = ("label", "options", "answer", "question", "captions")
            made[name] = _record(Columns, value, "columns.", many)
        elif name == "classes":
            made[name] = _classes(value, _templates(templates, multilabel=multilabel))
        elif name == "where":
            mapping = _known(value, "where.", None)
            made[name] = tuple((c, _texts(v, f"where.{c}")) for c, v in mapping.items())
        else:
            made[name] = _text(value, name)
    task: Task = _make(Task, made, "")
    return task


def _names(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind) if one.name != "base")


def _known(values: Any, where: str, known: tuple[str, ...] | None) -> dict[str, Any]:
    if not isinstance(values, dict):
        msg = f"{where.rstrip('.') or 'the task'} is {values!r}; fields with values were expected"
        raise UsageError(msg)
    for name in values:
        if known is not None and name not in known:
            msg = f"there is no field {where}{name}; {nearest(str(name), known)}"
            raise UsageError(msg)
    return dict(values)


def _record(kind: type, values: Any, where: str, many: tuple[str, ...]) -> Any:
    given = _known(values, where, _names(kind))
    made = {n: (_texts if n in many else _text)(v, f"{where}{n}") for n, v in given.items()}
    return _make(kind, made, where)


def _make(kind: Any, made: dict[str, Any], where: str) -> Any:
    need = [
        one.name
        for one in fields(kind)
        if one.default is MISSING and one.default_factory is MISSING and one.name not in made
    ]
    if need:
        msg = f"the field {where}{need[0]} is missing"
        raise UsageError(msg)
    return kind(**made)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        msg = f"{where} is {value!r}; a text was expected"
        raise UsageError(msg)
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        value = [value]
    if not value:
        msg = f"{where} is empty; texts were expected"
        raise UsageError(msg)
    return tuple(_text(one, where) for one in value)


_Templates = tuple[tuple[str, ...], tuple[str, ...]]


def _templates(value: Any, *, multilabel: bool) -> _Templates:
    """Return the templates of prompts, and those of negative ones."""
    if value is None:
        return ("{}",), ()
    if multilabel:
        both = _known(value, "templates.", ("positive", "negative"))
        sides = [_texts(both.get(s), f"templates.{s}") for s in ("positive", "negative")]
    else:
        sides = [_texts(value, "templates"), ()]
    for one in (text for side in sides for text in side):
        if "{}" not in one:
            msg = f"templates has {one!r}; a text with {{}} in it, the place of the class"
            raise UsageError(msg)
    return sides[0], sides[1]


def _classes(value: Any, templates: _Templates) -> tuple[Class, ...]:
    if isinstance(value, list):
        value = {label: label for label in _texts(value, "classes")}
    return tuple(
        _class(label, given, templates) for label, given in _known(value, "classes.", None).items()
    )


def _class(label: str, given: Any, templates: _Templates) -> Class:
    where = f"classes.{label}"
    if isinstance(given, dict):
        sides = _known(given, f"{where}.", ("positive", "negative"))
        positive, negative = (
            _texts(sides.get(s), f"{where}.{s}") for s in ("positive", "negative")
        )
        return Class(label=label, prompts=positive, negative=negative)
    made = [
        tuple(t.replace("{}", text) for text in _texts(given, where) for t in side)
        for side in templates
    ]
    return Class(label=label, prompts=made[0], negative=made[1])
