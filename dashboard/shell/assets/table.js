// A table whose headings sort it and whose rows open. The server renders and escapes its HTML; `data-gr-send` names
// what a press sends back.

const drawn = new WeakMap(); // by parent element: the HTML, and the function that reports presses

function pressed(event) {
  const target = event.target.closest("[data-gr-send]");
  if (!target || (target.tagName === "TR" && String(window.getSelection()))) return; // the user is selecting text
  drawn.get(event.currentTarget).tell("pressed", target.dataset.grSend);
}

export default function table({ data, parentElement, setTriggerValue }) {
  const before = drawn.get(parentElement);
  if (!before) parentElement.addEventListener("click", pressed);
  drawn.set(parentElement, { html: data.html, tell: setTriggerValue });
  if (before?.html === data.html) return;
  const chosen = parentElement.contains(document.activeElement) ? document.activeElement.dataset.grSend : null;
  const place = parentElement.querySelector(".gr-scroll");
  const [left, top] = place ? [place.scrollLeft, place.scrollTop] : [0, 0];
  parentElement.innerHTML = data.html;
  // A press redraws the table: focus and position remain.
  const again = chosen && parentElement.querySelector(`button[data-gr-send="${CSS.escape(chosen)}"]`);
  again?.focus({ preventScroll: true });
  parentElement.querySelector(".gr-scroll")?.scrollTo(left, top);
}
