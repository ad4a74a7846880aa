// Puts the page together: what is selected → everything that is shown.

function render() {
  hideTip();
  if (!DATA.groups.length) return empty();
  const selected = selection();
  renderChoosers(selected);
  renderControls(selected);
  renderTable(selected);
  const about = [DATA.groups.indexOf(selected.group), selected.baseline, ...selected.tiers, selected.caches, innerWidth < NARROW].join();
  if (about !== answered) renderSections(selected);
  answered = about;
  renderDetails(selected);
  byId("state").textContent = `${selected.group.problem} on ${selected.group.device}, ${count(selected.group.rows.length, "implementation")}`;
}

let answered = null; // what the sections are about: for example, sorting the table does not change them

function empty() {
  document.body.classList.add("empty");
  fill("choosers", element("p", null, "There is no record yet. “perceptron-bench run” measures and writes this page."));
}

function renderControls(selected) {
  fill("controls",
    chooser({ key: "baseline", title: "Baseline", value: selected.baseline, options: selected.timed.map((name) => [name, name]) }),
    element("fieldset", null, element("legend", null, "Tiers"), selected.present.map((tier) => tierBox(tier, selected))),
    checkbox("grouped", "Group by tier", selected.byTier, (checked) => choose({ grouped: checked ? null : "no" })));
  fill("caches",
    chooser({ key: "caches", title: "Compilation", value: selected.caches,
      options: [["cold", "with cold caches"], ["warm", "with warm caches"]] }));
}

function tierBox(tier, { tiers, present }) {
  return checkbox(`tier-${tier}`, tier, tiers.has(tier), (checked) => {
    const left = present.filter((each) => (each === tier ? checked : tiers.has(each)));
    choose({ tiers: left.length === present.length || !left.length ? null : left.join(",") });
  });
}

function checkbox(id, text, checked, onchange) {
  const box = element("input", { type: "checkbox", id: `box-${id}`, checked, onchange: (event) => {
    onchange(event.target.checked);
    byId(`box-${id}`).focus();
  } });
  return element("label", { class: "box" }, box, text);
}

function renderChanges() {
  const { changes } = DATA;
  byId("changes").hidden = !changes;
  if (!changes) return;
  fill("changes-summary", changes.summary);
  fill("changes-table", simpleTable(changes.headings.map((title, i) => ({ title, numeric: i > 0 && i < changes.headings.length - 1 })), changes.cases, { caption: "Each case against the base" }),
    element("p", { class: "note" }, changes.reading), element("ul", { class: "note" }, changes.remarks.map((each) => element("li", null, each))));
}

function renderScaling() {
  const { tables, reading } = DATA.scaling;
  byId("scaling").hidden = !tables.length;
  fill("scaling-tables", tables.map(({ title, headings, rows }) => simpleTable(headings, rows, { caption: title })),
    reading.map((text) => element("p", { class: "note" }, text)));
}

// The address has the selection, so a link within the page must not change it.
function watchLinks() {
  for (const link of document.querySelectorAll('a[href^="#"]')) link.addEventListener("click", (event) => {
    event.preventDefault();
    const heading = byId(link.getAttribute("href").slice(1)).querySelector("h2");
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    heading.scrollIntoView();
  });
}

function start() {
  watchLinks();
  watchDetails();
  byId("more").addEventListener("click", () => {
    shownRows += MOST_ROWS;
    render();
  });
  matchMedia(`(max-width: ${NARROW}px)`).addEventListener("change", () => innerWidth > 1 && render());
  renderChanges();
  renderScaling();
  render();
  document.documentElement.dataset.ready = "yes";
}

start();
