// Files that are pasted, or dropped anywhere on the composer, go to its upload field.

const FIELD = '.st-key-gr_media input[type="file"]';
const ZONE = '[data-testid="stFileUploaderDropzone"]';
const DRAGGED = "gr-dragged";

function attach(event, files) {
  const field = document.querySelector(FIELD);
  if (!field || field.disabled || !files?.length || event.defaultPrevented) return;
  event.preventDefault();
  const sent = new DataTransfer();
  for (const file of files) sent.items.add(file);
  field.files = sent.files;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

const hasFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
const isOnField = (event) => event.target instanceof Element && event.target.closest(ZONE); // it handles its own drops

function mark(on) {
  document.querySelector(".st-key-gr_media")?.classList.toggle(DRAGGED, on);
}

function pasted(event) {
  // A copied table or text may contain a picture of itself: the text is meant.
  if (!event.clipboardData?.getData("text/plain")) attach(event, event.clipboardData?.files);
}

function dragged(event) {
  if (!hasFiles(event) || !document.querySelector(FIELD)) return;
  mark(true);
  if (!isOnField(event)) event.preventDefault(); // otherwise the browser opens the file
}

function dropped(event) {
  mark(false);
  if (hasFiles(event) && !isOnField(event)) attach(event, event.dataTransfer.files);
}

function left(event) {
  if (!event.relatedTarget) mark(false); // the pointer left the window
}

export default function listen() {
  window.addEventListener("paste", pasted); // a second registration has no effect
  window.addEventListener("dragover", dragged);
  window.addEventListener("dragleave", left);
  window.addEventListener("drop", dropped);
}
