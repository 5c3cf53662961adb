// What all review pages share: names, one's way through the items, and answers that get saved.
export const find = (id) => document.getElementById(id);
export const make = (tag, given = {}, ...inside) => {
  const { data, ...properties } = given, made = Object.assign(document.createElement(tag), properties);
  Object.assign(made.dataset, data);
  made.append(...inside);  // texts of strangers are never read as HTML
  return made;
};
const count = (number) => number.toLocaleString("en");
let shown = null;

// Requests wait for each other: an answer that overtook another one would change its meaning.
// One that gets no answer is sent again until it does, for the item that was shown.
// `about` is the fieldset whose answer waits, if any.
const queue = [];
let isSending = false;

export function send(path, body, { done, undo = () => {}, about = null }) {
  queue.push({ path, body, done, undo, about });
  if (!isSending) empty();
}

// Whether no other request waits behind the one that was answered.
export const is_last = () => queue.length === 1;

async function empty() {
  isSending = true;
  for (; queue.length; queue.shift()) {
    tell_saved();
    let told = await deliver(queue[0]);
    while (told) {
      lost(`Not saved: ${told}. It is kept on this page, which sends it again.`);
      await new Promise((resume) => setTimeout(resume, 1500));
      told = await deliver(queue[0]);
    }
  }
  isSending = false;
  tell_saved();
}

// Returns why a request has to be sent again, if so.
async function deliver({ path, body, done, undo }) {
  let answer, said;
  try {
    answer = await fetch(path, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
      signal: AbortSignal.timeout(10000),
    });
    said = await answer.text();
  } catch {
    return "the server does not answer";
  }
  const isJson = answer.headers.get("content-type")?.startsWith("application/json");
  const told = isJson ? JSON.parse(said) : { error: said };
  if (answer.ok) {
    lost("");
    done(told);
  } else if (answer.status >= 500 || answer.status === 403) {  // 403: there is a new token
    return told.error;
  } else {
    find("session").classList.remove("moving");
    undo();
    lost(shown ? `Not saved: ${told.error}` : told.error);
  }
  return null;
}

function lost(text) {
  find("refused").textContent = find("lost").textContent = text;
  find("lost").hidden = !text;
  tell_saved();
}

export function tell_saved() {
  const isLost = !find("lost").hidden, waiting = queue.map((one) => one.about).filter(Boolean);
  find("saved").textContent = isLost ? "· not saved" : waiting.length ? "· saving …" : "";
  find("saved").dataset.state = isLost ? "waiting" : "";
  for (const one of document.querySelectorAll("fieldset")) {
    one.dataset.state = isLost && waiting.includes(one.dataset.about) ? "waiting" : "";
  }
}

// Shows how far one is, and where one can go from here.
export function tell_progress(state) {
  shown = state;
  find("progress").textContent = `${count(state.done)} of ${count(state.total)} answered · ${state.who}`;
  Object.assign(find("bar"), { max: state.total, value: state.done });
  find("end").hidden = state.open !== null;
  find("end").textContent =
    `All ${count(state.total)} answered. Thank you! You can close this page, or go back and change answers.`;
  find("back").disabled = state.at === 0;
  find("next").disabled = state.at === state.total - 1;
  find("open").disabled = state.open === null || state.open === state.at;
}

export function arrived(title) {
  find("begin").hidden = true;
  find("work").hidden = false;
  find("session").classList.remove("moving");
  find("title").textContent = title;
  window.scrollTo(0, 0);
  find("title").focus();
}

// Asks for the name, then shows items; returns what the keys for going about do.
export function begin(show) {
  const go = (at) => {
    if (at === null || at < 0 || at >= shown.total || at === shown.at) return;
    document.activeElement?.blur();  // which saves what is being changed
    find("session").classList.add("moving");
    send("show", { who: shown.who, at }, { done: show });
  };
  const next = () => go(shown.at + 1), back = () => go(shown.at - 1), open = () => go(shown.open);
  Object.assign(find("back"), { onclick: back });
  Object.assign(find("next"), { onclick: next });
  Object.assign(find("open"), { onclick: open });
  find("who").onsubmit = (event) => {
    event.preventDefault();
    send("join", { who: find("name").value }, { done: show });
  };
  window.addEventListener("beforeunload", (event) => { if (queue.length) event.preventDefault(); });
  find("name").value = new URLSearchParams(location.search).get("annotator") ?? "";
  if (find("name").value) find("who").requestSubmit();
  else find("name").focus();
  return {
    ArrowRight: next, n: next, ArrowLeft: back, p: back, u: open,
    "?": () => { find("help").open = !find("help").open; },
  };
}
