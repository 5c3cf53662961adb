"""What the review page asks of its server: each request as a function of plain values."""

from __future__ import annotations

from typing import Any, TypedDict

from biomedica_dataset.annotation.labels.annotator_file import annotator_name
from biomedica_dataset.annotation.labels.votes import FLAGS, SETS, SINGLE
from biomedica_dataset.errors import UsageError

from .session import Item, ReviewSession
from .work_handlers import WorkHandlers, text_of

TEXTS = {
    "panel_type": "Panel type",
    "panel_subtype": "Panel subtype",
    "primary": "Global concepts",
    "secondary": "Local concepts",
    "ambiguous": "Ambiguous: no label fits",
    "mixed": "Mixed: should be split",
    "comment": "Comment",
    "wrong_images": "Images that do not belong here",
    "fits_panel_type": "Does the panel type fit this image?",
    "fits_primary": "Do the global concepts fit this image?",
    "fits_secondary": "Do the local concepts fit this image?",
}
_YES_NO = [("yes", True), ("no", False)]


class Question(TypedDict):
    """A question as the page shows it; each choice has a text and a value."""

    name: str
    text: str
    choices: list[tuple[str, Any]]


class Handlers(WorkHandlers["ReviewSession"]):
    """Answers the requests of the page on which clusters are labelled."""

    def __init__(self, session: ReviewSession) -> None:
        super().__init__(session)
        self._places = {item: at for at, item in enumerate(session.items)}

    def answer(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Save an answer; it is on disk when this returns. Return what changed with it."""
        who, question = annotator_name(text_of(sent, "who")), text_of(sent, "question")
        at = self._place(sent.get("cluster"), sent.get("key"))
        item = self._session.items[at]
        if question not in [asked["name"] for asked in self._questions(item, {})]:
            msg = f"unknown question {question[:40]!r}"
            raise UsageError(msg)
        answer = sent.get("answer")
        if question == "wrong_images":
            answer = self._shown_keys(item, answer)
        self._session.save(who, item, question, answer)
        return self._state(who, item, at)

    def _place(self, cluster: Any, key: Any) -> int:
        """Return the place of an item, which a server that was started again may not ask about."""
        is_item = isinstance(cluster, int) and isinstance(key, str | None)
        at = self._places.get(Item(cluster, key)) if is_item else None
        if at is None:
            msg = "this server does not ask about what the page shows; load the page again"
            raise UsageError(msg)
        return at

    def _shown_keys(self, item: Item, answer: Any) -> list[str]:
        shown = [card.key for _group, card in self._session.cards(item)]
        if not isinstance(answer, list) or not all(key in shown for key in answer):
            msg = "the answer names images that are not shown here"
            raise UsageError(msg)
        return [key for key in shown if key in answer]

    def _shown(self, who: str, at: int) -> dict[str, Any]:
        item = self._session.items[at]
        images = [
            {"key": card.key, "number": number, "group": group, "article": card.article,
             "label": card.label or "", "caption": card.caption, "has_image": bool(card.thumbnail)}
            for number, (group, card) in enumerate(self._session.cards(item), start=1)
        ]  # fmt: skip
        return {
            "cluster": item.cluster,
            "key": item.key,
            "size": self._session.review.clusters[item.cluster].size,
            "label": self._label(item),
            "images": images,
            **self._state(who, item, at),
        }

    def _state(self, who: str, item: Item, at: int) -> dict[str, Any]:
        """Return what an answer may change."""
        given = self._session.answers(who, item)
        return {
            **self._progress(who, at),
            "questions": self._questions(item, given),
            "answers": given,
        }

    def _questions(self, item: Item, given: dict[str, Any]) -> list[Question]:
        if item.key is not None:
            return [_question(name, _YES_NO) for name in self._session.audited(item)]
        names = self._session.taxonomy
        kind, above = given.get("panel_type"), given.get("primary") or names.names("primary")
        local = [
            # If an image may have several global concepts, each local one is shown with its own.
            (name if len(above) == 1 else f"{name} · {concept}", name)
            for concept in above
            for name in names.secondary[concept]
        ]
        subtypes = names.panel_subtypes[kind] if kind else names.names("panel_subtype")
        choices = {
            "panel_type": [(name, name) for name in names.names("panel_type")],
            "panel_subtype": [(name, name) for name in subtypes],
            "primary": [(name, name) for name in names.names("primary")],
            "secondary": local,
        }
        asked = (*SINGLE, *SETS, *FLAGS, "comment", "wrong_images")
        return [_question(name, choices.get(name, [])) for name in asked]

    def _label(self, item: Item) -> list[str]:
        """Return the current label in lines; none in the first review."""
        label = self._session.labels.of(item.cluster) if self._session.labels else None
        if label is None:
            return []
        lines = [
            f"{TEXTS[question]}: {', '.join(value) if isinstance(value, list) else value}"
            for question in (*SINGLE, *SETS)
            if (value := getattr(label, question))
        ]
        if item.key is None:
            open_ = ", ".join(TEXTS[question].partition(":")[0] for question in label.open)
            lines += [f"Open: {open_}"] * bool(open_) + label.contradictions
        return lines


def _question(name: str, choices: list[tuple[str, Any]]) -> Question:
    return {"name": name, "text": TEXTS[name], "choices": choices}
