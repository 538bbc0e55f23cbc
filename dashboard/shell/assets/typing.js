// Words are told when the hand rests, not only when their field is left: what the page says of them (how many are left,
// what a place refuses, how its feed shows them) is of what stands there. It draws nothing of its own.

const REST = 600; // milliseconds without a letter
const WORDS = ".st-key-gr_words textarea";

let waiting = 0;
let written = null; // the field that was written into last

// Streamlit sends a field's text when it is left; it stays chosen, and its caret where it is
function tell(field) {
  if (document.activeElement === field) field.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
}

function typed({ target, isComposing }) {
  clearTimeout(waiting);
  if (target instanceof Element && target.matches(WORDS)) written = target;
  if (isComposing || !(target instanceof Element) || !target.matches(WORDS)) return; // a letter is still being made
  waiting = setTimeout(tell, REST, target);
}

// A reload, a link or a form ends the page's session, and what is written with it: the browser asks first
function leaving(event) {
  if (written?.isConnected && written.value) event.preventDefault();
}

export default function typing() {
  for (const name of ["input", "compositionend"]) window.addEventListener(name, typed, true); // twice is once
  window.addEventListener("beforeunload", leaving);
}
