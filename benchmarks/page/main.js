// Puts the page together: what is selected → everything that is shown.

function render() {
  hideTip();
  if (!DATA.groups.length) return empty();
  const selected = selection();
  renderChoosers(selected);
  renderControls(selected);
  renderTable(selected);
  renderSections(selected);
  renderDetails(selected);
  byId("state").textContent = `${selected.group.problem} on ${selected.group.device}, ${count(selected.group.rows.length, "implementation")}`;
}

function empty() {
  document.body.classList.add("empty");
  fill("choosers", element("p", null, "There is no record yet. Measure with “perceptron-bench run”, then write this page with “perceptron-bench report”."));
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

// A picture of benchmarks/pictures that belongs to what is selected.
function showPicture(kind, { group, run }) {
  const fits = (each) => each.kind === kind && each.site === group.site && each.device === group.device
    && (each.group === null || each.group === `${group.problem} ${group.feed} ${group.readback}`)
    && (each.run === null || each.run === run.date);
  const found = DATA.charts.pictures.find(fits);
  showChart(`chart-${kind}`, { title: found?.title, spec: found?.spec, missing: found ? "" : MISSING[kind] });
}

const MISSING = {
  losses: "The losses of each step are not in this record.",
  "decision-map": "No map: it needs a run over several batch sizes on this machine and device (--suite sweep).",
  costs: "No cost model: it needs a run over several batch sizes on this machine and device (--suite sweep).",
  throughput: "No curve over batch sizes: it needs a run over several of them on this machine and device (--suite sweep).",
  samples: "",
  trend: "",
};

function renderChanges() {
  const { changes } = DATA;
  byId("changes").hidden = !changes;
  if (!changes) return;
  fill("changes-summary", changes.summary);
  fill("changes-table", simpleTable(changes.headings.map((title, i) => ({ title, numeric: i > 0 && i < changes.headings.length - 1 })), changes.cases, { caption: "Each case against the base" }),
    element("p", { class: "note" }, changes.reading), element("ul", { class: "note" }, changes.remarks.map((each) => element("li", null, each))));
}

function start() {
  watchDetails();
  byId("more").addEventListener("click", () => {
    shownRows += MOST_ROWS;
    render();
  });
  addEventListener("resize", () => drawn.size && render());
  renderChanges();
  render();
  document.documentElement.dataset.ready = "yes";
}

start();
