// The review page of clusters: it shows what the server says, and sends answers.
import { marked, pressed, view_images, viewed } from "./viewer.js";
import { arrived, begin, find, is_last, make, send, tell_progress, tell_saved } from "./work.js";

const GROUPS = { random: "", nearest: " · near", farthest: " · far" };
const FLAGS = ["ambiguous", "mixed"], KEYS = { ambiguous: "a", mixed: "m" };
const SEVERAL = ["primary", "secondary"];
let state = null;

const item = () => ({ who: state.who, cluster: state.cluster, key: state.key });
const toggled = (list, one) => list.includes(one) ? list.filter((n) => n !== one) : [...list, one];

function answer(question, value) {
  const of = item(), before = state.answers[question];
  state.answers[question] = value;
  const done = (told) => {
    if (state.cluster !== of.cluster || state.key !== of.key) return;
    if (is_last()) Object.assign(state, told);
    ask();
  };
  const undo = () => {
    if (state.cluster !== of.cluster || state.key !== of.key) return;
    state.answers[question] = before;
    ask();
  };
  send("answer", { ...of, question, answer: value }, { done, undo, about: question });
  if (find(question)) fill(find(question), value);
  mark();
}

function show(told) {
  state = told;
  find("label").hidden = !state.label.length;
  find("label").replaceChildren(...state.label.map((line) => make("li", {}, line)));
  find("gallery").className = state.key === null ? "" : "single";
  find("gallery").replaceChildren(...state.images.map(tile));
  find("questions").replaceChildren();
  ask();
  arrived(`Cluster ${state.cluster} · ${state.size.toLocaleString("en")} images`);
}

const is_wrong = (key) => (state.answers.wrong_images ?? []).includes(key);
const toggle = (key) => answer("wrong_images", toggled(state.answers.wrong_images ?? [], key));

function tile(one) {
  const name = `Image ${one.number}`, alt = `${name}, ${one.label || one.key}`;
  const open = () => view_images(state.images, one.key, state.key === null ? toggle : null, is_wrong);
  const image = one.has_image
    ? make("button", { className: "see", onclick: open, ariaLabel: `Enlarge ${alt}` },
      make("img", { src: `thumbnails/${one.key}`, alt: "", loading: "lazy" }))
    : make("span", { className: "broken" }, "cannot be decoded");
  const row = make("div", { className: "row" }, make("span", {}, `${one.number}${GROUPS[one.group]}`));
  if (state.key === null) {
    row.append(make("button", {
      className: "wrong", onclick: () => toggle(one.key), ariaLabel: `Does not belong: ${alt}`,
    }, "Does not belong"));
  }
  const caption = make("p", { dir: "auto" }, [one.label, one.caption].filter(Boolean).join(" "));
  const about = make("div", { className: "about" }, row, caption);
  return make("li", { className: "tile", data: { key: one.key } }, image, about);
}

function mark() {
  for (const one of document.querySelectorAll(".tile")) {
    const wrong = is_wrong(one.dataset.key);
    one.classList.toggle("is-wrong", wrong);
    one.querySelector(".wrong")?.setAttribute("aria-pressed", wrong);
  }
  marked();
  tell_saved();
}

// Shows questions and answers; inputs whose choices are the same stay, and so does the focus.
function ask() {
  tell_progress(state);
  let number = 0;
  for (const question of state.questions) {
    if (question.name === "wrong_images") continue;
    const choices = JSON.stringify(question.choices), id = question.name;
    if (find(id)?.dataset.choices !== choices) {
      const made = fieldset(question);
      made.dataset.choices = choices;
      if (find(id)) find(id).replaceWith(made);
      else find("questions").append(made);
    }
    fill(find(id), state.answers[id]);
    for (const key of find(id).querySelectorAll(".digit")) {
      key.textContent = ++number;
      key.hidden = number > 9;
    }
  }
  mark();
}

function fieldset({ name, text, choices }) {
  const own = make("fieldset", { id: name, data: { about: name } });
  if (FLAGS.includes(name)) {
    own.className = "flag";
    own.append(make("legend", {}, name), choice("checkbox", name, text, true, KEYS[name]));
    own.onchange = ({ target }) => answer(name, target.checked);
  } else if (name === "comment") {
    const field = make("textarea", { maxLength: 10000, ariaLabel: text });
    own.append(make("legend", {}, text), field);
    own.onchange = () => answer(name, field.value);
  } else if (SEVERAL.includes(name)) {
    several(own, name, text, choices);
  } else {
    const all = choices.map(([label, value]) => choice("radio", name, label, value, ""));
    own.append(make("legend", {}, text), make("div", { className: "choices" }, ...all));
    own.onchange = ({ target }) => answer(name, JSON.parse(target.value));
  }
  return own;
}

function choice(type, name, text, value, key) {
  const input = make("input", { type, name, value: JSON.stringify(value) });
  const label = make("label", { className: "choice" }, input, make("span", {}, text));
  if (key !== null) label.append(make("kbd", { className: key ? "" : "digit", ariaHidden: "true" }, key));
  return label;
}

function several(own, name, text, choices) {
  const all = choices.map(([label, value]) => choice("checkbox", name, label, value, null));
  const search = make("input", { type: "search", placeholder: "Search", ariaLabel: `Search ${text}` });
  const list = make("div", { className: "choices" }, ...all);
  const shown = () => all.filter((one) => !one.hidden);
  search.oninput = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    for (const one of all) {
      one.hidden = !words.every((word) => one.textContent.toLowerCase().includes(word));
    }
  };
  own.className = "several";
  own.append(make("legend", {}, text), make("p", { className: "chosen" }), search, list);
  own.onchange = ({ target }) => {
    if (target === search) return;
    answer(name, toggled(state.answers[name] ?? [], JSON.parse(target.value)));
  };
  own.onkeydown = (event) => {
    const inputs = shown().map((one) => one.querySelector("input"));
    if (event.key === "Enter" && event.target === search && search.value) {
      inputs[0]?.click();
      search.value = "";
      search.oninput();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const at = inputs.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1);
      (inputs[at] ?? search).focus();
    } else return;
    event.preventDefault();
  };
}

function fill(own, value) {
  for (const input of own.querySelectorAll("[type=radio], [type=checkbox]")) {
    const one = JSON.parse(input.value);
    input.checked = Array.isArray(value) ? value.includes(one) : value === one;
  }
  const field = own.querySelector("textarea"), chosen = own.querySelector(".chosen");
  if (field && field !== document.activeElement) field.value = value ?? "";
  if (chosen) chosen.textContent = (value ?? []).join(", ");
}

const ways = begin(show);
document.addEventListener("visibilitychange", () => {
  const field = document.activeElement;
  if (document.hidden && field?.tagName === "TEXTAREA") field.blur();
});
document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  const isTyping = target.matches("textarea, input:not([type=radio], [type=checkbox])");
  if (key === "Escape" && !viewed()) target.blur();
  if (!state || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (find("session").matches(".moving")) { event.preventDefault(); return; }
  const focus = (id, what) => find(id)?.querySelector(what)?.focus();
  const press = (id) => find(id)?.querySelector("input")?.click();
  const pointed = document.querySelector(".tile:focus-within, .tile:hover")?.dataset.key;
  const actions = {
    ...ways,
    g: () => focus("primary", "input"), l: () => focus("secondary", "input"),
    a: () => press("ambiguous"), m: () => press("mixed"), c: () => focus("comment", "textarea"),
  };
  const mark_wrong = viewed() ?? pointed;
  if (key === "x" && mark_wrong && state.key === null) toggle(mark_wrong);
  else if (viewed()) { if (!pressed(key)) return; }
  else if (target.matches("[type=radio]") && key.startsWith("Arrow")) return;
  else if (/^[1-9]$/.test(key)) document.querySelectorAll("#questions [type=radio]")[key - 1]?.click();
  else if (Object.hasOwn(actions, key)) actions[key]();
  else return;
  event.preventDefault();
});
