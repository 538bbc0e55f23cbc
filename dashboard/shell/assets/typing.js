// Sends text when typing pauses, not only when the field loses focus, so that platform checks, previews and the stored
// draft follow the text.

const REST = 600; // milliseconds without input
const WORDS = '[class*="st-key-gr_words_"] textarea';

let waiting = 0;
let written = null; // the field last typed in
let stored = []; // the texts that the server has received

// Streamlit sends a field's text on focusout. The field keeps the focus and the caret.
function tell(field) {
  if (document.activeElement === field) field.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
}

function typed({ target, isComposing }) {
  clearTimeout(waiting);
  if (target instanceof Element && target.matches(WORDS)) written = target;
  if (isComposing || !(target instanceof Element) || !target.matches(WORDS)) return; // an input method is composing a character
  waiting = setTimeout(tell, REST, target);
}

// A reload, link or form ends the Streamlit session: the browser asks for confirmation while the draft is not stored.
function leaving(event) {
  if (written?.isConnected && written.value && !stored.includes(written.value)) event.preventDefault();
}

export default function typing({ data }) {
  stored = data?.stored || [];
  for (const name of ["input", "compositionend"]) window.addEventListener(name, typed, true); // a second registration has no effect
  window.addEventListener("beforeunload", leaving);
}
