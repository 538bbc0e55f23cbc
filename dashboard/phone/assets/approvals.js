"use strict";

const TRIES = 4;
const UNDO_MS = 10000;
const SWIPE = 90;
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

// Each card has a key, so a verdict whose response was lost can be repeated.
async function sent(address, fields) {
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = await fetch(address, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
      if (answer.status !== 503 || tries === TRIES) return answer;
    } catch (lost) {
      if (tries === TRIES) return null;
    }
    await pause(2 ** tries);
  }
}

function reviewing(cards) {
  const left = document.getElementById("left");
  const undo = document.getElementById("undo");
  let done = 0;
  let from = null;
  let busy = false;
  let timer = 0;

  // The page may be the answer to "Reveal", which a reload would request again.
  const reopen = () => location.replace("/phone/approvals");
  const first = () => cards.firstElementChild;
  const approval = (card) => card.querySelector("[name=verdict][value=yes]");
  const counted = () => {
    const number = cards.dataset.total - done;
    left.textContent = number === 1 ? cards.dataset.one : cards.dataset.count.replace("{count}", number);
  };

  async function refusal(answer) {
    if (!answer || answer.status === 503) return cards.dataset.lost;
    if (answer.status === 401) return cards.dataset.ended;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const told = page.querySelector("[role=alert]") || page.querySelector("main");
    return told ? told.textContent.trim() : cards.dataset.lost;
  }

  function tell(card, text) {
    let place = card.querySelector("[role=alert]");
    if (!place) {
      place = document.createElement("p");
      place.className = "told";
      place.setAttribute("role", "alert");
      card.prepend(place);
    }
    place.textContent = text;
    place.scrollIntoView({ block: "center" });
  }

  async function decide(card, fields) {
    if (busy) return;
    busy = true;
    const answer = await sent(card.dataset.to, fields);
    if (answer && answer.type === "opaqueredirect") {
      card.remove();
      done += 1;
      counted();
      offer(card, fields.verdict);
      // More posts than the shown cards are opened at once; after the last one, undo stays possible.
      if (!first()) setTimeout(reopen, cards.dataset.total > done ? 0 : UNDO_MS);
    } else {
      settle(card);
      tell(card, await refusal(answer).catch(() => cards.dataset.lost));
    }
    busy = false;
  }

  function offer(card, verdict) {
    clearTimeout(timer);
    undo.querySelector("span").textContent = cards.dataset[verdict];
    // A rejection cancels the post and cannot be undone.
    undo.querySelector("button").hidden = verdict === "no";
    undo.hidden = false;
    undo.querySelector("button").onclick = () => takeBack(card);
    timer = setTimeout(() => { undo.hidden = true; }, UNDO_MS);
  }

  async function takeBack(card) {
    if (busy) return;
    busy = true;
    undo.hidden = true;
    const answer = await sent(card.dataset.to, { verdict: "undo", key: crypto.randomUUID() });
    busy = false;
    if (answer && answer.type === "opaqueredirect") reopen();
    else tell(first() || cards, await refusal(answer).catch(() => cards.dataset.lost));
  }

  function settle(card) {
    card.style.transform = "";
    card.querySelector(".why").style.opacity = 0;
  }

  function choose(card, right) {
    if (right) {
      const button = approval(card);
      if (!button.disabled) button.form.requestSubmit(button);
      return;
    }
    const form = card.querySelector("details[data-verdict=change]");
    form.open = true;
    form.querySelector("textarea").focus();
  }

  const wayOf = (x) => (Math.abs(x) > SWIPE ? Math.sign(x) : 0);

  cards.addEventListener("pointerdown", (event) => {
    const card = first();
    if (!card || busy || event.target.closest("button, select, textarea, summary, a, .pictures")) return;
    from = event.clientX;
  });
  cards.addEventListener("pointermove", (event) => {
    const card = first();
    if (from === null || !card) return;
    const x = event.clientX - from;
    const why = card.querySelector(".why");
    const way = wayOf(x);
    card.style.transform = `translateX(${x}px) rotate(${x / 40}deg)`;
    why.classList.toggle("left", x < 0);
    why.textContent = x > 0 ? approval(card).textContent : card.querySelector("summary").textContent;
    why.style.opacity = way && !(x > 0 && approval(card).disabled) ? 1 : 0;
  });
  const ended = (event) => {
    const card = first();
    if (from === null || !card) return;
    const way = event.type === "pointercancel" ? 0 : wayOf(event.clientX - from);
    from = null;
    settle(card);
    if (way) choose(card, way > 0);
  };
  addEventListener("pointerup", ended);
  addEventListener("pointercancel", ended);

  cards.addEventListener("submit", (event) => {
    const card = event.target.closest("article");
    if (event.target.action.endsWith("/reveal")) return;
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    decide(card, { ...fields, verdict: event.submitter.value });
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("select, textarea, input, .pictures")) return;
    if (first() && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      event.preventDefault();
      choose(first(), event.key === "ArrowRight");
    }
  });
  document.getElementById("how").hidden = false;
  cards.classList.add("swipe");
}

const shown = document.getElementById("cards");
if (shown) reviewing(shown);
