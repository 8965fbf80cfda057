/** Plots as SVG: each has a title, a description in words, and the same numbers as a table beneath. */

import { h, show, svg } from "./dom.js";

const HEIGHT = 220;
const EDGE = { top: 12, right: 14, bottom: 28, left: 46 };
let count = 0;

/** @typedef {{name: string, tone: string, values: (number | null)[]}} Series */
/** @typedef {{head: string[], rows: (string | number)[][]}} Table */

/**
 * A figure whose drawing fits its width, drawn again when that changes.
 * @param {{title: string, words: string, height?: number, legend?: any, table: Table}} what
 * @param {(width: number, height: number) => any[]} draw
 */
export function figure({ title, words, height = HEIGHT, legend = null, table }, draw) {
  const id = `plot-${++count}`;
  const frame = h("div", { class: "plot" });
  let drawn = 0;
  const redraw = () => {
    const width = Math.max(Math.floor(frame.clientWidth), 240);
    if (width === drawn) return;
    drawn = width;
    const names = [svg("title", { id: `${id}-t` }, title), svg("desc", { id: `${id}-d` }, words)];
    show(frame, svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-labelledby": `${id}-t`, "aria-describedby": `${id}-d` }, names, draw(width, height)));
  };
  new ResizeObserver(redraw).observe(frame);
  return h("figure", { class: "card figure" }, h("figcaption", null, h("h2", null, title), h("p", { class: "muted" }, words)), legend, frame, asTable(title, table));
}

/** Lines over days; each series has a dash of its own, since colour alone tells not everybody. */
export function lines(/** @type {string[]} */ labels, /** @type {Series[]} */ series, /** @type {(value: number) => string} */ name) {
  return (/** @type {number} */ width, /** @type {number} */ height) => {
    const top = ceiling(Math.max(...series.flatMap(({ values }) => values.map((one) => one ?? 0))));
    const x = (at) => EDGE.left + ((at + 0.5) / labels.length) * (width - EDGE.left - EDGE.right);
    const y = (value) => height - EDGE.bottom - (value / top) * (height - EDGE.top - EDGE.bottom);
    return [grid(width, top, y, name), days(labels, x, height), series.map((one, nth) => line(one, nth, x, y, name, labels))];
  };
}

function line({ name: whose, tone, values }, nth, x, y, name, labels) {
  const points = values.flatMap((value, at) => (value === null ? [] : [[x(at), y(value), at, value]]));
  const path = points.map(([left, up], at) => `${at ? "L" : "M"}${left.toFixed(1)} ${up.toFixed(1)}`).join("");
  const dots = points.map(([left, up, at, value]) => svg("circle", { cx: left, cy: up, r: 4 }, svg("title", null, `${whose}, ${labels[at]}: ${name(value)}`)));
  return svg("g", { class: `line ${tone} dash-${nth}` }, svg("path", { d: path }), dots);
}

/** Bars over days, one series upon the other. */
export function stacks(/** @type {string[]} */ labels, /** @type {Series[]} */ series) {
  return (/** @type {number} */ width, /** @type {number} */ height) => {
    const sums = labels.map((_, at) => series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0));
    const top = ceiling(Math.max(...sums));
    const room = (width - EDGE.left - EDGE.right) / labels.length;
    const x = (at) => EDGE.left + (at + 0.5) * room;
    const y = (value) => height - EDGE.bottom - (value / top) * (height - EDGE.top - EDGE.bottom);
    const thick = Math.min(room * 0.7, 48);
    return [grid(width, top, y, String), days(labels, x, height), labels.map((label, at) => stack(label, at, series, x(at) - thick / 2, thick, y))];
  };
}

function stack(label, at, series, left, thick, y) {
  let under = 0;
  return series.map(({ name, tone, values }) => {
    const value = values[at] ?? 0;
    const bar = value > 0 && svg("rect", { class: `bar ${tone}`, x: left, y: y(under + value), width: thick, height: y(under) - y(under + value) }, svg("title", null, `${name}, ${label}: ${value}`));
    under += value;
    return bar;
  });
}

const TICKS = [0.1, 1, 10, 60, 600, 3600, 36_000, 360_000];
const TICK_NAMES = ["0.1 s", "1 s", "10 s", "1 min", "10 min", "1 h", "10 h", "100 h"];

/**
 * From the fast half to the slow end, on a scale of powers: mail takes a second or a day.
 * @param {{name: string, values: number[]}[]} rows
 * @param {(value: number) => string} name
 */
export function ranges(rows, name) {
  return (/** @type {number} */ width, /** @type {number} */ height) => {
    const left = Math.min(130, width * 0.32);
    const all = rows.flatMap(({ values }) => values).map((one) => Math.max(one, 0.1));
    const last = Math.max(TICKS.findIndex((tick) => tick >= Math.max(...all)), 2);
    const span = Math.log(TICKS[last] / 0.1);
    const x = (value) => left + (Math.log(Math.max(value, 0.1) / 0.1) / span) * (width - left - 26);
    const marks = TICKS.slice(0, last + 1).map((tick, at) => [
      svg("line", { class: "rule", x1: x(tick), x2: x(tick), y1: 6, y2: height - EDGE.bottom }),
      svg("text", { class: "label", x: x(tick), y: height - 9, "text-anchor": "middle" }, TICK_NAMES[at]),
    ]);
    return [marks, rows.map((row, at) => range(row, 24 + at * 30, x, name, left))];
  };
}

function range({ name: whose, values }, y, x, name, left) {
  const [middle, most, slowest] = values.map(x);
  const told = `${whose}: half within ${name(values[0])}, 90 % within ${name(values[1])}, 99 % within ${name(values[2])}`;
  const size = Math.floor(left / 7.5);
  return svg(
    "g",
    { class: "range" },
    svg("title", null, told),
    svg("text", { class: "label name", x: left - 10, y: y + 4, "text-anchor": "end" }, whose.length > size ? `${whose.slice(0, size - 1)}…` : whose),
    svg("line", { class: "whole", x1: middle, x2: slowest, y1: y, y2: y }),
    svg("circle", { class: "half", cx: middle, cy: y, r: 6 }),
    svg("rect", { class: "most", x: most - 5, y: y - 5, width: 10, height: 10 }),
    svg("path", { class: "slowest", d: `M${slowest} ${y - 7}L${slowest + 6} ${y + 5}L${slowest - 6} ${y + 5}Z` }),
  );
}

/** A legend whose signs are those of the plot. */
export function legend(/** @type {{name: string, tone: string}[]} */ series, /** @type {"line" | "bar"} */ kind) {
  const sign = ({ tone }, nth) => svg("svg", { viewBox: "0 0 28 12", width: 28, height: 12, "aria-hidden": "true" }, kind === "bar" ? svg("rect", { class: `bar ${tone}`, width: 28, height: 12, rx: 2 }) : svg("g", { class: `line ${tone} dash-${nth}` }, svg("path", { d: "M0 6H28" }), svg("circle", { cx: 14, cy: 6, r: 4 })));
  return h("ul", { class: "legend" }, series.map((one, nth) => h("li", null, sign(one, nth), one.name)));
}

function grid(width, top, y, name) {
  return [0, 0.5, 1].map((part) => [
    svg("line", { class: "rule", x1: EDGE.left, x2: width - EDGE.right, y1: y(top * part), y2: y(top * part) }),
    svg("text", { class: "label", x: EDGE.left - 8, y: y(top * part) + 4, "text-anchor": "end" }, name(top * part)),
  ]);
}

function days(labels, x, height) {
  const room = labels.length > 1 ? x(1) - x(0) : 100;
  const every = Math.ceil(52 / room);
  return labels.map((label, at) => at % every === 0 && svg("text", { class: "label", x: x(at), y: height - 9, "text-anchor": "middle" }, label));
}

/** The next round number. */
function ceiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((one) => one * power).find((one) => one >= value) ?? value;
}

function asTable(title, { head, rows }) {
  const cells = (row) => row.map((cell, at) => (at === 0 ? h("th", { scope: "row" }, cell) : h("td", null, cell)));
  return h(
    "details",
    { class: "as-table" },
    h("summary", null, "As a table"),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, h("table", null, h("caption", { class: "sr" }, title), h("thead", null, h("tr", null, head.map((one) => h("th", { scope: "col" }, one)))), h("tbody", null, rows.map((row) => h("tr", null, cells(row)))))),
  );
}
