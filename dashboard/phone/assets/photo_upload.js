"use strict";

const TRIES = 4;
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

// Equal bytes are one upload, so a request whose response was lost can be repeated.
async function sent(address, body, headers) {
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = await fetch(address, { method: "POST", body, headers, redirect: "manual" });
      if (answer.status !== 503 || tries === TRIES) return answer;
    } catch (lost) {
      if (tries === TRIES) return null;
    }
    await pause(2 ** tries);
  }
}

function handIn(form) {
  const files = document.getElementById("files");
  const told = document.getElementById("told");
  const wrong = document.getElementById("wrong");
  const again = document.getElementById("again");
  const batch = crypto.randomUUID ? crypto.randomUUID() : "";
  const missed = [];

  const refuse = (why) => {
    const line = document.createElement("li");
    line.className = "bad";
    line.textContent = why;
    wrong.append(line);
  };

  async function one(file) {
    const card = document.getElementById("card");
    const generated = document.getElementById("by-model").checked;
    const asked = new URLSearchParams({ name: file.name, batch, card: card ? card.value : "", generated });
    const answer = await sent(`${form.dataset.to}?${asked}`, file, { "content-type": "application/octet-stream" });
    if (answer && answer.status === 202) return true;
    if (!answer || answer.status === 503) missed.push(file);
    else if (answer.status === 401 || answer.type === "opaqueredirect") refuse(form.dataset.ended);
    else refuse((await answer.json().catch(() => ({}))).said || `${file.name}: ${form.dataset.heavy}`);
    return false;
  }

  async function all(chosen) {
    files.disabled = again.hidden = true;
    let done = 0;
    for (const [at, file] of chosen.entries()) {
      told.textContent = form.dataset.count.replace("{done}", at + 1).replace("{total}", chosen.length);
      if (await one(file)) done += 1;
    }
    told.textContent = form.dataset.done.replace("{done}", done).replace("{total}", chosen.length);
    if (done) document.getElementById("onward").hidden = false;
    files.disabled = false;
    files.value = "";
    again.hidden = !missed.length;
    if (missed.length) told.textContent += ` ${form.dataset.lost}`;
  }

  files.addEventListener("change", () => all([...files.files]));
  again.addEventListener("click", () => all(missed.splice(0)));
}

function sort(stack) {
  const form = document.getElementById("sort");
  const left = document.getElementById("left");
  const back = document.getElementById("back");
  const names = Object.fromEntries([...form.querySelectorAll("[name=choice]")].map((one) => [one.value, one.textContent]));
  const sorted = [];
  let from = null;
  let busy = false;

  const said = (text) => { left.textContent = text; };
  const counted = () => said(stack.dataset.count.replace("{count}", stack.dataset.total - sorted.length));

  async function press(card, choice) {
    const answer = await sent(card.dataset.to, new URLSearchParams({ choice }));
    if (answer && answer.type === "opaqueredirect") return true;
    said(answer && [401, 404].includes(answer.status) ? stack.dataset.ended : stack.dataset.lost);
    return false;
  }

  async function choose(choice) {
    const card = stack.firstElementChild;
    if (!card || busy) return;
    busy = true;
    if (await press(card, choice)) {
      sorted.push(card);
      card.remove();
      counted();
      back.hidden = false;
      if (!stack.firstElementChild) location.reload();
    }
    settle(card);
    busy = false;
  }

  function settle(card) {
    card.style.transform = "";
    card.querySelector(".why").style.opacity = 0;
  }

  async function takeBack() {
    const card = sorted.at(-1);
    if (!card || busy) return;
    busy = true;
    if (await press(card, "back")) {
      sorted.pop();
      stack.prepend(card);
      counted();
      back.hidden = !sorted.length;
    }
    busy = false;
  }

  function meant(x, y) {
    if (-y > 90 && -y > Math.abs(x)) return "pack";
    return Math.abs(x) > 80 ? (x > 0 ? "feed" : "never") : "";
  }

  stack.addEventListener("pointerdown", (event) => {
    from = [event.clientX, event.clientY];
    stack.setPointerCapture(event.pointerId);
  });
  stack.addEventListener("pointermove", (event) => {
    const card = stack.firstElementChild;
    if (!from || !card || busy) return;
    const [x, y] = [event.clientX - from[0], event.clientY - from[1]];
    const choice = meant(x, y);
    card.style.transform = `translate(${x}px, ${Math.min(y, 0)}px) rotate(${x / 30}deg)`;
    card.querySelector(".why").textContent = names[choice] || "";
    card.querySelector(".why").style.opacity = choice ? 1 : 0;
  });
  stack.addEventListener("pointerup", (event) => {
    if (!from) return;
    const choice = meant(event.clientX - from[0], event.clientY - from[1]);
    from = null;
    if (choice) choose(choice);
    else if (stack.firstElementChild) settle(stack.firstElementChild);
  });
  stack.addEventListener("pointercancel", () => {
    from = null;
    if (stack.firstElementChild) settle(stack.firstElementChild);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    choose(event.submitter.value);
  });
  back.addEventListener("click", takeBack);
  document.addEventListener("keydown", (event) => {
    const choice = { ArrowLeft: "never", ArrowRight: "feed", ArrowUp: "pack" }[event.key];
    if (choice) choose(choice);
    if (choice) event.preventDefault();
  });
}

const handing = document.getElementById("hand-in");
const stacked = document.getElementById("stack");
if (handing) handIn(handing);
if (stacked) sort(stacked);
