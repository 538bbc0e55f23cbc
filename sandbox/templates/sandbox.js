// Keeps the chat window fresh; without it the forms still work.
const list = document.getElementById("messages");
const atEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight < 80;
const toEnd = () => { list.scrollTop = list.scrollHeight; };
let shown = "";

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(list.dataset.source);
    const fresh = await answer.text();
    if (!answer.ok || fresh === shown) return;
    const stay = !atEnd();
    if (shown !== "" || fresh.trim() !== list.innerHTML.trim()) list.innerHTML = fresh;  // escaped by the server
    shown = fresh;
    if (!stay) toEnd();
  } catch (error) {
    console.debug("the sandbox does not answer", error);
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.id !== "write" && !list.contains(form)) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  await fetch(form.action, { method: "POST", body });
  if (form.id === "write") form.elements.text.value = "";
  // under an impatient finger nothing moves: the second press finds the button where it was
  setTimeout(() => { toEnd(); refresh(); }, form.id === "write" ? 0 : 600);
});

toEnd();
setInterval(refresh, 1000);
