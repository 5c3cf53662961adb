"""Keyboard shortcuts and style of the review page."""

HELP = """
| key | does |
|---|---|
| → or n | next; in a large image, → shows the next image |
| ← or p | back; in a large image, ← shows the previous image |
| u | next unanswered |
| 1 to 9 | panel type, then panel subtype, in order |
| g, l | global or local concepts: type to search |
| a, m | ambiguous or mixed |
| c | comment |
| x | remove the selected image, or put it back |
| Esc | leave a field or a large image |
| ? | this help |
"""

HEAD = """
<script>
const large = () => document.querySelector("#gallery .preview");
const closeLarge = () => large()?.querySelector("button[aria-label=Close]")?.click();
// No answers until the next cluster is shown: they would count for the previous one.
const moving = (is) => document.getElementById("session")?.classList.toggle("moving", is);
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#next, #back, #open")) return;
  if (document.querySelectorAll("#gallery .thumbnail-item").length > 1) closeLarge();
  moving(true);
  setTimeout(() => moving(false), 10000);  // the server may be down
}, true);
document.addEventListener("keydown", (event) => {
  const active = document.activeElement;
  const typing = active && (active.tagName === "TEXTAREA" ||
    (active.tagName === "INPUT" && !["radio", "checkbox"].includes(active.type)));
  if (event.key === "Escape") { closeLarge(); active?.blur(); return; }
  if (document.querySelector("#session.moving")) { event.preventDefault(); return; }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  // In a large image Gradio itself handles the arrow keys.
  if (large() && event.key.startsWith("Arrow") && active?.closest("#gallery")) return;
  const within = (id, what) => document.querySelector(`#${id} ${what}`);
  const press = (id) => document.getElementById(id)?.click();
  const radios = () => [...document.querySelectorAll(
    "#panel_type input, #panel_subtype input, #session fieldset input[type=radio]")];
  const actions = {
    ArrowRight: () => press("next"), n: () => press("next"),
    ArrowLeft: () => press("back"), p: () => press("back"), u: () => press("open"),
    g: () => within("primary", "input")?.focus(), l: () => within("secondary", "input")?.focus(),
    a: () => within("ambiguous", "input")?.click(), m: () => within("mixed", "input")?.click(),
    c: () => within("comment", "textarea")?.focus(), x: () => press("toggle_wrong"),
    "?": () => within("help", "button")?.click(),
  };
  const digit = /^[1-9]$/.test(event.key) ? [...new Set(radios())][Number(event.key) - 1] : null;
  if (digit) { event.preventDefault(); digit.click(); }
  else if (actions[event.key]) { event.preventDefault(); actions[event.key](); }
}, true);
// Send an answer only after the previous one has arrived: together they could change places.
let queue = Promise.resolve(), sent = () => {};
const inOrder = async (given) => {
  const previous = queue;
  let release;
  queue = new Promise((resolve) => { release = resolve; });
  await previous;
  sent = release;
  setTimeout(release, 5000);  // it failed, or the server may be down
  return given;
};
</script>
"""

IN_ORDER = "(...given) => inOrder(given)"
SENT = "() => { sent(); }"

ARRIVED = "() => { document.getElementById('session').classList.remove('moving'); }"

CSS = """
.gradio-container { width: 100% !important; max-width: 1800px !important; margin: 0 auto; }
.gradio-container > main { padding: 12px 20px !important; }
#session { width: 100%; flex-wrap: nowrap; align-items: flex-start; }
#ask { position: sticky; top: 8px; gap: 10px; }
#session.moving #ask, #session.moving #wrong { pointer-events: none; opacity: .6; }
@media (max-width: 900px) { #session { flex-wrap: wrap; } #ask { position: static; } }
#begin { max-width: 460px; margin: 12vh auto 0; }
#title h2, #progress p { margin: 0; }
#gallery { height: max(360px, calc(100vh - 232px)); }
#gallery .grid-wrap { max-height: none; height: 100%; }
#gallery .thumbnail-item { background: #fff; aspect-ratio: 4 / 3; }
#gallery .caption-label { padding: 0 6px; font-size: 12px; font-variant-numeric: tabular-nums; }
#wrong { gap: 6px; }
"""
