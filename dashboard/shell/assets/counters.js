// Counts the text of each channel while a member types, without a request. After a pause the server counts the text as
// it would be sent, with required marks; the browser adds the difference to what has been typed since.

const LINK = /(?:https?:\/\/)[^\s<>"]+/giu;
const EMOJI = /\p{Extended_Pictographic}|\p{Regional_Indicator}|[0-9#*]\ufe0f?\u20e3/u;
const LIGHT = [[0, 4351], [8192, 8205], [8208, 8223], [8242, 8247]]; // code points that X counts as one
const bytes = (text) => new TextEncoder().encode(text).length;
const graphemes = (text) => Array.from(new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text), (one) => one.segment);
const weight = (character) => (LIGHT.some(([first, last]) => first <= character.codePointAt(0) && character.codePointAt(0) <= last) ? 1 : 2);

const UNITS = {
  characters: (text) => [...text].length,
  graphemes: (text) => graphemes(text).length,
  utf16: (text) => text.length,
  bytes,
  x: (text) => graphemes(text.normalize("NFC")).reduce((sum, one) => sum + (EMOJI.test(one) ? 2 : [...one].reduce((all, each) => all + weight(each), 0)), 0),
  threads: (text) => graphemes(text).reduce((sum, one) => sum + (EMOJI.test(one) ? bytes(one) : [...one].length), 0),
};

function length(text, { unit, link }) {
  let links = 0;
  const rest = link ? text.replace(LINK, () => { links += 1; return ""; }) : text;
  return UNITS[unit](rest) + links * link;
}

const mounted = new Map(); // data and list of each mounted component, by parent element

function typedIn(field) {
  return document.querySelector(`.st-key-${CSS.escape(field)} textarea`)?.value;
}

function draw({ list, data }) {
  const number = new Intl.NumberFormat(data.language);
  const lines = data.rows.map((row) => {
    const grown = row.fields.reduce((sum, [field, known]) => sum + length((typedIn(field) ?? known).trim(), row) - length(known.trim(), row), 0);
    const now = Math.max(row.length + grown, 0);
    const over = now - row.most;
    const item = document.createElement("li");
    const name = document.createElement("b");
    name.textContent = row.name;
    item.append(name, ` ${number.format(now)} / ${number.format(row.most)}`);
    if (over > 0) {
      item.className = "gr-over";
      item.append(` · ${data.words.over.replace("{over}", number.format(over))}`);
    } else if (over > -row.most / 10) item.className = "gr-near";
    return item;
  });
  list.replaceChildren(...lines);
}

function typed({ target }) {
  if (!(target instanceof HTMLTextAreaElement)) return;
  for (const [parent, it] of mounted) {
    if (!parent.isConnected) mounted.delete(parent);
    else if (it.data.rows.some((row) => row.fields.some(([field]) => target.closest(`.st-key-${CSS.escape(field)}`)))) draw(it);
  }
}

export default function counters({ data, parentElement }) {
  let it = mounted.get(parentElement);
  if (!it?.list.isConnected) {
    it = { list: document.createElement("ul") };
    it.list.className = "gr-counters";
    parentElement.replaceChildren(it.list);
    mounted.set(parentElement, it);
  }
  it.data = data;
  it.list.setAttribute("aria-label", data.words.label);
  draw(it);
  window.addEventListener("input", typed, true); // a second registration has no effect
}
