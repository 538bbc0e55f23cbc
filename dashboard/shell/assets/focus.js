// Focuses the first field of a dialog once, so that one can type as soon as it opens.

const focused = new WeakSet();

export default function focus() {
  const field = document.querySelector('[role="dialog"] input');
  if (!field || focused.has(field)) return; // the dialog redraws itself while its user moves on
  focused.add(field);
  field.focus();
}
