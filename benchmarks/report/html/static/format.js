// Figures as text, as benchmarks/analysis/cells.py writes them.

const NONE = "—";
const PREFIXES = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"], [1e-12, "p"]];

// Three significant digits and an SI prefix: "142 µs".
function si(value, unit) {
  if (value === null || value === undefined) return NONE;
  if (!value) return `0 ${unit}`.trim();
  const [factor, prefix] = PREFIXES.find(([each]) => value >= each * 0.9995) ?? PREFIXES.at(-1);
  return `${(value / factor).toPrecision(3)} ${prefix}${unit}`.trim();
}

const grouped = (value) => Math.round(value).toLocaleString("en");

// Three significant digits, or all of a large number's.
const threeDigits = (value) => (value < 999.5 ? String(Number(value.toPrecision(3))) : grouped(value));

const times = (value) => (value === null || value === undefined ? NONE : `${threeDigits(value)}×`);

function interval({ low, high, coverage }) {
  if (low === null || low === undefined) return NONE;
  const sure = coverage < 0.95 ? ` (${Math.round(coverage * 100)}%)` : "";
  return `${threeDigits(low)} to ${threeDigits(high)}${sure}`;
}

const exponent = (value) => (value === null || value === undefined ? NONE : pythonic(value.toExponential(1)));

// "2.5e-6" → "2.5e-06"
const pythonic = (text) => text.replace(/e([+-])(\d)$/, "e$10$2");

const count = (n, noun, plural = `${noun}s`) => `${grouped(n)} ${n === 1 ? noun : plural}`;

const day = (date) => date.slice(0, 16).replace("T", " ");

function listed(names) {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
