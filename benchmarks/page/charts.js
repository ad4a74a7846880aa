// Pictures: Vega-Lite specifications from benchmarks/pictures and benchmarks/page/charts.py, drawn as SVG.

const drawn = new Map(); // id of a figure → what it shows, as text: drawn again only where that changed
let drawing = Promise.resolve();

// Shows a picture, or says why there is none.
function showChart(id, { title, spec, values = null, missing = "" }) {
  const key = spec ? JSON.stringify([title, values, spec.name ?? spec, innerWidth < NARROW]) : missing;
  if (drawn.get(id) === key) return;
  drawn.set(id, key);
  if (!spec) return fill(id, missing && element("p", { class: "note" }, missing));
  const canvas = element("div", { class: "canvas" });
  const whole = values ? { ...spec, data: { values } } : spec;
  fill(id, element("figcaption", null, element("b", null, title), " ", element("span", null, spec.description)),
    canvas, asTable(title, whole));
  drawing = drawing.then(() => draw(canvas, whole)).catch((error) => console.error(`${id}: ${error.message}`));
}

// The interpreter, so that the page's policy need not allow evaluating text.
const draw = (canvas, spec) => vegaEmbed(canvas, fitted(spec, canvas.clientWidth), {
  ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: chartTip,
});

const NARROW = 640;

// Fits a picture into a width in pixels: on a phone the legend goes below, and fewer ticks fit.
function fitted(spec, width) {
  const narrow = innerWidth < NARROW;
  const config = spec.config ?? {};
  const legend = narrow ? { ...config.legend, orient: "bottom", columns: 2, labelLimit: width / 2 - 40 } : config.legend;
  return { ...narrowed(spec, width - (narrow ? 70 : 190)), config: { ...config, legend, background: "transparent" } };
}

// Narrows every view of a picture that is wider than `width`.
function narrowed(spec, width) {
  if (Array.isArray(spec)) return spec.map((each) => narrowed(each, width));
  if (spec === null || typeof spec !== "object") return spec;
  const copy = { ...spec };
  if (typeof copy.width === "number") copy.width = Math.min(copy.width, width);
  for (const part of ["layer", "vconcat", "hconcat", "concat", "spec"]) if (part in copy) copy[part] = narrowed(copy[part], width);
  return copy;
}

// The picture's data as a table, made when it is asked for: the fields that are encoded, by their titles.
function asTable(title, spec) {
  const details = element("details", { ontoggle: (event) => {
    if (details.open && details.children.length === 1) details.append(...tablesOf(title, spec));
  } }, element("summary", null, "The same as a table"));
  return details;
}

function tablesOf(title, spec) {
  const found = new Map();
  collect(spec, spec.data, spec.datasets ?? {}, found);
  return [...found].filter(([values, fields]) => values.length && fields.size).map(([values, fields]) => {
    const headings = [...fields].map(([field, name]) => ({ title: name, numeric: values.some((row) => typeof row[field] === "number") }));
    return simpleTable(headings, values.map((row) => [...fields.keys()].map((field) => cellOf(row[field]))), { caption: title });
  });
}

// Finds the encoded fields of every set of data in a picture: values → (field → title).
function collect(spec, data, datasets, found) {
  const here = spec.data ?? data;
  const values = here?.values ?? datasets[here?.name];
  for (const channel of Object.values(spec.encoding ?? {})) {
    for (const each of [channel, ...(Array.isArray(channel) ? channel : []), channel.condition].flat()) {
      if (!values || !each?.field || !(values[0] && each.field in values[0])) continue;
      if (!found.has(values)) found.set(values, new Map());
      const name = each.title ?? each.axis?.title ?? each.legend?.title ?? each.field.replaceAll("_", " ");
      if (!found.get(values).has(each.field)) found.get(values).set(each.field, name);
    }
  }
  for (const part of ["layer", "vconcat", "hconcat", "concat"]) for (const each of spec[part] ?? []) collect(each, here, datasets, found);
  if (spec.spec) collect(spec.spec, here, datasets, found);
}

function cellOf(value) {
  if (value === null || value === undefined) return NONE;
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);
}
