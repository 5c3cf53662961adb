// The viewer of the review page: the stored bytes of an image, with zoom and pan.
const find = (id) => document.getElementById(id);
const dialog = find("viewer"), stage = find("stage"), image = find("original");
const view = { scale: 1, x: 0, y: 0 };
const pointers = new Map();
let images = [], at = 0, isWrong = () => false;

const draw = () => {
  image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  find("zoom").textContent = `${Math.round(view.scale * 100)} %`;
};
const fitting = () => {
  const { clientWidth: width, clientHeight: height } = stage;
  return Math.min(width / (image.naturalWidth || 1), height / (image.naturalHeight || 1), 3);
};
const put = (scale) => {
  view.scale = scale;
  view.x = (stage.clientWidth - image.naturalWidth * scale) / 2;
  view.y = (stage.clientHeight - image.naturalHeight * scale) / 2;
  draw();
};
const zoom = (factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) => {
  const scale = Math.min(Math.max(view.scale * factor, fitting() / 4), 16);
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  draw();
};
const within = (event) => {
  const box = stage.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};
const step = (by) => show((at + by + images.length) % images.length);

function show(number) {
  at = number;
  const one = images[at];
  find("viewed").textContent = `Image ${one.number} · ${one.article} ${one.label}`;
  find("caption").textContent = one.caption;
  image.alt = `Image ${one.number}, ${one.label || one.key}`;
  image.src = `originals/${one.key}`;
  find("before").disabled = find("after").disabled = images.length < 2;
  marked();
}

export const viewed = () => (dialog.open ? images[at].key : null);

export function marked() {
  if (dialog.open) find("unfit").setAttribute("aria-pressed", isWrong(images[at].key));
}

// `toggle` marks an image as wrong; it is null where nothing is asked about single images.
export function view_images(shown, key, toggle, is) {
  [images, isWrong] = [shown.filter((one) => one.has_image), is];
  find("unfit").hidden = !toggle;
  find("unfit").onclick = () => toggle(images[at].key);
  dialog.showModal();
  show(images.findIndex((one) => one.key === key));
}

// Returns whether a key was one of the viewer's.
export function pressed(key) {
  const does = {
    ArrowLeft: () => step(-1), p: () => step(-1), ArrowRight: () => step(1), n: () => step(1),
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: () => put(fitting()),
  };
  if (!dialog.open || !Object.hasOwn(does, key)) return false;
  does[key]();
  return true;
}

image.addEventListener("load", () => put(fitting()));
image.addEventListener("error", () => {  // the archive has changed since the sheets were written
  const thumbnail = `thumbnails/${images[at].key}`;
  if (!image.src.endsWith(thumbnail)) image.src = thumbnail;
});
find("close").onclick = () => dialog.close();
find("before").onclick = () => step(-1);
find("after").onclick = () => step(1);
find("larger").onclick = () => zoom(1.25);
find("smaller").onclick = () => zoom(0.8);
find("fit").onclick = () => put(fitting());
find("full").onclick = () => put(1);
window.addEventListener("resize", () => dialog.open && put(fitting()));
stage.addEventListener("dblclick", (event) => {
  if (view.scale > fitting() * 1.01) put(fitting());
  else zoom(1 / view.scale, ...within(event));
});
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY / 400), ...within(event));
}, { passive: false });
stage.addEventListener("pointerdown", (event) => {
  stage.setPointerCapture(event.pointerId);
  stage.classList.add("held");
  pointers.set(event.pointerId, within(event));
});
stage.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId), [x, y] = within(event);
  if (!before) return;
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  if (other) {  // two fingers
    const far = ([a, b]) => Math.hypot(a - other[0], b - other[1]) || 1;
    zoom(far([x, y]) / far(before), (x + other[0]) / 2, (y + other[1]) / 2);
  } else {
    [view.x, view.y] = [view.x + x - before[0], view.y + y - before[1]];
    draw();
  }
  pointers.set(event.pointerId, [x, y]);
});
for (const end of ["pointerup", "pointercancel"]) {
  stage.addEventListener(end, (event) => {
    pointers.delete(event.pointerId);
    stage.classList.toggle("held", pointers.size > 0);
  });
}
