// Tells the server whether the page is visible, so that a view that refreshes itself pauses in a hidden tab.

const mounted = new Map(); // the function that reports, by parent element

function changed() {
  for (const [parent, tell] of mounted) {
    if (!parent.isConnected) mounted.delete(parent);
    else tell("hidden", document.visibilityState === "hidden");
  }
}

export default function visibility({ parentElement, setStateValue }) {
  mounted.set(parentElement, setStateValue);
  document.addEventListener("visibilitychange", changed); // a second registration has no effect
}
