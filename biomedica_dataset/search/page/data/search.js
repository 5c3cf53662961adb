// The search page: it shows what the server finds, and keeps a basket of keys in this browser.
import { find, make } from "./work.js";

const STEP = 20, BASKET = "biomedica-basket";
const NAMES = {
  license_group: "Licence", image_kind: "Kind", concept: "Concept", article_journal: "Journal",
};
const number = (one) => one.toLocaleString("en");
const words = (name) => name.replaceAll("_", " ");
const chosen = Object.fromEntries(Object.keys(NAMES).map((name) => [name, new Set()]));
const known = Object.fromEntries(Object.keys(NAMES).map((name) => [name, new Map()]));
const basket = new Set(JSON.parse(localStorage.getItem(BASKET) ?? "[]"));
let limit = STEP, turn = 0, asked = null, similar = null, hasImages = false;
const MODES = { lexical: "words", semantic: "meaning", hybrid: "words and meaning", image: "what images show" };
const mode = () => find("mode").value || "lexical";
const unit = () => (!similar && mode() !== "image" && find("unit").value) || "figure";  // images are whole figures
const counted = (count, of = unit(), which = "") => `${number(count)}${which} ${count === 1 ? of : `${of}s`}`;

async function request(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
    });
  } catch {
    throw new Error("the server does not answer; is `biomedica search serve` still running?");
  }
  const said = await answer.text();
  if (answer.headers.get("content-type")?.startsWith("application/json")) {
    const told = JSON.parse(said);
    if (answer.ok) return told;
    throw new Error(told.error);
  }
  throw new Error(answer.status === 403 ? said : "the server failed; its terminal says why");
}

async function search() {
  const own = ++turn, query = find("query").value, of = similar ?? `${unit()} ${mode()} ${query}`;
  if (of !== asked) {
    for (const values of Object.values(known)) values.clear();
    asked = of;
  }
  find("results").classList.add("waiting");
  find("said").textContent = "searching …";
  const year = (id) => (find(id).value ? Math.trunc(Number(find(id).value)) : null);
  const sent = {
    query, unit: unit(), mode: mode(), limit, from: year("from"), to: year("to"),
  };
  if (similar) sent.similar = similar;
  for (const [name, values] of Object.entries(chosen)) sent[name] = [...values];
  try {
    const told = await request("search", sent);
    if (own === turn) show(told, query);
  } catch (error) {
    if (own === turn) failed(error);
  }
}

function failed(error) {
  find("results").classList.remove("waiting");
  find("results").replaceChildren();
  find("more").hidden = true;
  find("said").textContent = "";
  find("refused").textContent = error.message;
}

function show({ results, facets, has_more }, query) {
  find("refused").textContent = "";
  find("results").classList.remove("waiting");
  const before = new Map([...find("results").children].map((one) => [one.dataset.key, one]));
  const isMore = limit > STEP;  // what is there stays, with the focus
  find("results").replaceChildren(...results.map((one) => (isMore && before.get(one.key)) || tile(one)));
  find("more").hidden = !has_more;
  find("said").textContent = results.length
    ? `${similar ? `Images like ${similar}: ` : ""}${counted(results.length, unit(), has_more ? " best" : "")} found.`
    : `No ${unit()} matches.`;
  const kept = { q: query };
  if (unit() !== "figure") kept.unit = unit();
  if (mode() !== "lexical") kept.mode = mode();
  history.replaceState(null, "", `#${new URLSearchParams(kept)}`);
  show_facets(facets);
}

function tile(one) {
  const open = () => view(one);
  const image = make("img", { src: `thumbnails/${encodeURIComponent(one.key)}`, alt: "", loading: "lazy" });
  image.onerror = () => image.replaceWith(make("span", { className: "broken" }, "cannot be shown"));
  const see = make("button", { className: "see", onclick: open, ariaLabel: `Enlarge ${one.key}` }, image);
  const text = make("p", { dir: "auto" }, ...one.pieces.map(
    ([piece, is_word]) => (is_word ? make("mark", {}, piece) : piece)));
  if (one.matched.length) text.prepend(make("small", {}, `${one.matched[0]}: `));
  const keep = make("button", { className: "keep", onclick: () => toggle(one.key) }, "Basket");
  keep.setAttribute("aria-label", `Basket: ${one.key}`);
  const like = make("button", {
    className: "like", hidden: !hasImages || one.letter !== null, onclick: () => search_similar(one.key),
    ariaLabel: `Similar images: ${one.key}`,
  }, "Similar images");
  const about = make("div", { className: "about" }, text,
    ...(one.letter === null ? [] : [make("p", { className: "source" }, `panel ${one.letter} of ${one.figure}`)]),
    make("p", { className: "source" },
      [one.journal, one.year, words(one.kind)].filter(Boolean).join(" · ")),
    make("p", { className: "source" }, link(one.url, one.article), ` · ${one.license ?? "licence unknown"}`),
    make("div", { className: "does" }, keep, like));
  const made = make("li", { className: "found", data: { key: one.key } }, see, about);
  mark(made);
  return made;
}

const link = (url, text) => make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text);

function show_facets(facets) {
  for (const [name, values] of Object.entries(facets)) {
    for (const value of known[name].keys()) known[name].set(value, 0);
    for (const [value, count] of values) known[name].set(value, count);
    for (const value of chosen[name]) if (!known[name].has(value)) known[name].set(value, 0);
    let own = find(name);
    if (!own) {
      own = make("fieldset", { id: name });
      find("facets").append(own);
    }
    const focused = own.contains(document.activeElement) ? document.activeElement.value : null;
    own.replaceChildren(make("legend", {}, NAMES[name]), ...[...known[name]].map(
      ([value, count]) => facet(name, value, count)));
    own.hidden = !known[name].size;
    for (const input of own.querySelectorAll("input")) if (input.value === focused) input.focus();
  }
  const isAny = Object.values(chosen).some((values) => values.size) || find("from").value || find("to").value;
  find("clear").hidden = !isAny;
}

function facet(name, value, count) {
  const input = make("input", { type: "checkbox", value, checked: chosen[name].has(value) });
  input.onchange = () => {
    if (input.checked) chosen[name].add(value);
    else chosen[name].delete(value);
    again();
  };
  return make("label", {}, input, make("span", { dir: "auto" }, words(value)),
    make("span", { className: "amount" }, count ? number(count) : ""));
}

function again() {
  limit = STEP;
  if (similar || find("query").value.trim()) search();
}

function search_similar(key) {
  similar = key;
  again();
  window.scrollTo(0, 0);
  find("said").focus();
}

async function view(one) {
  const isPanel = one.letter !== null, box = find("box");
  find("of").textContent = one.key;
  const image = find("original");
  image.src = `originals/${encodeURIComponent(one.key)}`;
  image.alt = isPanel ? `The figure ${one.figure}, with panel ${one.letter} in a frame` : `The image of ${one.key}`;
  box.hidden = !isPanel;
  if (isPanel) {
    const [width, height] = one.size, [left, top, right, bottom] = one.box;
    const share = (part, whole) => `${(100 * part) / whole}%`;
    Object.assign(box.style, {
      left: share(left, width), top: share(top, height),
      width: share(right - left, width), height: share(bottom - top, height),
    });
  }
  find("own").textContent = isPanel ? one.caption || "The caption says nothing of this panel alone." : "";
  find("caption").textContent = isPanel ? "" : one.caption;
  find("citation").textContent = "";
  find("terms").replaceChildren(`Licence of the image: ${one.license ?? "unknown"} · `, link(one.url, one.article));
  find("copy-key").onclick = () => copy(one.key);
  find("copy-citation").onclick = () => copy(find("citation").textContent);
  find("copy-citation").disabled = true;
  find("figure").showModal();
  try {
    const told = await request("figure", { key: one.key, unit: unit() });
    if (find("of").textContent !== one.key) return;
    find("of").textContent = [told.label, one.key].filter(Boolean).join(" · ");
    find("caption").textContent = told.caption;
    find("citation").textContent = told.citation;
    find("copy-citation").disabled = false;
    if (told.license_url) find("terms").append(" · ", link(told.license_url, "text of the licence"));
  } catch (error) {
    find("citation").textContent = error.message;
  }
}

function choices(id, values, shown) {
  find(id).replaceChildren(...values.map((one) => make("option", { value: one }, shown(one))));
  find(id).hidden = document.querySelector(`label[for=${id}]`).hidden = values.length < 2;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    find("said").textContent = "copied";
  } catch {  // a browser lets pages of other machines copy only over https
    window.prompt("Copy:", text);
  }
}

function toggle(key) {
  if (!basket.delete(key)) basket.add(key);
  kept();
}

function kept() {
  localStorage.setItem(BASKET, JSON.stringify([...basket]));
  find("count").textContent = basket.size ? `${number(basket.size)} ${basket.size === 1 ? "key" : "keys"}` : "empty";
  find("save").disabled = find("empty").disabled = !basket.size;
  for (const one of document.querySelectorAll(".found")) mark(one);
}

function mark(one) {
  one.classList.toggle("kept", basket.has(one.dataset.key));
  one.querySelector(".keep").setAttribute("aria-pressed", basket.has(one.dataset.key));
}

function save() {
  const url = URL.createObjectURL(new Blob([[...basket].sort().join("\n"), "\n"], { type: "text/plain" }));
  make("a", { href: url, download: "keys.txt" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function step(by) {
  const all = [...document.querySelectorAll(".see")];
  const at = all.findIndex((one) => one.closest(".found").contains(document.activeElement));
  all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)]?.focus();
}

find("searching").onsubmit = (event) => {
  event.preventDefault();
  similar = null;
  limit = STEP;
  search();
};
find("from").onchange = find("to").onchange = again;
find("mode").onchange = () => {
  similar = null;
  find("unit").disabled = mode() === "image";
  again();
};
find("unit").onchange = () => {
  similar = null;
  again();
};
find("clear").onclick = () => {
  for (const values of Object.values(chosen)) values.clear();
  find("from").value = find("to").value = "";
  find("query").focus();
  again();
};
find("more").onclick = () => {
  limit += STEP;
  search();
};
find("close").onclick = () => find("figure").close();
find("save").onclick = save;
find("empty").onclick = () => {
  basket.clear();
  kept();
};
document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  const isTyping = target.matches("input:not([type=checkbox]), select");
  if (key === "Escape" && isTyping) target.blur();
  if (isTyping || find("figure").open || event.ctrlKey || event.metaKey || event.altKey) return;
  const pointed = document.querySelector(".found:focus-within, .found:hover")?.dataset.key;
  const actions = {
    "/": () => find("query").select(), "?": () => { find("help").open = !find("help").open; },
    ArrowRight: () => step(1), n: () => step(1), ArrowLeft: () => step(-1), p: () => step(-1),
    b: () => pointed && toggle(pointed),
  };
  if (!Object.hasOwn(actions, key)) return;
  actions[key]();
  event.preventDefault();
});

if (window.matchMedia("(max-width: 46rem)").matches) find("filters").open = false;
kept();
find("query").focus();
request("about", {}).then(({ dataset, counts, modes, has_images }) => {
  find("title").textContent = dataset;
  hasImages = has_images;
  const units = Object.keys(counts), given = new URLSearchParams(location.hash.slice(1));
  find("told").textContent = `${units.map((one) => counted(counts[one], one)).join(" and ")} to search.`;
  choices("mode", modes, (one) => MODES[one]);
  choices("unit", units, (one) => `${one}s`);
  if (units.includes(given.get("unit"))) find("unit").value = given.get("unit");
  if (modes.includes(given.get("mode"))) find("mode").value = given.get("mode");
  find("unit").disabled = mode() === "image";
  find("query").value = given.get("q") ?? "";
  if (find("query").value) search();
}, failed);
