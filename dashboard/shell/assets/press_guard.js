"use strict";

// Clicks count on the element where they began. Browsers send a click only if the pointer is released on the same
// element. If a redraw moves a button while it is pressed, the click would be lost.

const FAR = 6; // CSS pixels after which a press is canceled or a drag
const PRESSED = "button, summary, a[href]";

let began = null;

// Return a selector that finds the element after a redraw: by its key, or by the target of a link.
function place(one) {
  if (one.matches("a")) return `a[href="${CSS.escape(one.getAttribute("href"))}"]`;
  const named = [...(one.closest('[class*="st-key-"]')?.classList || [])].find((name) => name.startsWith("st-key-"));
  return named ? `.${CSS.escape(named)} ${one.localName}` : null;
}

function now({ one, where, words }) {
  if (one.isConnected) return one;
  const found = where ? [...document.querySelectorAll(where)].filter((other) => other.textContent === words) : [];
  return found.length === 1 ? found[0] : null;
}

addEventListener("pointerdown", (event) => {
  began = null;
  const one = event.target instanceof Element ? event.target.closest(PRESSED) : null;
  // browsers already send taps to the element that was touched
  if (!one || one.disabled || event.button !== 0 || event.pointerType !== "mouse") return;
  began = { one, where: place(one), words: one.textContent, x: event.clientX, y: event.clientY };
}, true);

addEventListener("click", (event) => {
  if (began?.one.contains(event.target)) began = null;
}, true);

addEventListener("pointerup", (event) => {
  const press = began;
  if (!press) return;
  if (Math.hypot(event.clientX - press.x, event.clientY - press.y) > FAR) began = null;
  setTimeout(() => { // runs after the browser's click event, if there is one
    if (began !== press) return;
    began = null;
    now(press)?.click();
  });
}, true);

addEventListener("pointercancel", () => { began = null; }, true);
