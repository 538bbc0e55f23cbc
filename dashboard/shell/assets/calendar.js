// Clicks and keys of the calendar. Cards, open slots and days are links, so that they open in a new tab too; a plain click
// is sent to the server, which changes the page without loading it again.

const GRID = ".st-key-gr_grid";
const PANEL = ".st-key-gr_panel";
const SENT = ["post", "at", "creator", "account", "delivery", "version", "day"];
const AGAIN = 10000; // milliseconds in which the panel, or the card behind it, is searched for to focus it
const REDRAWN = 2000; // milliseconds after that in which a redrawn page may lose the focus
const TYPING = "input, textarea, select, [contenteditable=true], [role=combobox], [role=listbox], [role=dialog], [role=spinbutton]";
const OVERLAY = "[data-testid=stPopoverBody], [data-react-aria-top-layer] [role=dialog], [data-react-aria-top-layer] [role=listbox]";

let tell = null;
let keys = {};
let opened = null; // the card whose panel is open

function focusSoon(find) {
  let until = performance.now() + AGAIN;
  let focused = null;
  const look = () => {
    if (focused && document.activeElement !== document.body) {
      if (document.activeElement !== focused) return; // the user moved on
    } else {
      const target = find();
      if (target) {
        target.focus();
        if (!focused) until = performance.now() + REDRAWN;
        focused = target;
      }
    }
    if (performance.now() < until) setTimeout(look, 100);
  };
  look();
}

function click(event) {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element && event.target.closest(`${GRID} a[data-gr-act]`);
  if (!link || !tell) return;
  event.preventDefault();
  const what = { kind: link.dataset.grAct };
  for (const name of SENT) {
    const value = link.dataset[`gr${name[0].toUpperCase()}${name.slice(1)}`];
    if (value) what[name] = value;
  }
  if (what.kind === "post") {
    opened = what;
    focusSoon(() => document.querySelector(`${PANEL} button`));
  }
  tell("chosen", what);
}

function keydown(event) {
  if (!tell || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.repeat || event.isComposing) return;
  if (event.target instanceof Element && event.target.closest(TYPING)) return;
  if (event.key === "Escape") {
    if (!document.querySelector(PANEL) || document.querySelector(OVERLAY)) return;
    const before = opened;
    opened = null;
    tell("chosen", { kind: "close" });
    if (before) focusSoon(() => document.querySelector(PANEL) ? null : document.querySelector(`${GRID} a[data-gr-post="${CSS.escape(before.post)}"]`));
    return;
  }
  const name = keys[event.key.toLowerCase()];
  if (!name) return;
  event.preventDefault();
  tell("chosen", { kind: "go", name });
}

export default function calendar({ data, setTriggerValue }) {
  tell = setTriggerValue;
  keys = data?.keys || {};
  document.addEventListener("click", click); // a second registration has no effect
  document.addEventListener("keydown", keydown);
  const mine = setTriggerValue;
  return () => {
    if (tell === mine) tell = null;
  };
}
