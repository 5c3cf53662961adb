// The boxes over a figure, and the handles that move the sides of one of them.
import { find, make } from "./work.js";

const SVG = "http://www.w3.org/2000/svg";
// The sides that a handle moves, as places in a box: left, top, right and bottom.
const HANDLES = {
  "top left corner": [0, 1], "top edge": [null, 1], "top right corner": [2, 1],
  "right edge": [2, null], "bottom right corner": [2, 3], "bottom edge": [null, 3],
  "bottom left corner": [0, 3], "left edge": [0, null],
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
let size = [1, 1], edited = null;

const put = (one, x, y) => Object.assign(one.style, {
  left: `${(100 * x) / size[0]}%`, top: `${(100 * y) / size[1]}%`,
});

// Each box has a key, a letter, sides, a class and, if it was clicked, something to do.
export function draw(whole, boxes) {
  size = whole;
  find("boxes").setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
  const chosen_last = boxes.toSorted((a, b) => a.className.includes("chosen") - b.className.includes("chosen"));
  find("boxes").replaceChildren(...chosen_last.map(({ key, sides, className, choose }) => {
    const rect = document.createElementNS(SVG, "rect");
    rect.setAttribute("class", className);
    rect.dataset.key = key;
    rect.onclick = choose;
    shape(rect, sides);
    return rect;
  }));
  find("letters").replaceChildren(...boxes.map(({ key, letter, sides, className }) => {
    const tag = make("span", { className, data: { key } }, letter);
    put(tag, sides[0], sides[1]);
    return tag;
  }));
}

function shape(rect, [x0, y0, x1, y1]) {
  const given = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
  for (const [name, value] of Object.entries(given)) rect.setAttribute(name, value);
}

// Shows the handles of a box; `save` gets its sides after each movement.
export function edit(key, letter, sides, save) {
  if (edited?.isHeld) return;
  if (edited?.key !== key) {
    find("handles").replaceChildren(...Object.entries(HANDLES).map(([name, moved]) =>
      handle(`${name} of panel ${letter}`, moved)));
  }
  edited = { key, sides: [...sides], save, isHeld: false, isMoved: false };
  place();
}

export const focus_box = () => find("handles").querySelector("button")?.focus();

function place() {
  const [x0, y0, x1, y1] = edited.sides;
  [...find("handles").children].forEach((one, at) => {
    const [x, y] = Object.values(HANDLES)[at];
    put(one, x === null ? (x0 + x1) / 2 : edited.sides[x], y === null ? (y0 + y1) / 2 : edited.sides[y]);
  });
  const same = (one) => one.dataset.key === edited.key;
  const rect = [...find("boxes").children].find(same), tag = [...find("letters").children].find(same);
  if (rect) shape(rect, edited.sides);
  if (tag) put(tag, x0, y0);
}

// Moves a side to a place within the image, at least a pixel from the other side.
function move(side, to) {
  if (side === null) return;
  const [least, most] = side < 2 ? [0, edited.sides[side + 2] - 1]
    : [edited.sides[side - 2] + 1, size[side - 2]];
  const at = Math.min(Math.max(Math.round(to), least), most);
  if (at === edited.sides[side]) return;
  edited.sides[side] = at;
  edited.isMoved = true;
  place();
}

function release() {
  edited.isHeld = false;
  if (!edited.isMoved) return;
  edited.isMoved = false;
  edited.save([...edited.sides]);
}

function handle(name, [x, y]) {
  const one = make("button", { type: "button", ariaLabel: name });
  const hold = () => { edited.isHeld = true; };
  one.onpointerdown = (event) => {
    one.setPointerCapture(event.pointerId);
    hold();
  };
  one.onpointermove = (event) => {
    if (!one.hasPointerCapture(event.pointerId)) return;
    const around = find("boxes").getBoundingClientRect();
    move(x, ((event.clientX - around.left) * size[0]) / around.width);
    move(y, ((event.clientY - around.top) * size[1]) / around.height);
  };
  one.onpointerup = one.onpointercancel = one.onblur = release;
  one.onkeydown = (event) => {
    const { key, shiftKey } = event;
    if (!Object.hasOwn(ARROWS, key) || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = (at) => ARROWS[key][at] * (shiftKey ? 1 : Math.max(1, Math.round(size[at] / 200)));
    hold();
    if (x !== null) move(x, edited.sides[x] + step(0));
    if (y !== null) move(y, edited.sides[y] + step(1));
    event.preventDefault();
    event.stopPropagation();
  };
  one.onkeyup = ({ key }) => { if (Object.hasOwn(ARROWS, key)) release(); };
  return one;
}
