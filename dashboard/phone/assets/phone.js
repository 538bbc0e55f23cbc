"use strict";

function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  const done = () => { button.textContent = button.dataset.copied; };
  const byHand = () => { field.focus(); field.select(); if (document.execCommand("copy")) done(); };
  if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(done, byHand);
  else byHand();
}

function tell(text) {
  let place = document.querySelector("[role=alert]");
  if (!place) {
    place = document.createElement("p");
    place.className = "told";
    place.setAttribute("role", "alert");
    document.querySelector("main").prepend(place);
  }
  place.textContent = text;
  place.scrollIntoView({ block: "center" });
}

async function keep(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST" });
    if (!answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      tell((page.querySelector("[role=alert]") || page.querySelector("main")).textContent.trim());
      return;
    }
    const data = await answer.blob();
    const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") || "");
    const file = new File([data], name ? name[1] : form.dataset.save, { type: data.type });
    if (navigator.canShare && navigator.canShare({ files: [file] })) {
      await navigator.share({ files: [file] }).catch(() => save(file));
    } else {
      save(file);
    }
  } finally {
    button.disabled = false;
  }
}

function save(file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

document.addEventListener("submit", (event) => {
  if (!event.target.dataset.save) return;
  event.preventDefault();
  keep(event.target);
});
