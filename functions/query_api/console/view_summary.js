/** How much mail arrives, how fast, and where it does not. */

import * as api from "./api.js";
import { h, link, said } from "./dom.js";
import { blank, exportButton } from "./parts.js";
import { figure, legend, lines, ranges, stacks } from "./plots.js";
import { to } from "./router.js";
import { daysAgo, duration, shortDay } from "./time.js";

const SPANS = { 1: "Today", 7: "7 days", 31: "31 days" };
/** How states are told together, from the ground of a bar upwards. */
const GROUPS = [
  { name: "Accepted by the recipient's server", tone: "good", states: ["delivered"] },
  { name: "Under way", tone: "info", states: ["queued", "relayed", "accepted"] },
  { name: "Waiting", tone: "wait", states: ["deferred", "delayed"] },
  { name: "Did not arrive", tone: "bad", states: ["soft-bounced", "bounced", "suppressed", "rejected"] },
];
const RATES = [
  { name: "Refused", tone: "plot-1", rate: "bounced" },
  { name: "Given up", tone: "plot-2", rate: "soft-bounced" },
  { name: "Reported as unwanted", tone: "plot-3", rate: "complained" },
];

export async function summary(/** @type {Record<string, string>} */ { days = "7" }) {
  const asked = { since: daysAgo(Math.min(Number(days) || 7, 31) - 1) };
  const told = await api.summary(asked);
  const isEmpty = told.total.messages === 0;
  return {
    title: "Summary",
    said: isEmpty ? "No mail in this time." : `${told.total.messages} messages counted.`,
    body: [h("h1", null, "Summary"), spans(days), isEmpty ? none() : filled(told, asked)],
  };
}

function filled(told, asked) {
  const days = whole(told);
  return [
    honest(told),
    tiles(told.total),
    statesPlot(days),
    told.total.rates && ratesPlot(days),
    latencyPlot(told.providers),
    table("By sender's domain", "Domain", told.sender_domains, "domain"),
    table("By receiving provider", "Provider", told.providers, "provider"),
    h("p", { class: "actions" }, exportButton("/v1/summary", asked, `postroad-summary-${asked.since}`)),
  ];
}

function none() {
  const empty = blank("", h("p", null, "Nothing is stored for this time. Choose a longer one, or see with the mail operators whether the relay's log is read."));
  empty.querySelector("h1")?.replaceWith(h("h2", null, "No mail in this time"));
  return empty;
}

function spans(days) {
  return h("nav", { class: "days", "aria-label": "How many days" }, Object.entries(SPANS).map(([span, name]) => h("a", { href: to("summary", { days: span }), "aria-current": span === days ? "true" : null }, name)));
}

/** Every day of the window: one without mail is told as well, or a gap would look like none. */
function whole({ days, window }) {
  const known = new Map(days.map((one) => [one.day, one]));
  const found = [];
  for (let at = Date.parse(window.since); at <= Date.parse(window.until); at += 86_400_000) {
    const day = new Date(at).toISOString().slice(0, 10);
    found.push(known.get(day) ?? { day, states: {}, rates: null });
  }
  return found;
}

/** What the numbers leave out. */
function honest({ counted, truncated, records_read: read }) {
  const notes = [
    counted === "problems" && "Only problems are counted here, so there are no rates and no delivery times. The metrics of the deployed stack have them.",
    truncated && `Only the newest ${read} records are counted: choose fewer days for whole numbers.`,
  ].filter(Boolean);
  return notes.map((note) => h("p", { class: "note wait" }, note));
}

function tiles({ messages, rates, latency_s: latency }) {
  const all = [
    ["Messages", messages],
    ["Accepted by recipients' servers", percent(rates?.delivered)],
    ["Refused", percent(rates?.bounced)],
    ["Reported as unwanted", percent(rates?.complained)],
    ["Half arrive within", latency && duration(latency.p50)],
  ];
  return h("dl", { class: "tiles" }, all.map(([name, value]) => value !== null && h("div", null, h("dt", null, name), h("dd", null, value))));
}

function statesPlot(days) {
  const series = GROUPS.map(({ name, tone, states }) => ({ name, tone, values: days.map((one) => sum(one.states, states)) }));
  const labels = days.map(({ day }) => shortDay(day));
  const words = `Messages of each day (UTC) by where they stand now: ${series.map(({ name, values }) => `${values.reduce((a, b) => a + b, 0)} ${name.toLowerCase()}`).join(", ")}.`;
  const table = { head: ["Day", ...series.map(({ name }) => name)], rows: days.map(({ day }, at) => [day, ...series.map(({ values }) => values[at])]) };
  return figure({ title: "Messages by state", words, legend: legend(series, "bar"), table }, stacks(labels, series));
}

function ratesPlot(days) {
  const series = RATES.map(({ name, tone, rate }) => ({ name, tone, values: days.map((one) => one.rates?.[rate] ?? null) }));
  const labels = days.map(({ day }) => shortDay(day));
  const worst = series.map(({ name, values }) => `${name.toLowerCase()} at most ${percent(Math.max(...values.map((one) => one ?? 0)))}`).join(", ");
  const table = { head: ["Day", ...series.map(({ name }) => name)], rows: days.map(({ day }, at) => [day, ...series.map(({ values }) => percent(values[at]) ?? "none")]) };
  return figure({ title: "Rates over time", words: `Share of each day's messages (UTC): ${worst}.`, legend: legend(series, "line"), table }, lines(labels, series, (value) => percent(value) ?? ""));
}

function latencyPlot(providers) {
  const rows = providers.filter((one) => one.latency_s).map(({ provider, latency_s: of }) => ({ name: provider, values: [of.p50, of.p90, of.p99] }));
  if (rows.length === 0) return null;
  const slow = rows.reduce((a, b) => (b.values[1] > a.values[1] ? b : a));
  const words = `How long providers take to accept mail: half of it (circle), 90 % (square), 99 % (triangle). Slowest: ${slow.name}, 90 % within ${duration(slow.values[1])}.`;
  const table = { head: ["Provider", "Half", "90 %", "99 %"], rows: rows.map(({ name, values }) => [name, ...values.map(duration)]) };
  return figure({ title: "Delivery time by provider", words, height: 48 + rows.length * 30, table }, ranges(rows, duration));
}

function table(title, label, groups, name) {
  const filter = name === "provider" ? "provider" : "sender_domain";
  const named = (one) => (one[name] === "unknown" ? "not known" : link(to("problems", { [filter]: one[name] }), {}, said(one[name])));
  const row = (one) => h("tr", null, h("th", { scope: "row" }, named(one)), h("td", null, one.messages), h("td", null, one.states.delivered ?? 0), h("td", null, sum(one.states, GROUPS[3].states)), h("td", null, one.complained), h("td", null, one.latency_s ? duration(one.latency_s.p90) : "-"));
  const heads = [label, "Messages", "Accepted", "Did not arrive", "Reported", "90 % within"];
  return h("section", { class: "card" }, h("h2", null, title), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, h("table", null, h("thead", null, h("tr", null, heads.map((one) => h("th", { scope: "col" }, one)))), h("tbody", null, groups.map(row)))));
}

function sum(states, wanted) {
  return wanted.reduce((total, word) => total + (states[word] ?? 0), 0);
}

function percent(/** @type {number | null | undefined} */ rate) {
  if (rate === null || rate === undefined) return null;
  return `${Number((rate * 100).toFixed(rate < 0.01 ? 2 : 1))} %`;
}
