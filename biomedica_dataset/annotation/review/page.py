"""The page on which experts answer, served on this machine alone: how it is laid out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.annotation.labels.votes import AUDIT, FLAGS, SETS, SINGLE
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require

from .handlers import NO, TEXTS, YES, Acts
from .keyboard import ARRIVED, CSS, HEAD, HELP, IN_TURN, LEFT

if TYPE_CHECKING:
    from .session import Desk


def serve(desk: Desk, port: int) -> None:
    """Serve the page on the loopback until it is stopped.

    Raises
    ------
    UsageError
        gradio is missing, or the port is taken.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    gradio = require("gradio", "review")
    page = _Page(gradio, desk)
    gradio.set_static_paths([str(Path(desk.review.folder.root).resolve() / "thumbs")])
    try:
        page.blocks().launch(
            server_name="127.0.0.1",
            server_port=port,
            share=False,
            css=CSS,
            head=HEAD,
            theme=page.theme(),
            footer_links=[],
            quiet=True,
        )
    except OSError as error:
        msg = f"the page cannot be served at port {port}: {error}; name another with --port"
        raise UsageError(msg) from error


class _Page:
    """Lays the page out, and ties what is done on it to what it does."""

    def __init__(self, gradio: Any, desk: Desk) -> None:
        self._gr, self._desk = gradio, desk
        self._acts = Acts(gradio, desk)

    def theme(self) -> Any:
        """Return a theme whose fonts are those of the machine: nothing is fetched."""
        fonts = ["system-ui", "sans-serif"]
        return self._gr.themes.Soft(font=fonts, font_mono=["monospace"], primary_hue="blue")

    def blocks(self) -> Any:
        """Return the page."""
        gr = self._gr
        with gr.Blocks(title="Review", analytics_enabled=False, fill_width=True) as page:
            # Kept in the browser: an answer goes with the cluster that was seen when it was given,
            # also when the server has moved on or was started anew meanwhile.
            who = gr.Textbox("", visible=False)
            at = gr.Number(0, visible=False, precision=0)
            chosen = gr.Textbox("", visible=False)
            with gr.Column(visible=True, elem_id="begin") as begin:
                gr.Markdown("## Who are you?\nEvery answer is kept at once, under this name.")
                name = gr.Textbox(label="Name", elem_id="name", max_length=64)
                start = gr.Button("Begin", variant="primary", elem_id="start")
            with gr.Row(visible=False, elem_id="desk") as work:
                parts = {**self._look(), **self._ask()}
            self._tie(page, (who, at, chosen), (begin, name, start, work), parts)
        return page

    def _look(self) -> dict[str, Any]:
        gr, parts = self._gr, dict[str, Any]()
        with gr.Column(scale=7, min_width=420):
            parts["title"] = gr.Markdown(elem_id="title")
            parts["gallery"] = gr.Gallery(
                columns=5, object_fit="contain", elem_id="gallery", buttons=[],
                show_label=False, interactive=False, preview=self._acts.is_audit,
            )  # fmt: skip
            with gr.Row(elem_id="below"):
                parts["caption"] = gr.Textbox(
                    label="Caption" if self._acts.is_audit else "Caption: click an image",
                    lines=3, max_lines=3, interactive=False,
                    elem_id="caption", scale=3, min_width=300,
                )  # fmt: skip
                if not self._acts.is_audit:
                    with gr.Column(scale=2, min_width=240, elem_id="wrong"):
                        parts["wrong_images"] = gr.Dropdown(
                            [], label="Do not belong here", multiselect=True,
                            elem_id="wrong_images",
                        )  # fmt: skip
                        parts["take_out"] = gr.Button(
                            "Take out, or put back",
                            elem_id="take_out", size="sm",
                        )  # fmt: skip
        return parts

    def _ask(self) -> dict[str, Any]:
        gr, parts = self._gr, dict[str, Any]()
        with gr.Column(scale=4, min_width=340, elem_id="ask"):
            parts["progress"] = gr.Markdown(elem_id="progress")
            with gr.Row():
                for step, text in (("back", "← Back"), ("open", "Next open"), ("next", "Next →")):
                    parts[step] = gr.Button(
                        text, elem_id=step, size="sm", min_width=80,
                        variant="primary" if step == "next" else "secondary",
                    )  # fmt: skip
            parts["told"] = gr.Textbox(
                label="What the labels say",
                lines=3,
                interactive=False,
                visible=False,
                elem_id="told",
            )
            parts |= self._audited() if self._acts.is_audit else self._questions()
            with gr.Accordion("Keys", open=False, elem_id="help"):
                gr.Markdown(HELP)
        return parts

    def _audited(self) -> dict[str, Any]:
        gr = self._gr
        return {
            question: gr.Radio([YES, NO], label=TEXTS[question], elem_id=question)
            for question in AUDIT
        }

    def _questions(self) -> dict[str, Any]:
        gr, names, parts = self._gr, self._desk.taxonomy.names, dict[str, Any]()
        for question in SINGLE:
            parts[question] = gr.Radio(names(question), label=TEXTS[question], elem_id=question)
        for question in SETS:
            parts[question] = gr.Dropdown(
                names(question), label=TEXTS[question], multiselect=True, filterable=True,
                elem_id=question,
            )  # fmt: skip
        with gr.Row():
            for question in FLAGS:
                parts[question] = gr.Checkbox(
                    label=TEXTS[question], elem_id=question, min_width=150
                )
        parts["comment"] = gr.Textbox(label="Comment", lines=2, elem_id="comment")
        return parts

    def _tie(self, page: Any, state: tuple[Any, ...], door: tuple[Any, ...], parts: Any) -> None:
        acts, (who, at, chosen), (begin, name, start, work) = self._acts, state, door
        shown = [parts[n] for n in ("title", "gallery", "caption", "progress", "told")]
        asked = [parts[question] for question in acts.questions]
        everything = [at, chosen, *shown, *asked]
        entered = [who, begin, work, *everything]
        # One after the other: what an answer changes must not arrive after the next cluster.
        one: dict[str, Any] = {"concurrency_id": "desk", "concurrency_limit": 1}
        page.load(acts.arriver(), None, entered, **one)
        start.click(acts.enter, [name], entered, **one)
        name.submit(acts.enter, [name], entered, **one)
        one["show_progress"] = "hidden"
        for button, step in (("back", -1), ("next", 1), ("open", 0)):
            moved = parts[button].click(acts.mover(step), [who, at], everything, **one)
            moved.then(None, js=ARRIVED)
        # By default an event is dropped while one before it is under way: the page would show an
        # answer that nobody keeps.
        one["trigger_mode"] = "multiple"
        parts["gallery"].select(acts.picker(), [at], [chosen, parts["caption"]], **one)
        for question, part in zip(acts.questions, asked, strict=True):
            event = part.blur if question == "comment" else part.input
            outputs = [parts["progress"], *asked]
            kept = event(acts.keeper(question), [who, at, part], outputs, js=IN_TURN, **one)
            kept.then(None, js=LEFT)
        if "take_out" in parts:
            wrong, inputs = [parts["wrong_images"]], [who, at, chosen]
            taken = parts["take_out"].click(acts.take_out, inputs, wrong, js=IN_TURN, **one)
            taken.then(None, js=LEFT)
