"""The page on which experts answer, served on this machine only: its layout."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.annotation.labels.votes import AUDIT, FLAGS, SETS, SINGLE
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require

from .handlers import NO, TEXTS, YES, Handlers

if TYPE_CHECKING:
    from .session import ReviewSession

_DATA = Path(__file__).with_name("data")
# In JavaScript, with the functions of page.js: what the browser does before and after an event.
IN_ORDER = "(...given) => inOrder(given)"
SENT = "() => { sent(); }"
ARRIVED = "() => { document.getElementById('session').classList.remove('moving'); }"


def serve(session: ReviewSession, port: int) -> None:
    """Serve the page on the loopback interface until it is stopped.

    Raises
    ------
    UsageError
        gradio is not installed, or the port is in use.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    gradio = require("gradio", "review")
    page = _Page(gradio, session)
    gradio.set_static_paths([str(Path(session.review.folder.root).resolve() / "thumbs")])
    try:
        page.blocks().launch(
            server_name="127.0.0.1",
            server_port=port,
            share=False,
            css=(_DATA / "page.css").read_text(encoding="utf-8"),
            head=f"<script>\n{(_DATA / 'page.js').read_text(encoding='utf-8')}</script>",
            theme=page.theme(),
            footer_links=[],
            quiet=True,
        )
    except OSError as error:
        msg = f"the page cannot be served on port {port}: {error}; choose another with --port"
        raise UsageError(msg) from error


class _Page:
    """Lays out the page and connects its events to their handlers."""

    def __init__(self, gradio: Any, session: ReviewSession) -> None:
        self._gr, self._session = gradio, session
        self._handlers = Handlers(gradio, session)

    def theme(self) -> Any:
        """Return a theme with system fonts only, so that nothing is fetched."""
        fonts = ["system-ui", "sans-serif"]
        return self._gr.themes.Soft(font=fonts, font_mono=["monospace"], primary_hue="blue")

    def blocks(self) -> Any:
        """Return the page."""
        gr = self._gr
        with gr.Blocks(title="Review", analytics_enabled=False, fill_width=True) as page:
            # Kept in the browser: an answer counts for the cluster that the annotator saw, even if
            # the server was restarted meanwhile.
            who = gr.Textbox("", visible=False)
            at = gr.Number(0, visible=False, precision=0)
            chosen = gr.Textbox("", visible=False)
            with gr.Column(visible=True, elem_id="begin") as begin:
                gr.Markdown("## Who are you?\nEvery answer is saved at once under this name.")
                name = gr.Textbox(label="Name", elem_id="name", max_length=64)
                start = gr.Button("Begin", variant="primary", elem_id="start")
            with gr.Row(visible=False, elem_id="session") as work:
                parts = {**self._look(), **self._ask()}
            self._connect(page, (who, at, chosen), (begin, name, start, work), parts)
        return page

    def _look(self) -> dict[str, Any]:
        gr, parts = self._gr, dict[str, Any]()
        with gr.Column(scale=7, min_width=420):
            parts["title"] = gr.Markdown(elem_id="title")
            parts["gallery"] = gr.Gallery(
                columns=5, object_fit="contain", elem_id="gallery", buttons=[],
                show_label=False, interactive=False, preview=self._handlers.is_audit,
            )  # fmt: skip
            with gr.Row(elem_id="below"):
                parts["caption"] = gr.Textbox(
                    label="Caption" if self._handlers.is_audit else "Caption: click an image",
                    lines=3, max_lines=3, interactive=False,
                    elem_id="caption", scale=3, min_width=300,
                )  # fmt: skip
                if not self._handlers.is_audit:
                    with gr.Column(scale=2, min_width=240, elem_id="wrong"):
                        parts["wrong_images"] = gr.Dropdown(
                            [], label="Do not belong here", multiselect=True,
                            elem_id="wrong_images",
                        )  # fmt: skip
                        text = "Remove, or put back"
                        parts["toggle_wrong"] = gr.Button(text, elem_id="toggle_wrong", size="sm")
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
            parts["label"] = gr.Textbox(
                label="Current label", lines=3, interactive=False, visible=False, elem_id="label"
            )
            parts |= self._audited() if self._handlers.is_audit else self._questions()
            with gr.Accordion("Keys", open=False, elem_id="help"):
                gr.Markdown((_DATA / "keys.md").read_text(encoding="utf-8"))
        return parts

    def _audited(self) -> dict[str, Any]:
        gr = self._gr
        return {name: gr.Radio([YES, NO], label=TEXTS[name], elem_id=name) for name in AUDIT}

    def _questions(self) -> dict[str, Any]:
        gr, names, parts = self._gr, self._session.taxonomy.names, dict[str, Any]()
        for question in SINGLE:
            parts[question] = gr.Radio(names(question), label=TEXTS[question], elem_id=question)
        for question in SETS:
            parts[question] = gr.Dropdown(
                names(question), label=TEXTS[question], multiselect=True, filterable=True,
                elem_id=question,
            )  # fmt: skip
        with gr.Row():
            for question in FLAGS:
                text = TEXTS[question]
                parts[question] = gr.Checkbox(label=text, elem_id=question, min_width=150)
        parts["comment"] = gr.Textbox(label="Comment", lines=2, elem_id="comment")
        return parts

    def _connect(
        self, page: Any, state: tuple[Any, ...], door: tuple[Any, ...], parts: Any
    ) -> None:
        handlers, (who, at, chosen), (begin, name, start, work) = self._handlers, state, door
        shown = [parts[n] for n in ("title", "gallery", "caption", "progress", "label")]
        asked = [parts[question] for question in handlers.questions]
        everything = [at, chosen, *shown, *asked]
        entered = [who, begin, work, *everything]
        # One at a time: updates from an answer must not arrive after the next cluster.
        one: dict[str, Any] = {"concurrency_id": "session", "concurrency_limit": 1}
        page.load(handlers.on_load(), None, entered, **one)
        start.click(handlers.join, [name], entered, **one)
        name.submit(handlers.join, [name], entered, **one)
        one["show_progress"] = "hidden"
        for button, step in (("back", -1), ("next", 1), ("open", 0)):
            moved = parts[button].click(handlers.on_move(step), [who, at], everything, **one)
            moved.then(None, js=ARRIVED)
        # By default Gradio drops an event while a previous one is running: the page would show an
        # answer that was never saved.
        one["trigger_mode"] = "multiple"
        parts["gallery"].select(handlers.on_select(), [at], [chosen, parts["caption"]], **one)
        for question, part in zip(handlers.questions, asked, strict=True):
            event = part.blur if question == "comment" else part.input
            outputs = [parts["progress"], *asked]
            kept = event(handlers.on_answer(question), [who, at, part], outputs, js=IN_ORDER, **one)
            kept.then(None, js=SENT)
        if "toggle_wrong" in parts:
            wrong, inputs = [parts["wrong_images"]], [who, at, chosen]
            toggled, toggle = parts["toggle_wrong"], handlers.toggle_wrong
            taken = toggled.click(toggle, inputs, wrong, js=IN_ORDER, **one)
            taken.then(None, js=SENT)
