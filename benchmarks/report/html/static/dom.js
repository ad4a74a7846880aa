// Elements. Every text is set as text, so no string of a record is ever read as markup.

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...present(children));
  return made;
}

// The elements of a list that are shown: `condition && element(…)` may be false.
const present = (children) => children.flat(Infinity).filter((child) => child instanceof Node || (child && child !== true));

const code = (text) => element("span", { class: "mono" }, breakable(text));

// A name may break after its underscores if there is little room.
const breakable = (name) => name.split(/(?<=_)(?=.)/).flatMap((part, i) => (i ? [element("wbr"), part] : [part]));
const strong = (text) => element("strong", null, text);

const byId = (id) => document.getElementById(id);

function fill(id, ...children) {
  byId(id).replaceChildren(...present(children));
}

// Content that is made and shown on request.
function unfolding(summary, make) {
  const details = element("details", { ontoggle: () => {
    if (details.open && details.children.length === 1) details.append(...present([make()]));
  } }, element("summary", null, summary));
  return details;
}

// A table from headings ({title, numeric}) and rows of cells (texts or elements).
function simpleTable(headings, rows, { caption, kind = "plain", mostRows = 400 }) {
  const align = (i) => (headings[i]?.numeric ? "number" : null);
  const head = headings.map(({ title }, i) => element("th", { scope: "col", class: align(i) }, title));
  const body = rows.slice(0, mostRows).map((cells) =>
    element("tr", null, cells.map((cell, i) =>
      (i === 0 ? element("th", { scope: "row" }, cell) : element("td", { class: align(i) }, cell)))));
  const left = rows.length - body.length;
  return [
    element("p", { class: "caption" }, caption),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      element("table", { class: kind, "aria-label": caption },
        element("thead", null, element("tr", null, head)), element("tbody", null, body))),
    left > 0 && element("p", { class: "note" }, `and ${left.toLocaleString("en")} more rows`),
  ];
}
