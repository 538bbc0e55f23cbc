// Closes the menu after a choice where it covers the page; Streamlit leaves it open.

const COVERS = "(max-width: 768px)"; // up to this width Streamlit draws the menu over the page

function chosen(event) {
  if (!matchMedia(COVERS).matches) return;
  if (!(event.target instanceof Element) || !event.target.closest('[data-testid="stSidebarNavLink"]')) return;
  document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
}

export default function menu() {
  document.addEventListener("click", chosen); // a second registration has no effect
}
