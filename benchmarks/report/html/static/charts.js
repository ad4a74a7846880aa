// Plots: Vega-Lite specifications of benchmarks/report/plots and benchmarks/report/html/specs.py, drawn as SVG.

const NARROW = 640; // pixels of a window in which legends go below
const MOST_DRAWN = 40; // implementations in a plot; the table has all

const drawn = new Map(); // a figure's id → what it shows, as text: drawn again only where that changed
let drawing = Promise.resolve();

// What a template needs to know of a row.
const drawnAs = ({ implementation, tier }) => ({ implementation, tier, ...DATA.charts.looks[implementation] });

// Fills a template with what is selected.
function showTemplate(name, { title, values, missing }) {
  const { height, ...template } = DATA.charts.templates[name];
  const lines = new Set(values.map((each) => each.implementation)).size;
  const spec = values.length && { ...template, height: height.step ? height.step * lines : height, datasets: { rows: values } };
  showChart(`chart-${name}`, { title, spec, values, words: template.description, missing });
}

// Shows a plot of benchmarks/report/plots that belongs to the selection.
function showPlot(kind, { group }) {
  if (OF_A_GROUP.includes(kind) && !group.isShown) return showChart(`chart-${kind}`, { missing: OTHER_RUN });
  const abouts = [`${group.name}-${group.device}`, `${group.sweep}-${group.device}`, `${group.name}-on-${group.device}`];
  const ofKind = DATA.charts.plots.filter((each) => each.kind === kind && each.machine === group.machine && each.about.endsWith(`-${group.device}`));
  const found = ofKind.find(({ about }) => abouts.includes(about)) ?? (OF_A_GROUP.includes(kind) ? null : ofKind[0]);
  showChart(`chart-${kind}`, found ?? { missing: MISSING[kind] });
}

const OF_A_GROUP = ["losses", "spread"]; // drawn for the run that is shown first
const OTHER_RUN = "Only the run that is offered first has this plot; there is none of this one.";

const SWEEP = "it needs a run over several batch sizes on this machine and device, such as “--suite sweep”.";
const MISSING = {
  losses: "No plot of the losses: only the first problems of each machine have one, if the record has every step’s loss.",
  throughput: `No plot of throughput against batch size: ${SWEEP}`,
  "decision-map": `No map of batch size and length of training: ${SWEEP}`,
  "cost-split": `No cost model: ${SWEEP}`,
};

function showChart(id, { title, subtitle = [], spec, values, words, missing = "" }) {
  const narrow = innerWidth < NARROW;
  const key = spec ? JSON.stringify([title, subtitle, values, narrow]) : missing;
  if (drawn.get(id) === key) return;
  drawn.set(id, key);
  if (!spec) return fill(id, missing && element("p", { class: "note" }, missing));
  const canvas = element("div", { class: "canvas", role: "img", "aria-label": words });
  fill(id, element("figcaption", null, element("b", null, title), subtitle.map((line) => element("span", null, line))),
    canvas, inWords(title, words, values));
  document.documentElement.dataset.drawn = "no";
  const last = drawing.then(idle).then(() => draw(canvas, spec)).catch((error) => console.error(`${id}: ${error.message}`));
  drawing = last;
  last.then(() => {
    if (drawing === last) document.documentElement.dataset.drawn = "yes";
  });
}

// A plot takes some tens of milliseconds: between two plots, the page reacts to input.
const idle = () => new Promise((resolve) => {
  if (window.requestIdleCallback) requestIdleCallback(resolve, { timeout: 300 });
  else setTimeout(resolve, 0);
});

// Vega's interpreter, so that the page's policy need not allow the evaluation of text.
async function draw(canvas, spec) {
  if (!canvas.clientWidth) return; // replaced by another by now
  await vegaEmbed(canvas, fitted(spec, canvas.clientWidth), {
    ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: chartTip,
  });
  canvas.querySelector("svg")?.setAttribute("aria-hidden", "true"); // the canvas says it in words
}

// Fits a plot into a width in pixels.
function fitted(spec, width) {
  const narrow = innerWidth < NARROW;
  const config = { ...DATA.charts.config, background: "transparent", padding: 4, aria: false };
  if (narrow) config.legend = { ...config.legend, orient: "bottom", columns: 2, direction: "vertical" };
  return { ...narrowed(spec, width - (narrow ? 66 : 190)), config };
}

// Makes no view and no panel's heading wider than `width`; panels that don't fit side by side go below each other.
function narrowed(spec, width) {
  if (Array.isArray(spec)) return spec.map((each) => narrowed(each, width));
  const { hconcat, ...copy } = spec;
  if (copy.width > width) {
    if (copy.layer) copy.layer = copy.layer.map((layer) => thinned(layer, width / copy.width));
    copy.width = width;
  }
  if (hconcat && width < NARROW) copy.vconcat = hconcat.map(labelled);
  else if (hconcat) copy.hconcat = hconcat;
  const panel = copy.columns > 2 && width < NARROW ? width / 2 - 18 : width;
  if (copy.facet && width < NARROW) copy.facet = { ...copy.facet, header: { ...copy.facet.header, labelLimit: panel } };
  if (panel < width) return { ...copy, columns: 2, spec: narrowed(copy.spec, panel) };
  for (const part of ["layer", "vconcat", "hconcat", "concat", "spec"]) if (copy[part]) copy[part] = narrowed(copy[part], width);
  return copy;
}

// Leaves out the names that don't fit into their areas in a panel of that share of its width.
const thinned = (layer, share) => (layer.name?.startsWith("names_")
  ? { ...layer, transform: [{ filter: `datum.room * ${share} >= datum.needed` }] } : layer);

// Labels the lines of a panel that shared the labels of the panel beside it.
function labelled(spec) {
  const { y } = spec.encoding ?? {};
  const encoding = y?.axis ? { ...spec.encoding, y: { ...y, axis: { ...y.axis, labels: true, ticks: true } } } : spec.encoding;
  return { ...spec, ...(encoding && { encoding }), ...(spec.layer && { layer: spec.layer.map(labelled) }) };
}

// The plot in words and as a table.
const inWords = (title, words, values) => unfolding("In words and as a table", () =>
  [element("p", { class: "note" }, words), valuesTable(title, values)]);

const UNSAID = ["colour", "dash", "label", "label at", "marked", "shape"]; // how it is drawn, not what it says

function valuesTable(title, values) {
  const fields = Object.keys(values[0] ?? {}).filter((field) => !UNSAID.includes(field));
  const numeric = (field) => values.some((row) => typeof row[field] === "number");
  return simpleTable(fields.map((field) => ({ title: field, numeric: numeric(field) })),
    values.map((row) => fields.map((field) => valueCell(row[field]))), { caption: title });
}

function valueCell(value) {
  if (value === null || value === undefined) return NONE;
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);
}
