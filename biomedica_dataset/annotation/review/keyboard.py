"""The keys of the page, and how it looks."""

HELP = """
| key | does |
|---|---|
| → or n | next; in a large picture, → the next picture |
| ← or p | back; in a large picture, ← the picture before |
| u | next without an answer |
| 1 to 9 | panel type, then panel subtype, in their order |
| g, l | global, local concepts: type to search |
| a, m | ambiguous, mixed |
| c | comment |
| x | take the chosen image out, or put it back |
| Esc | leave a field, or a large picture |
| ? | this list |
"""

HEAD = """
<script>
const large = () => document.querySelector("#gallery .preview");
const closeLarge = () => large()?.querySelector("button[aria-label=Close]")?.click();
// Until the next cluster is shown nothing is answered: it would count for the one before.
const moving = (is) => document.getElementById("desk")?.classList.toggle("moving", is);
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#next, #back, #open")) return;
  if (document.querySelectorAll("#gallery .thumbnail-item").length > 1) closeLarge();
  moving(true);
  setTimeout(() => moving(false), 10000);  // the server may be gone
}, true);
document.addEventListener("keydown", (event) => {
  const active = document.activeElement;
  const typing = active && (active.tagName === "TEXTAREA" ||
    (active.tagName === "INPUT" && !["radio", "checkbox"].includes(active.type)));
  if (event.key === "Escape") { closeLarge(); active?.blur(); return; }
  if (document.querySelector("#desk.moving")) { event.preventDefault(); return; }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  // In a large picture the arrows go to the next picture, as Gradio has it.
  if (large() && event.key.startsWith("Arrow") && active?.closest("#gallery")) return;
  const within = (id, what) => document.querySelector(`#${id} ${what}`);
  const press = (id) => document.getElementById(id)?.click();
  const radios = () => [...document.querySelectorAll(
    "#panel_type input, #panel_subtype input, #desk fieldset input[type=radio]")];
  const acts = {
    ArrowRight: () => press("next"), n: () => press("next"),
    ArrowLeft: () => press("back"), p: () => press("back"), u: () => press("open"),
    g: () => within("primary", "input")?.focus(), l: () => within("secondary", "input")?.focus(),
    a: () => within("ambiguous", "input")?.click(), m: () => within("mixed", "input")?.click(),
    c: () => within("comment", "textarea")?.focus(), x: () => press("take_out"),
    "?": () => within("help", "button")?.click(),
  };
  const digit = /^[1-9]$/.test(event.key) ? [...new Set(radios())][Number(event.key) - 1] : null;
  if (digit) { event.preventDefault(); digit.click(); }
  else if (acts[event.key]) { event.preventDefault(); acts[event.key](); }
}, true);
// An answer leaves when the one before has arrived: sent together they could change places.
let turn = Promise.resolve(), left = () => {};
const inTurn = async (given) => {
  const before = turn;
  let leave;
  turn = new Promise((resolve) => { leave = resolve; });
  await before;
  left = leave;
  setTimeout(leave, 5000);  // it failed, or the server may be gone
  return given;
};
</script>
"""

IN_TURN = "(...given) => inTurn(given)"
LEFT = "() => { left(); }"

ARRIVED = "() => { document.getElementById('desk').classList.remove('moving'); }"

CSS = """
.gradio-container { width: 100% !important; max-width: 1800px !important; margin: 0 auto; }
.gradio-container > main { padding: 12px 20px !important; }
#desk { width: 100%; flex-wrap: nowrap; align-items: flex-start; }
#ask { position: sticky; top: 8px; gap: 10px; }
#desk.moving #ask, #desk.moving #wrong { pointer-events: none; opacity: .6; }
@media (max-width: 900px) { #desk { flex-wrap: wrap; } #ask { position: static; } }
#begin { max-width: 460px; margin: 12vh auto 0; }
#title h2, #progress p { margin: 0; }
#gallery { height: max(360px, calc(100vh - 232px)); }
#gallery .grid-wrap { max-height: none; height: 100%; }
#gallery .thumbnail-item { background: #fff; aspect-ratio: 4 / 3; }
#gallery .caption-label { padding: 0 6px; font-size: 12px; font-variant-numeric: tabular-nums; }
#wrong { gap: 6px; }
"""
