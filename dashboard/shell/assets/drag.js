// Drag and drop of posts on the calendar. It draws only the hours under the pointer; cards and days are elements of the
// page, found by their attributes. Drops are sent to the server, which decides.

const FAR = 6; // CSS pixels before a press becomes a drag
const AGAIN = 10000; // milliseconds in which a card moved by keyboard is searched for, to focus it again
const SAID = 3000; // milliseconds for which the reason against a move is shown
const UNSEEN = 2000; // milliseconds in which a moved card may still show its old place
const AWAY = 1000; // milliseconds without a redraw after which the user has left the page
const GRID = ".st-key-gr_grid";
const DAYS = `${GRID} [data-gr-cell]`;

let tell = null;
let held = null;
let last = null; // the card last moved by keyboard, and the time
let unsent = null; // a drop during a redraw, and its time

function card(target) {
  if (!(target instanceof Element)) return null;
  const mark = target.closest(`${GRID} [data-gr-seen]`);
  return mark && { box: mark, lane: laneOf(mark), other: mark.closest("table")?.dataset.grOther, ...mark.dataset };
}

// The row of a card. Cards move in time only, never to another creator or account.
function laneOf(element) {
  return element.closest("tr[data-gr-lane]")?.dataset.grLane;
}

// A column of the lane view: a day, or an hour of a single day.
function column(cell) {
  const { grDay, grHour } = cell.closest("table").tHead.rows[0].cells[cell.cellIndex].dataset;
  return { day: grDay, hours: false, own: cell, at: grHour === undefined ? null : Number(grHour), lane: laneOf(cell) };
}

function days() {
  return [...document.querySelectorAll(DAYS)].map((one) => {
    const { grCell, grKind } = one.dataset;
    return { day: grCell, hours: grKind === "column", own: one, place: one.getBoundingClientRect() };
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

// Pointer

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
  for (const one of found.own.querySelectorAll('[data-gr-act="slot"]')) {
    const clock = /T(\d\d):\d\d/.exec(one.dataset.grAt);
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
    // touch scrolls the page; on a phone, a form moves the post
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
      document.body.append(ghost); // leaves time to read why the card stays
      setTimeout(() => ghost.remove(), SAID);
    }
    window.addEventListener("click", quiet, { capture: true, once: true }); // the press was a drag, not a click
    setTimeout(() => window.removeEventListener("click", quiet, { capture: true }), 50);
    const same = day === what.grDay && (hour === null || hour === Number(what.grHour));
    if (day && !same) sent(what, day, hour);
  },
  pointercancel: letGo,
  blur: letGo,
  dragstart(event) {
    if (held) event.preventDefault(); // otherwise the browser drags pictures and links
  },
  selectstart(event) {
    if (held?.started) event.preventDefault();
  },
};

// Keyboard

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
  const mark = markOf(last); // a redraw has removed the focus
  return mark ? card(mark) : null;
}

// The page still shows the old version, so the server would reject another step as a conflict.
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
  const month = what.box.closest('[data-gr-kind="cell"]');
  if (event.repeat || isMoving(what)) return;
  const days = what.box.closest("table:not(.gr-by-hour)");
  if (what.lane) {
    if (step[1]) return; // up and down would change the lane
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
      if (!mark || card(now)?.grPost !== before.grPost) return; // the user has focused something else
    } else if (mark) {
      (mark.querySelector("a") || mark).focus(); // repeated, because another redraw removes the focus again
      chosen = true;
    }
    if (performance.now() < until && before === last) setTimeout(look, 100);
  };
  look();
}

const listened = { ...pointer, keydown };

let drawn = 0; // number of mounts: the cleanup of one may run after the next began

export default function drag({ setTriggerValue }) {
  drawn += 1;
  const mine = drawn;
  tell = setTriggerValue;
  if (unsent && performance.now() - unsent.at < AGAIN) tell("dropped", unsent.dropped);
  unsent = null;
  for (const [name, listener] of Object.entries(listened)) window.addEventListener(name, listener, true); // a second registration has no effect
  document.body.classList.add("gr-holds"); // shows that cards can be dragged
  return () => {
    if (mine !== drawn) return;
    tell = null; // until the next mount, drops wait in `unsent`
    setTimeout(() => mine === drawn && letGo(), AWAY);
  };
}
