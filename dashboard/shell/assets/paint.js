// Painting of the mask for inpainting, with mouse, pen or finger. Strokes of a round brush and an eraser are sent in
// percent of the picture's sides, from left and top. The server validates and stores them.

const MOST = 40; // maximum number of strokes, and of points in a stroke
const POINTS = 400;
const NEAR = 0.4; // percent of a side: points closer to the previous one are dropped
const USUAL = 12; // percent of the shorter side: initial width of the brush
const SVG = "http://www.w3.org/2000/svg";

function made(kind, style, more = {}) {
  return Object.assign(document.createElement(kind), more, { style: style });
}

function shape(kind, attributes = {}) {
  const node = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function drawn(it) {
  const { naturalWidth: wide, naturalHeight: high } = it.picture;
  if (!wide) return; // not loaded yet
  it.sheet.setAttribute("viewBox", `0 0 ${wide} ${high}`);
  const lines = [...it.strokes, ...(it.held ? [it.held] : [])].map((one) => {
    const points = one.points.length > 1 ? one.points : [one.points[0], one.points[0]]; // a dot needs two points
    return shape("polyline", {
      points: points.map(([x, y]) => `${(x * wide) / 100},${(y * high) / 100}`).join(" "),
      "stroke-width": (one.width * Math.min(wide, high)) / 100,
      stroke: one.kind === "eraser" ? "black" : "white",
    });
  });
  it.layer.replaceChildren(...lines);
  it.undo.disabled = it.clear.disabled = it.strokes.length === 0;
  it.eraser.setAttribute("aria-pressed", it.erases);
  it.eraser.style.outline = it.erases ? "2px solid var(--st-primary-color, currentColor)" : "none";
}

function place(it, event) {
  const box = it.sheet.getBoundingClientRect();
  const part = (at, from, length) => Math.min(Math.max(((at - from) / Math.max(length, 1)) * 100, 0), 100);
  const round = (percent) => Math.round(percent * 100) / 100;
  return [round(part(event.clientX, box.left, box.width)), round(part(event.clientY, box.top, box.height))];
}

function told(it, strokes) {
  it.strokes = strokes;
  drawn(it);
  it.tell("strokes", strokes);
}

function begun(it, event) {
  if (event.button !== 0 || !event.isPrimary || it.strokes.length >= MOST) return;
  event.preventDefault();
  it.sheet.setPointerCapture(event.pointerId);
  it.held = { kind: it.erases ? "eraser" : "stroke", width: Number(it.brush.value), points: [place(it, event)] };
  drawn(it);
}

function moved(it, event) {
  if (!it.held) return;
  for (const one of event.getCoalescedEvents?.() || [event]) {
    const [x, y] = place(it, one);
    const [before, above] = it.held.points.at(-1);
    if (it.held.points.length < POINTS && Math.hypot(x - before, y - above) >= NEAR) it.held.points.push([x, y]);
  }
  drawn(it);
}

function ended(it, kept) {
  const { held } = it;
  it.held = null;
  if (held && kept) told(it, [...it.strokes, held]);
  else drawn(it);
}

function built(parent, data) {
  const edge = "border:1px solid var(--st-border-color, currentColor);border-radius:.5rem";
  const button = `min-height:2.5rem;padding:0 .8rem;${edge};background:none;color:inherit;font:inherit;cursor:pointer`;
  const it = {
    src: data.src,
    strokes: data.strokes,
    held: null,
    erases: false,
    picture: made("img", "display:block;max-width:100%;max-height:60vh", { src: data.src, alt: "", draggable: false }),
    sheet: shape("svg", { role: "img" }),
    layer: shape("g", { fill: "none" }),
    brush: made("input", "width:9rem;accent-color:var(--st-primary-color, auto)", { type: "range", min: 2, max: 40, value: USUAL }),
    eraser: made("button", button, { type: "button" }),
    undo: made("button", button, { type: "button" }),
    clear: made("button", button, { type: "button" }),
  };
  it.sheet.style = "position:absolute;inset:0;width:100%;height:100%;touch-action:none;cursor:crosshair";
  it.layer.style = "stroke-linecap:round;stroke-linejoin:round";
  const id = `painted-${Math.random().toString(36).slice(2)}`; // in a mask, white shows the color and black hides it, so the eraser is a black stroke
  const mask = shape("mask", { id, maskUnits: "userSpaceOnUse", width: "100%", height: "100%" });
  mask.append(it.layer);
  it.sheet.append(mask, shape("rect", { width: "100%", height: "100%", fill: "#d6336c", opacity: ".6", mask: `url(#${id})` }));
  const whole = made("div", "position:relative;width:fit-content;max-width:100%;user-select:none");
  whole.append(it.picture, it.sheet);
  const label = made("label", "display:flex;align-items:center;gap:.5rem");
  label.append((it.named = made("span", "")), it.brush);
  const tools = made("div", "display:flex;flex-wrap:wrap;align-items:center;gap:.75rem;margin-top:.5rem;font-size:.875rem");
  tools.append(label, it.eraser, it.undo, it.clear);
  parent.replaceChildren(whole, tools);
  it.picture.addEventListener("load", () => drawn(it));
  it.sheet.addEventListener("pointerdown", (event) => begun(it, event));
  it.sheet.addEventListener("pointermove", (event) => moved(it, event));
  it.sheet.addEventListener("pointerup", () => ended(it, true));
  it.sheet.addEventListener("pointercancel", () => ended(it, false));
  it.eraser.addEventListener("click", () => {
    it.erases = !it.erases;
    drawn(it);
  });
  it.undo.addEventListener("click", () => told(it, it.strokes.slice(0, -1)));
  it.clear.addEventListener("click", () => told(it, []));
  return it;
}

const standing = new WeakMap(); // by parent element, so that a redraw of the page keeps the current strokes

export default function paint({ data, parentElement, setStateValue }) {
  let it = standing.get(parentElement);
  if (it?.src !== data.src) standing.set(parentElement, (it = built(parentElement, data)));
  it.tell = setStateValue;
  it.sheet.setAttribute("aria-label", data.words.picture);
  it.named.textContent = data.words.brush;
  it.eraser.textContent = data.words.eraser;
  it.undo.textContent = data.words.undo;
  it.clear.textContent = data.words.clear;
  drawn(it);
}
