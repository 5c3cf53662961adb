// The page of panels: a figure with its boxes, and one question about each of them.
import { draw, edit, focus_box } from "./boxes.js";
import { arrived, begin, find, is_last, make, send, tell_progress, tell_saved } from "./work.js";

const WRONG_BOX = "wrong box";
let state = null, chosen = 0;

const given = (panel) => state.answers[panel.key];
const sides_of = (panel) => given(panel)?.box ?? panel.found;

// A box that was drawn is kept for as long as the answer is that the box is wrong.
function answer(panel, value, box = value === WRONG_BOX ? given(panel)?.box ?? null : null) {
  const { who, figure } = state, before = given(panel);
  state.answers[panel.key] = { answer: value, box };
  const done = (told) => {
    if (state.figure !== figure) return;
    if (is_last()) Object.assign(state, told);
    ask();
  };
  const undo = () => {
    if (state.figure !== figure) return;
    if (before) state.answers[panel.key] = before;
    else delete state.answers[panel.key];
    ask();
  };
  send("answer", { who, key: panel.key, answer: value, box }, { done, undo, about: panel.key });
  ask();
}

function show(told) {
  state = told;
  const { figure, label, article, size } = state, image = find("image");
  find("boxed").style.setProperty("--ratio", size[0] / size[1]);
  find("boxed").style.setProperty("--wide", `${size[0]}px`);
  image.alt = `${label || figure}, with its panels`;
  image.onerror = () => {  // the archive has changed since the sheets were written
    image.onerror = null;
    image.src = `thumbnails/${figure}`;
  };
  image.src = `originals/${figure}`;
  find("source").textContent = `${article} · ${figure}`;
  find("caption").textContent = state.caption;
  find("questions").replaceChildren(...state.panels.map(fieldset));
  chosen = Math.max(state.panels.findIndex((panel) => !given(panel)), 0);
  ask();
  arrived(label || figure);
}

function fieldset(panel, at) {
  const legend = make("legend", {}, panel.letter, " ", make("small", {}, `score ${panel.score.toFixed(2)}`));
  const text = panel.subcaption
    ? make("p", { dir: "auto", tabIndex: 0 }, panel.subcaption)
    : make("p", { className: "none" }, "no subcaption");
  const choices = state.choices.map((value, number) => make("label", { className: "choice" },
    make("input", { type: "radio", name: panel.key, value, onchange: () => answer(panel, value) }),
    make("span", {}, value), make("kbd", { ariaHidden: "true" }, `${number + 1}`)));
  const drawn = make("p", { className: "drawn", hidden: true }, "Your box is saved instead of the one found.");
  const own = make("fieldset", { tabIndex: -1, data: { about: panel.key } },
    legend, text, make("div", { className: "choices" }, ...choices), drawn);
  own.onfocus = own.onclick = () => choose(at);
  own.addEventListener("focusin", () => choose(at));
  return own;
}

function choose(at) {
  if (at === chosen || !state.panels[at]) return;
  chosen = at;
  ask();
}

function step(to) {
  choose(to);
  find("questions").children[chosen].focus();
}

// Shows boxes and answers; what has the focus keeps it.
function ask() {
  tell_progress(state);
  const marks = { undefined: "", right: "right" };
  draw(state.size, state.panels.map((panel, at) => {
    const mark = marks[given(panel)?.answer] ?? "wrong";
    return {
      key: panel.key, letter: panel.letter, sides: sides_of(panel),
      className: at === chosen ? `${mark} chosen` : mark, choose: () => step(at),
    };
  }));
  [...find("questions").children].forEach((own, at) => {
    const told = given(state.panels[at]);
    own.classList.toggle("chosen", at === chosen);
    own.querySelector(".drawn").hidden = !told?.box;
    for (const input of own.querySelectorAll("input")) input.checked = input.value === told?.answer;
  });
  const panel = state.panels[chosen];
  edit(panel.key, panel.letter, sides_of(panel), (box) => answer(panel, WRONG_BOX, box));
  tell_saved();
}

const ways = begin(show);
document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (key === "Escape") target.blur();
  if (!state || target.matches("#name") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (find("session").matches(".moving")) { event.preventDefault(); return; }
  const down = () => step(Math.min(chosen + 1, state.panels.length - 1));
  const up = () => step(Math.max(chosen - 1, 0));
  const actions = { ...ways, ArrowDown: down, j: down, ArrowUp: up, k: up, e: focus_box };
  if (target.matches("[type=radio], p") && key.startsWith("Arrow")) return;
  if (state.choices[key - 1]) {
    answer(state.panels[chosen], state.choices[key - 1]);
    const next = state.panels.findIndex((panel) => !given(panel));
    if (next >= 0) step(next);
  } else if (Object.hasOwn(actions, key)) actions[key]();
  else return;
  event.preventDefault();
});
