// Dragging posts of the calendar. It draws nothing of its own but the hours under the pointer: cards and days are those
// the page has drawn, found by their marks. What was dropped where goes to the server, which decides.

const FAR = 6; // CSS pixels before a press becomes a drag
const AGAIN = 10000; // milliseconds in which a card that was moved by keyboard is looked for, to be chosen again
const SAID = 3000; // milliseconds for which it is said why a card stays where it is
const UNSEEN = 2000; // milliseconds in which a card may not show yet where it was moved to
const AWAY = 1000; // milliseconds after which a page that is not drawn again was left
const GRID = ".st-key-gr_grid";
const DAYS = `${GRID} [class*="st-key-cell-"], ${GRID} [class*="st-key-column-"]`;
const DAY = /st-key-(cell|column)-(\d{4}-\d\d-\d\d)/;

let tell = null;
let held = null;
let last = null; // the card that was moved by keyboard, and when
let unsent = null; // what was dropped while the page was drawn anew, and when

function card(target) {
  if (!(target instanceof Element)) return null;
  const box = target.closest(`${GRID} [class*="st-key-turn-"]`);
  const mark = box ? box.querySelector("[data-gr-seen]") : target.closest(`${GRID} [data-gr-seen]`);
  return mark && { box: box || mark, lane: laneOf(mark), other: mark.closest("table")?.dataset.grOther, ...mark.dataset };
}

// what its row is: a card moves in time only, never to another creator or account
function laneOf(element) {
  return element.closest("tr[data-gr-lane]")?.dataset.grLane;
}

// a column of lanes: a day, or an hour of the one day
function column(cell) {
  const { grDay, grHour } = cell.closest("table").tHead.rows[0].cells[cell.cellIndex].dataset;
  return { day: grDay, hours: false, own: cell, at: grHour === undefined ? null : Number(grHour), lane: laneOf(cell) };
}

function days() {
  return [...document.querySelectorAll(DAYS)].map((one) => {
    const [, kind, day] = DAY.exec(one.className);
    return { day, hours: kind === "column", own: one, place: (one.closest('[data-testid="stColumn"]') || one).getBoundingClientRect() };
  });
}

function under(x, y) {
  if (held.what.lane) {
    const cell = document.elementFromPoint(x, y)?.closest(`${GRID} tr[data-gr-lane] > td`);
    return cell ? column(cell) : null;
  }
  const inside = ({ hours, place }) =>
    x >= place.left && x <= place.right && y >= place.top && y <= (hours ? window.innerHeight : place.bottom);
  return days().find(inside) || null;
}

function sent(what, day, hour) {
  const seen = {};
  for (const one of what.grSeen.split(" ")) {
    const [id, version] = one.split("=");
    seen[id] = Number(version);
  }
  const dropped = { seen, day, hour };
  if (tell) tell("dropped", dropped);
  else unsent = { dropped, at: performance.now() };
}

// with a pointer

function begin(event) {
  held.started = true;
  held.ghost = document.createElement("div");
  held.ghost.className = "gr-ghost";
  held.words = held.what.box.textContent.trim().replace(/\s+/g, " ").slice(0, 60);
  held.ghost.textContent = held.words;
  held.ghost.setAttribute("role", "status");
  document.body.append(held.ghost);
  document.body.classList.add("gr-dragging");
  event.preventDefault();
}

function hoursOf(found) {
  const top = Math.max(found.place.top, 0);
  const rows = document.createElement("div");
  rows.className = "gr-hours";
  rows.style.cssText = `left:${found.place.left}px;width:${found.place.width}px;top:${top}px;bottom:0`;
  const free = new Set();
  for (const one of found.own.querySelectorAll('[class*="st-key-free-"]')) {
    const clock = /T(\d\d)-\d\d/.exec(one.className);
    if (clock) free.add(Number(clock[1]));
  }
  for (let hour = 0; hour < 24; hour += 1) {
    const row = document.createElement("div");
    row.textContent = `${String(hour).padStart(2, "0")}:00`;
    if (free.has(hour)) row.className = "gr-free";
    rows.append(row);
  }
  document.body.append(rows);
  return rows;
}

function hourAt(y) {
  const place = held.rows.getBoundingClientRect();
  const part = (y - place.top) / Math.max(place.height, 1);
  return Math.min(Math.max(Math.floor(part * 24), 0), 23);
}

function over(x, y) {
  const spot = under(x, y);
  const stays = Boolean(spot) && spot.lane !== held.what.lane;
  const found = stays ? null : spot;
  if (held.over !== (found && found.own)) {
    held.rows?.remove();
    held.over?.classList.remove("gr-over-day");
    held.rows = null;
    held.day = found && found.day;
    held.over = found && found.own;
    held.over?.classList.add("gr-over-day");
    if (found && found.hours) held.rows = hoursOf(found);
  }
  held.hour = held.rows ? hourAt(y) : (found?.at ?? null);
  if (held.stays !== stays) {
    held.stays = stays;
    held.ghost.textContent = stays ? held.what.other : held.words;
  }
  [...(held.rows?.children || [])].forEach((row, hour) => row.classList.toggle("gr-on", hour === held.hour));
  held.ghost.style.transform = `translate(${x + 8}px, ${y + 8}px)`;
}

function letGo() {
  held?.ghost?.remove();
  held?.rows?.remove();
  held?.over?.classList.remove("gr-over-day");
  document.body.classList.remove("gr-dragging");
  held = null;
}

function quiet(event) {
  event.preventDefault();
  event.stopPropagation();
}

const pointer = {
  pointerdown(event) {
    letGo();
    // a finger scrolls: on a phone a post is moved in its form
    if (event.button !== 0 || event.pointerType === "touch" || event.target.closest?.("a:not(.gr-open)")) return;
    const what = card(event.target);
    if (what) held = { what, x: event.clientX, y: event.clientY, started: false, over: null, stays: false };
  },
  pointermove(event) {
    if (!held) return;
    const far = Math.hypot(event.clientX - held.x, event.clientY - held.y) > FAR;
    if (!held.started && far) begin(event);
    if (held?.started) over(event.clientX, event.clientY);
  },
  pointerup() {
    if (!held?.started) {
      held = null;
      return;
    }
    const { what, day, hour, ghost, stays } = held;
    letGo();
    if (stays) {
      document.body.append(ghost); // it stays, and that is read in peace
      setTimeout(() => ghost.remove(), SAID);
    }
    window.addEventListener("click", quiet, { capture: true, once: true }); // the press was a drag, no click
    setTimeout(() => window.removeEventListener("click", quiet, { capture: true }), 50);
    const same = day === what.grDay && (hour === null || hour === Number(what.grHour));
    if (day && !same) sent(what, day, hour);
  },
  pointercancel: letGo,
  blur: letGo,
  dragstart(event) {
    if (held) event.preventDefault(); // pictures and links would be dragged by the browser itself
  },
  selectstart(event) {
    if (held?.started) event.preventDefault();
  },
};

// by keyboard

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function shifted(day, by) {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + by);
  return at.toISOString().slice(0, 10);
}

function markOf(before) {
  const marks = [...document.querySelectorAll(`${GRID} [data-gr-seen]`)];
  const same = (one) => one.dataset.grPost === before.grPost && laneOf(one) === before.lane;
  return marks.find((one) => same(one) && one.dataset.grSeen !== before.grSeen);
}

function chosenCard() {
  const here = card(document.activeElement);
  if (here || document.activeElement !== document.body || !last || performance.now() - last.at > AGAIN) return here;
  const mark = markOf(last); // the page is drawn anew, and what was chosen is not chosen again yet
  return mark ? card(mark) : null;
}

// it still stands as it was moved: another step from here would be refused, as if somebody else had moved it
function isMoving(what) {
  const same = last && last.grPost === what.grPost && last.lane === what.lane && last.grSeen === what.grSeen;
  return same && performance.now() - last.at < UNSEEN;
}

function keydown(event) {
  if (event.key === "Escape" && held) {
    letGo();
    return;
  }
  const step = event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey && STEPS[event.key];
  const what = step && chosenCard();
  if (!what) return;
  quiet(event);
  const month = what.box.closest('[class*="st-key-cell-"]');
  if (event.repeat || isMoving(what)) return;
  const days = what.box.closest("table:not(.gr-by-hour)");
  if (what.lane) {
    if (step[1]) return; // up and down are other lanes
    const hour = Number(what.grHour) + step[0];
    if (!days && (hour < 0 || hour > 23)) return;
    sent(what, days ? shifted(what.grDay, step[0]) : what.grDay, days ? null : hour);
  } else if (month) {
    sent(what, shifted(what.grDay, step[0] + 7 * step[1]), null);
  } else {
    const hour = Number(what.grHour) + step[1];
    if (hour < 0 || hour > 23) return;
    sent(what, shifted(what.grDay, step[0]), hour);
  }
  last = { ...what, at: performance.now() };
  chooseAgain(last);
}

function chooseAgain(before) {
  const until = performance.now() + AGAIN;
  let chosen = false;
  const look = () => {
    const now = document.activeElement;
    const mark = markOf(before);
    if (chosen && now !== document.body) {
      if (!mark || card(now)?.grPost !== before.grPost) return; // somebody went on to something else
    } else if (mark) {
      const box = mark.closest('[class*="st-key-turn-"]');
      (box?.querySelector("button") || mark.querySelector("a") || mark).focus(); // again, where the page was drawn once more meanwhile
      chosen = true;
    }
    if (performance.now() < until && before === last) setTimeout(look, 100);
  };
  look();
}

const listened = { ...pointer, keydown };

let drawn = 0; // how often the page drew this piece: a drawing before may end after the next one began

export default function drag({ setTriggerValue }) {
  drawn += 1;
  const mine = drawn;
  tell = setTriggerValue;
  if (unsent && performance.now() - unsent.at < AGAIN) tell("dropped", unsent.dropped);
  unsent = null;
  for (const [name, listener] of Object.entries(listened)) window.addEventListener(name, listener, true); // twice is once
  document.body.classList.add("gr-holds"); // from now on cards can be taken hold of, and look it
  return () => {
    if (mine !== drawn) return;
    tell = null; // until it is drawn again: what is dropped meanwhile waits, and a key is heard; elsewhere is no card
    setTimeout(() => mine === drawn && letGo(), AWAY);
  };
}
