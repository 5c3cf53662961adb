// Keyboard shortcuts of the review page, and answers sent one after another.
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
