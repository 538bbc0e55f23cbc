// Sends a reply in the inbox when typing pauses, not only when the field loses focus: it survives a reload, other
// members see that someone is replying, and conflicts show while typing.

const REST = 900; // milliseconds without input
const REPLY = '[class*="st-key-inbox-text-"] textarea';

let waiting = 0;

// Streamlit sends a field's text on focusout. The field keeps the focus and the caret.
function tell(field) {
  if (document.activeElement === field) field.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
}

function typed({ target, isComposing }) {
  clearTimeout(waiting);
  if (isComposing || !(target instanceof Element) || !target.matches(REPLY)) return; // an input method is composing
  waiting = setTimeout(tell, REST, target);
}

export default function reply() {
  for (const name of ["input", "compositionend"]) window.addEventListener(name, typed, true); // a second registration has no effect
}
