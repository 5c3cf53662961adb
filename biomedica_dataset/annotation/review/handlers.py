"""The event handlers of the review page: they move, show images and save answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.annotation.labels.votes import AUDIT, FLAGS, SETS, SINGLE
from biomedica_dataset.errors import BiomedicaError

if TYPE_CHECKING:
    from .session import Item, ReviewSession

TEXTS = {
    "panel_type": "Panel type",
    "panel_subtype": "Panel subtype",
    "primary": "Global concepts",
    "secondary": "Local concepts",
    "ambiguous": "Ambiguous: no label fits",
    "mixed": "Mixed: should be split",
    "fits_panel_type": "Does the panel type fit this image?",
    "fits_primary": "Do the global concepts fit this image?",
    "fits_secondary": "Do the local concepts fit this image?",
}
YES, NO = "yes", "no"
_GROUPS = {"random": "", "nearest": " · near", "farthest": " · far"}
_LINKED = {"panel_type": "panel_subtype", "panel_subtype": "panel_type",
           "primary": "secondary", "secondary": "primary"}  # fmt: skip


class Handlers:
    """Handlers for joining, moving, selecting and answering.

    Each returns updates of the page's components, in the order in which the page lists them.
    """

    def __init__(self, gradio: Any, session: ReviewSession) -> None:
        self._gr, self._session = gradio, session
        self._seen: dict[str, int] = {}  # the item shown last to each annotator
        self.is_audit = session.items[0].key is not None
        self.questions: tuple[str, ...] = (
            AUDIT if self.is_audit else (*SINGLE, *SETS, *FLAGS, "comment", "wrong_images")
        )

    def on_load(self) -> Any:
        """Return the handler of loading the page: an annotator named in its address joins."""

        def load(request: Any) -> list[Any]:
            return self.join(str(request.query_params.get("annotator") or ""))

        # Gradio injects arguments by their type, and is imported only now.
        load.__annotations__["request"] = self._gr.Request
        return load

    def join(self, name: str) -> list[Any]:
        """Start or resume the work of an annotator."""
        gr, name = self._gr, name.strip()
        if not name:
            same = [gr.skip()] * (7 + len(self.questions))
            return ["", gr.update(visible=True), gr.update(visible=False), *same]
        try:
            at = self._session.join(name)
        except BiomedicaError as error:
            raise gr.Error(str(error)) from error
        return [name, gr.update(visible=False), gr.update(visible=True), *self._show(name, at)]

    def on_move(self, step: int) -> Any:
        """Return the handler that moves by some items; 0 goes to the next unanswered one."""

        def move(who: str, at: int) -> list[Any]:
            last = len(self._session.items) - 1
            there = min(max(at + step, 0), last) if step else self._session.next_open(who, at)
            return self._show(who, there)

        return move

    def on_select(self) -> Any:
        """Return the handler that shows the caption of a selected image."""

        def select(at: int, event: Any) -> tuple[str, str]:
            shown = [card for _group, card in self._session.cards(self._session.items[at])]
            card = [card for card in shown if card.thumbnail][event.index]
            return card.key, f"{card.article} {card.label or ''}\n{card.caption}"

        select.__annotations__["event"] = self._gr.SelectData
        return select

    def on_answer(self, question: str) -> Any:
        """Return the handler that saves an answer to a question."""

        def save(who: str, at: int, value: Any) -> list[Any]:
            item, gr = self._session.items[at], self._gr
            if question in AUDIT:
                value = value == YES
            self._save(who, item, question, value)
            # Leave the input with the focus alone; ignore answers to an item no longer shown.
            changed = {_LINKED.get(question)} if self._seen.get(who, at) == at else set()
            updates = zip(self.questions, self._answers(who, item), strict=True)
            linked = [update if name in changed else gr.skip() for name, update in updates]
            return [self._progress(who), *linked]

        return save

    def toggle_wrong(self, who: str, at: int, chosen: str) -> Any:
        """Mark the selected image as wrong in this cluster, or unmark it."""
        item = self._session.items[at]
        if chosen not in [card.key for _group, card in self._session.cards(item)]:
            return self._gr.skip()
        wrong: list[str] = self._session.answers(who, item).get("wrong_images", [])
        kept = [key for key in wrong if key != chosen]
        value = kept if len(kept) < len(wrong) else [*wrong, chosen]
        self._save(who, item, "wrong_images", value)
        return self._gr.update(value=value)

    def _save(self, who: str, item: Item, question: str, value: Any) -> None:
        try:
            self._session.save(who, item, question, value)
        except BiomedicaError as error:
            raise self._gr.Error(str(error)) from error

    def _show(self, who: str, at: int) -> list[Any]:
        gr, item = self._gr, self._session.items[at]
        self._seen[who] = at
        cards, root = self._session.cards(item), Path(self._session.review.folder.root).resolve()
        images = [
            (str(root / card.thumbnail), f"{number}{_GROUPS[group]}")
            for number, (group, card) in enumerate(cards, start=1)
            if card.thumbnail
        ]
        caption = cards[0][1].caption if item.key and cards else ""
        label = self._label(item)
        size = self._session.review.clusters[item.cluster].size
        title = f"## Cluster {item.cluster} · {size:,} images"
        gallery = gr.update(value=images, selected_index=0 if item.key else None)
        return [
            at, item.key or "", title, gallery, caption, self._progress(who),
            gr.update(value=label, visible=bool(label)), *self._answers(who, item),
        ]  # fmt: skip

    def _progress(self, who: str) -> str:
        return f"**{self._session.done(who):,} of {len(self._session.items):,}** answered · {who}"

    def _label(self, item: Item) -> str:
        label = self._session.labels.of(item.cluster) if self._session.labels else None
        if label is None:
            return ""
        lines = [
            f"{TEXTS[question]}: {', '.join(value) if isinstance(value, list) else value}"
            for question in (*SINGLE, *SETS)
            if (value := getattr(label, question))
        ]
        if not self.is_audit:
            lines += [f"Open: {', '.join(label.open)}", *label.contradictions]
        return "\n".join(lines)

    def _answers(self, who: str, item: Item) -> list[Any]:
        given, update = self._session.answers(who, item), self._gr.update
        if self.is_audit:
            words, asked = {True: YES, False: NO, None: None}, self._session.audited(item)
            return [update(value=words[given.get(q)], visible=q in asked) for q in AUDIT]
        subtypes, local = self._choices(given)
        keys = [
            (f"image {number}", card.key)
            for number, (_group, card) in enumerate(self._session.cards(item), start=1)
        ]
        return [
            update(value=given.get("panel_type")),
            update(choices=subtypes, value=given.get("panel_subtype")),
            update(value=given.get("primary", [])),
            update(choices=local, value=given.get("secondary", [])),
            *(update(value=given.get(flag, False)) for flag in FLAGS),
            update(value=given.get("comment", "")),
            update(choices=keys, value=given.get("wrong_images", [])),
        ]

    def _choices(self, given: dict[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
        """Return the subtypes of the panel type, and the local concepts of the global ones.

        If several global concepts are possible, each local concept is shown with its own.
        """
        names = self._session.taxonomy
        kind = given.get("panel_type")
        subtypes = names.panel_subtypes[kind] if kind else names.names("panel_subtype")
        above = given.get("primary") or names.names("primary")
        local = [
            (name if len(above) == 1 else f"{name} · {concept}", name)
            for concept in above
            for name in names.secondary[concept]
        ]
        return subtypes, local
