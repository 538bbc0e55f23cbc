"use strict";

// A press counts where it began. Pages draw themselves anew under the pointer, and a browser makes a click only of a
// press whose both ends lie on one element: a line that appears above a button meanwhile would lose it in silence.

const FAR = 6; // CSS pixels after which a press was taken back, or is a drag
const PRESSED = "button, summary, a[href]";

let began = null;

// the same one after it was made anew: by the name the page gave it, or by where it leads
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
  // a finger's tap is given to what it touched first
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
  setTimeout(() => { // after the click, if the browser makes one
    if (began !== press) return;
    began = null;
    now(press)?.click();
  });
}, true);

addEventListener("pointercancel", () => { began = null; }, true);
